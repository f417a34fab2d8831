"""Who receives what WeCom or WeChat push, and how it is locked for them (WX 8 and 14.4)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol
from urllib.parse import urlencode

from pydantic import SecretStr

from simulator.chance import Chance
from simulator.tencent.crypto import Crypto
from simulator.tencent.documents import Json

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
    wrap: Callable[[Seal, bytes], Letter]
    """Makes the letter of a seal and the plain text."""

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


class Channel(Protocol):
    """One receiver of pushes."""

    url: str | None
    failures: int
    """Pushes given up in a row."""

    @property
    def provider(self) -> str:
        """`wecom` or `wechat`."""
        ...

    def draft(self, message: Json, chance: Chance) -> Draft:
        """Write a message down. Raises NotConfiguredError."""
        ...

    def verification(self, chance: Chance) -> "Verification":
        """Return what a URL is asked when it is saved. Raises NotConfiguredError."""
        ...


class Verification(NamedTuple):
    """What is asked of a callback URL, what it must answer, and how fast."""

    query: dict[str, str]
    expected: str
    within_s: float


def crypto_of(token: SecretStr | None, aes_key: SecretStr | None, receive_id: str) -> Crypto | None:
    """Return the lock that the settings describe; none where they are not set."""
    if token is None or aes_key is None:
        return None
    return Crypto(token.get_secret_value(), aes_key.get_secret_value(), receive_id)
