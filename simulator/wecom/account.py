"""The WeCom side of the world: company, app, callback, token, files, customer service."""

from dataclasses import dataclass
from functools import partial

from simulator.chance import Chance
from simulator.clock import SimClock
from simulator.knob_book import KnobBook
from simulator.media import Shelf
from simulator.settings import Settings
from simulator.tencent.channel import (
    Draft,
    Form,
    Letter,
    NotConfiguredError,
    Seal,
    Verification,
    crypto_of,
)
from simulator.tencent.documents import Json, as_json, as_xml
from simulator.wecom.kf import Desk
from simulator.wecom.tokens import Tokens

_MEDIA_KEPT_S = 3 * 86_400.0
_ANSWERED_WITHIN_S = 1.0
_NOT_CONFIGURED = "WeCom has no callback: set SIM_WECOM_TOKEN and SIM_WECOM_AES_KEY"
# Each of them must arrive as it is, although it means something in a query.
_AWKWARD = frozenset("+/=")


class Account:
    """One company with one app of its own."""

    provider = "wecom"

    def __init__(self, settings: Settings, clock: SimClock, knobs: KnobBook) -> None:
        self.corp_id = settings.wecom_corp_id
        self.agent_id = settings.wecom_agent_id
        self.url = settings.wecom_callback_url
        self.failures = 0
        self._secret = settings.wecom_secret
        self._crypto = crypto_of(settings.wecom_token, settings.wecom_aes_key, self.corp_id)
        self._clock = clock
        self._knobs = knobs
        self.forget_traffic()

    def forget_traffic(self) -> None:
        """Start tokens, files, conversations and group versions over."""
        secret = self._secret.get_secret_value() if self._secret else None
        self.tokens = Tokens(self.corp_id, secret, self._clock)
        self.media = Shelf(self._clock, _MEDIA_KEPT_S)
        self.desk = Desk(self._clock)
        self.member_versions: dict[str, str] = {}
        """Group chat -> the version of its list of members."""
        self.failures = 0

    def draft(self, message: Json, chance: Chance) -> Draft:
        """Write a message down; the envelope of an app's own names the app too."""
        if self._crypto is None:
            raise NotConfiguredError(_NOT_CONFIGURED)
        form = self._knobs.world.wx_cb_format
        return Draft(
            crypto=self._crypto,
            plain=as_json(message) if form == "json" else as_xml(message),
            timestamp=str(int(self._clock.now())),
            nonce=chance.digits("nonce", 10),
            salt=chance.digits("salt", 16).encode(),
            form=form,
            is_sealed=True,
            wrap=partial(_wrapped, _Envelope(self.corp_id, message.get("AgentID"), form)),
        )

    def verification(self, chance: Chance) -> Verification:
        """Return a GET whose `echostr` holds `+`, `/` and `=`."""
        if self._crypto is None:
            raise NotConfiguredError(_NOT_CONFIGURED)
        expected = chance.digits("echo", 18)
        timestamp, nonce = str(int(self._clock.now())), chance.digits("nonce", 10)
        place, echo = 0, ""
        while not _AWKWARD.issubset(echo):
            salt = chance.digits(f"salt{place}", 16).encode()
            place, echo = place + 1, self._crypto.encrypt(expected.encode(), salt)
        query = {
            "msg_signature": self._crypto.sign(timestamp, nonce, echo),
            "timestamp": timestamp,
            "nonce": nonce,
            "echostr": echo,
        }
        return Verification(query, expected, _ANSWERED_WITHIN_S)


@dataclass(slots=True, frozen=True)
class _Envelope:
    """What stands around the cipher text."""

    corp_id: str
    agent_id: object
    """None: not about an app."""
    form: Form


def _wrapped(envelope: _Envelope, seal: Seal, plain: bytes) -> Letter:
    del plain
    query = {
        "msg_signature": seal.signature,
        "timestamp": seal.timestamp,
        "nonce": seal.nonce,
    }
    about: Json = {"ToUserName": envelope.corp_id}
    if envelope.agent_id is not None:
        about["AgentID"] = str(envelope.agent_id)
    about["Encrypt"] = seal.encrypted
    if envelope.form == "xml":
        return Letter(query, as_xml(about), "xml")
    # The JSON variant has the same names in lower case.
    return Letter(query, as_json({name.lower(): held for name, held in about.items()}), "json")
