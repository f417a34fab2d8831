"""Who receives what WeCom or WeChat push, and how it is locked for them (WX 8 and 14.4)."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import urlencode

from pydantic import SecretStr

from simulator.chance import Chance
from simulator.clock import SimClock
from simulator.tencent.crypto import Crypto
from simulator.tencent.documents import Json, as_json, as_xml

Form = Literal["xml", "json"]

_CONTENT_TYPES: dict[Form, str] = {"xml": "text/xml", "json": "application/json"}


class Letter(NamedTuple):
    """One push as it goes out."""

    query: dict[str, str]
    body: bytes
    form: Form

    def address(self, url: str) -> str:
        """Return the URL with the query behind it."""
        return f"{url}{'&' if '?' in url else '?'}{urlencode(self.query)}"

    @property
    def headers(self) -> dict[str, str]:
        """What stands above the body."""
        return {"Content-Type": _CONTENT_TYPES[self.form], "User-Agent": "Mozilla/4.0"}


class Seal(NamedTuple):
    """A cipher text and what proves that it is ours; in plain mode the text is empty."""

    timestamp: str
    nonce: str
    encrypted: str
    signature: str


Wrap = Callable[[Seal, bytes], Letter]
"""Makes the letter of a seal and the plain text."""


@dataclass(slots=True, frozen=True)
class Draft:
    """Everything a letter is made of, so that a forger can change one thing about it."""

    crypto: Crypto
    plain: bytes
    timestamp: str
    nonce: str
    salt: bytes
    form: Form
    is_sealed: bool
    wrap: Wrap

    def seal(self, encrypted: str | None = None) -> Seal:
        """Return the right seal, of this cipher text or of the right one."""
        if encrypted is None:
            encrypted = self.crypto.encrypt(self.plain, self.salt) if self.is_sealed else ""
        signed = self.crypto.sign(self.timestamp, self.nonce, encrypted)
        return Seal(self.timestamp, self.nonce, encrypted, signed)

    def letter(self) -> Letter:
        """Return the letter as the provider would send it."""
        return self.wrap(self.seal(), self.plain)


class NotConfiguredError(ValueError):
    """The channel has no token or key; the text names the settings."""


class Verification(NamedTuple):
    """What is asked of a callback URL, what it must answer, and how fast."""

    query: dict[str, str]
    expected: str
    within_s: float


class Channel(ABC):
    """One receiver of pushes."""

    def __init__(
        self, provider: str, clock: SimClock, crypto: Crypto | None, url: str | None
    ) -> None:
        self.provider = provider
        """`wecom` or `wechat`."""
        self.url = url
        self.failures = 0
        """Pushes given up in a row."""
        self._clock = clock
        self._crypto = crypto

    @abstractmethod
    def draft(self, message: Json, chance: Chance) -> Draft:
        """Write a message down. Raises NotConfiguredError."""

    @abstractmethod
    def verification(self, chance: Chance) -> Verification:
        """Return what a URL is asked when it is saved. Raises NotConfiguredError."""

    @property
    def is_configured(self) -> bool:
        """Whether it can push."""
        return self._crypto is not None

    @property
    def crypto(self) -> Crypto:
        """The receiver's lock. Raises NotConfiguredError."""
        if self._crypto is None:
            name = self.provider.upper()
            raise NotConfiguredError(
                f"{self.provider} calls nobody back: set SIM_{name}_TOKEN and SIM_{name}_AES_KEY"
            )
        return self._crypto

    def stamp(self, chance: Chance) -> tuple[str, str]:
        """Return timestamp and nonce."""
        return str(int(self._clock.now())), chance.digits("nonce", 10)

    def written(self, message: Json, chance: Chance, form: Form, wrap: Wrap) -> Draft:
        """Return the sealed draft of a message."""
        timestamp, nonce = self.stamp(chance)
        return Draft(
            crypto=self.crypto,
            plain=as_json(message) if form == "json" else as_xml(message),
            timestamp=timestamp,
            nonce=nonce,
            salt=chance.digits("salt", 16).encode(),
            form=form,
            is_sealed=True,
            wrap=wrap,
        )


def crypto_of(token: SecretStr | None, aes_key: SecretStr | None, receive_id: str) -> Crypto | None:
    """Return the lock that the settings describe; none where they are not set."""
    if token is None or aes_key is None:
        return None
    return Crypto(token.get_secret_value(), aes_key.get_secret_value(), receive_id)
