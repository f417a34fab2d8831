"""The WeCom side of the world: company, app, callback, token, files, customer service."""

from dataclasses import dataclass
from functools import partial

from simulator.chance import Chance
from simulator.clock import SimClock
from simulator.knob_book import KnobBook
from simulator.media import Shelf
from simulator.settings import Settings
from simulator.tencent.channel import (
    Channel,
    Draft,
    Form,
    Letter,
    Seal,
    Verification,
    crypto_of,
)
from simulator.tencent.documents import Json, as_json, as_xml
from simulator.wecom.directory import Directory
from simulator.wecom.group_sends import GroupSends
from simulator.wecom.kf import Desk
from simulator.wecom.limits import MINUTE_S, Frequencies, Window
from simulator.wecom.outgoing import AppChats, Cards, Outgoing
from simulator.wecom.tokens import Tokens

_MEDIA_KEPT_S = 3 * 86_400.0
_ANSWERED_WITHIN_S = 1.0
# Each of them must arrive as it is, although it means something in a query.
_AWKWARD = frozenset("+/=")


class Account(Channel):
    """One company with one app of its own."""

    def __init__(self, settings: Settings, clock: SimClock, knobs: KnobBook) -> None:
        self.corp_id = settings.wecom_corp_id
        self.agent_id = settings.wecom_agent_id
        self._secret = settings.wecom_secret
        self._robot_key = settings.wecom_robot_key
        self._knobs = knobs
        crypto = crypto_of(settings.wecom_token, settings.wecom_aes_key, self.corp_id)
        super().__init__("wecom", clock, crypto, settings.wecom_callback_url)
        self.forget_traffic()

    def forget_traffic(self) -> None:
        """Start everything over that calls and orders have made."""
        secret = self._secret.get_secret_value() if self._secret else None
        self.tokens = Tokens(self.corp_id, secret, self._clock)
        self.media = Shelf(self._clock, _MEDIA_KEPT_S)
        self.media_kinds: dict[str, str] = {}
        """What was uploaded as image, voice, video or file."""
        self.pictures: dict[str, float] = {}
        """Addresses that `media/uploadimg` gave, and when."""
        self.desk = Desk(self._clock)
        self.directory = Directory(self._clock.now())
        self.group_sends = GroupSends()
        self.frequencies = Frequencies()
        self.outgoing = Outgoing()
        self.cards = Cards(self._clock)
        self.chats = AppChats()
        self.robot_sends = Window(MINUTE_S)
        self.member_versions: dict[str, str] = {}
        """Group chat -> the version of its list of members."""
        self.failures = 0

    def is_robot(self, key: str) -> bool:
        """Say whether this is the key of the group's robot."""
        return self._robot_key is not None and key == self._robot_key.get_secret_value()

    def draft(self, message: Json, chance: Chance) -> Draft:
        """Write a message down; the envelope of an app's own names the app too."""
        form = self._knobs.world.wx_cb_format
        envelope = _Envelope(self.corp_id, message.get("AgentID"), form)
        return self.written(message, chance, form, partial(_wrapped, envelope))

    def verification(self, chance: Chance) -> Verification:
        """Return a GET whose `echostr` holds `+`, `/` and `=`."""
        expected = chance.digits("echo", 18)
        timestamp, nonce = self.stamp(chance)
        place, echo = 0, ""
        while not _AWKWARD.issubset(echo):
            salt = chance.digits(f"salt{place}", 16).encode()
            place, echo = place + 1, self.crypto.encrypt(expected.encode(), salt)
        query = {
            "msg_signature": self.crypto.sign(timestamp, nonce, echo),
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
