"""The WeChat side of the world: one mini-program, its users, and its message push (WX 14)."""

from dataclasses import dataclass, replace
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
from simulator.tencent.crypto import signature
from simulator.tencent.documents import Json, as_json, as_xml
from simulator.wechat.consents import Consents
from simulator.wechat.desk import Desk
from simulator.wechat.quota import Quota
from simulator.wechat.templates import TEMPLATES
from simulator.wechat.tokens import Credentials, Tokens

_ANSWERED_WITHIN_S = 5.0
_MEDIA_KEPT_S = 3 * 86_400.0


class Account(Channel):
    """One mini-program; its users are known by openid."""

    def __init__(self, settings: Settings, clock: SimClock, knobs: KnobBook) -> None:
        self.app_id = settings.wechat_app_id
        self.original_id = settings.wechat_original_id
        self._users = settings.wechat_users
        secret = settings.wechat_secret
        self._credentials = (
            None if secret is None else Credentials(self.app_id, secret.get_secret_value())
        )
        self._knobs = knobs
        crypto = crypto_of(settings.wechat_token, settings.wechat_aes_key, self.app_id)
        super().__init__("wechat", clock, crypto, settings.wechat_callback_url)
        self.forget_traffic()

    def forget_traffic(self) -> None:
        """Start tokens, files, consents and conversations over."""
        self.tokens = Tokens(self._credentials, self._clock)
        self.media = Shelf(self._clock, _MEDIA_KEPT_S)
        self.consents = Consents(self._users)
        self.desk = Desk(self._clock)
        self.quota = Quota(self._clock)
        self.templates = dict(TEMPLATES)
        """Template -> its keys."""
        self.failures = 0

    def draft(self, message: Json, chance: Chance) -> Draft:
        """Write a message down, plain or sealed, as XML or JSON."""
        knobs = self._knobs.world
        form = knobs.wc_push_format
        openid = str(message["FromUserName"])
        envelope = _Envelope(self.original_id, openid, self.crypto.token, form)
        if knobs.wc_push_mode == "safe":
            return self.written(message, chance, form, partial(_sealed, envelope))
        draft = self.written(message, chance, form, partial(_open, envelope))
        return replace(draft, is_sealed=False)

    def verification(self, chance: Chance) -> Verification:
        """Return a GET whose `echostr` must come back unchanged."""
        timestamp, nonce = self.stamp(chance)
        echo = chance.digits("echo", 18)
        query = {
            "signature": signature(self.crypto.token, timestamp, nonce),
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
