"""The WeChat side of the world: one mini-program and its message push (WX 14.4)."""

from dataclasses import dataclass
from functools import partial

from simulator.chance import Chance
from simulator.clock import SimClock
from simulator.knob_book import KnobBook
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
from simulator.tencent.crypto import signature
from simulator.tencent.documents import Json, as_json, as_xml

_ANSWERED_WITHIN_S = 5.0
_NOT_CONFIGURED = "WeChat has no push: set SIM_WECHAT_TOKEN and SIM_WECHAT_AES_KEY"


class Account:
    """One mini-program; its users are known by openid."""

    provider = "wechat"

    def __init__(self, settings: Settings, clock: SimClock, knobs: KnobBook) -> None:
        self.app_id = settings.wechat_app_id
        self.original_id = settings.wechat_original_id
        self.url = settings.wechat_callback_url
        self.failures = 0
        self._crypto = crypto_of(settings.wechat_token, settings.wechat_aes_key, self.app_id)
        self._clock = clock
        self._knobs = knobs

    def forget_traffic(self) -> None:
        """Forget that the callback failed."""
        self.failures = 0

    def draft(self, message: Json, chance: Chance) -> Draft:
        """Write a message down, plain or sealed, as XML or JSON."""
        if self._crypto is None:
            raise NotConfiguredError(_NOT_CONFIGURED)
        knobs = self._knobs.world
        form, is_sealed = knobs.wc_push_format, knobs.wc_push_mode == "safe"
        openid = str(message["FromUserName"])
        envelope = _Envelope(self.original_id, openid, self._crypto.token, form)
        return Draft(
            crypto=self._crypto,
            plain=as_json(message) if form == "json" else as_xml(message),
            timestamp=str(int(self._clock.now())),
            nonce=chance.digits("nonce", 10),
            salt=chance.digits("salt", 16).encode(),
            form=form,
            is_sealed=is_sealed,
            wrap=partial(_sealed if is_sealed else _open, envelope),
        )

    def verification(self, chance: Chance) -> Verification:
        """Return a GET whose `echostr` must come back unchanged."""
        if self._crypto is None:
            raise NotConfiguredError(_NOT_CONFIGURED)
        timestamp, nonce = str(int(self._clock.now())), chance.digits("nonce", 10)
        echo = chance.digits("echo", 18)
        query = {
            "signature": signature(self._crypto.token, timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "echostr": echo,
        }
        return Verification(query, echo, _ANSWERED_WITHIN_S)


@dataclass(slots=True, frozen=True)
class _Envelope:
    """What stands around a push."""

    original_id: str
    openid: str
    token: str
    form: Form


def _open(envelope: _Envelope, seal: Seal, plain: bytes) -> Letter:
    # Of an empty cipher text the seal's signature is the plain mode's own.
    query = {
        "signature": seal.signature,
        "timestamp": seal.timestamp,
        "nonce": seal.nonce,
        "openid": envelope.openid,
    }
    return Letter(query, plain, envelope.form)


def _sealed(envelope: _Envelope, seal: Seal, plain: bytes) -> Letter:
    del plain
    query = {
        "signature": signature(envelope.token, seal.timestamp, seal.nonce),
        "timestamp": seal.timestamp,
        "nonce": seal.nonce,
        "openid": envelope.openid,
        "encrypt_type": "aes",
        "msg_signature": seal.signature,
    }
    about: Json = {"ToUserName": envelope.original_id, "Encrypt": seal.encrypted}
    body = as_xml(about) if envelope.form == "xml" else as_json(about)
    return Letter(query, body, envelope.form)
