"""How a link says who may do what with it, and until when, and how nobody else can write one.

A link's token is ``1.<key id>.<end>.<content>.<signature>``, in letters that need no escaping: the
end in Unix seconds; the content a tagged record, as MessagePack in Base64; the signature the
HMAC-SHA256 of all before it. It is signed, not secret: whoever has it can read it (CF-27).

A tag, so that a link to one thing never opens another. A key id, so that keys can be changed while
links are under way.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec
from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

C = TypeVar("C", bound=msgspec.Struct)

SHORTEST_KEY: Final = 32
"""Characters; `openssl rand -hex 32` makes 64."""
LONGEST_TOKEN: Final = 2_048
"""Characters. Ours have some 400."""

_VERSION: Final = "1"
_PARTS: Final = 4
"""Before the signature."""


class BadLink(ValueError):
    """The link opens nothing. Why is nobody's business but ours."""


class ForgedLink(BadLink):
    """None of our keys signed this, or for something else."""


class ExpiredLink(BadLink):
    """We signed it, and its time is over."""


class LinkSettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    link_signing_keys: SecretStr = SecretStr("")
    """Comma-separated: the first signs, all are accepted. Empty: there are no links."""

    @field_validator("link_signing_keys")
    @classmethod
    def _are_long(cls, given: SecretStr) -> SecretStr:
        if any(len(key) < SHORTEST_KEY for key in _keys(given)):
            raise ValueError(f"each key must have at least {SHORTEST_KEY} characters")
        return given

    @property
    def link_keys(self) -> tuple[bytes, ...]:
        """All accepted keys, the one that signs first."""
        return _keys(self.link_signing_keys)


def token_for(content: msgspec.Struct, *, until: datetime, key: bytes) -> str:
    """Return the token of a link to the content, a tagged record."""
    ends = str(int(until.timestamp()))
    said = ".".join((_VERSION, _key_id(key), ends, _text(msgspec.msgpack.encode(content))))
    return f"{said}.{_signature(said, key)}"


def opened(token: str, kind: type[C], *, keys: Sequence[bytes], now: datetime) -> C:
    """Return the content of a link to such a record, or raise `ForgedLink` or `ExpiredLink`.

    Nothing of a token is read before its signature has proven right. The signature covers the
    letters as they stand, so that no second spelling of the same bytes is accepted.
    """
    said, _, signature = token.rpartition(".")
    parts = said.split(".")
    if len(token) > LONGEST_TOKEN or len(parts) != _PARTS or parts[0] != _VERSION:
        raise ForgedLink
    _, key_id, ends, content = parts
    signing = [key for key in keys if _key_id(key) == key_id]
    given = signature.encode(errors="replace")
    if not any(hmac.compare_digest(_signature(said, key).encode(), given) for key in signing):
        raise ForgedLink
    try:
        record = msgspec.msgpack.decode(urlsafe_b64decode(_padded(content)), type=kind)
    except msgspec.MsgspecError as error:
        raise ForgedLink from error
    if now.timestamp() >= int(ends):
        raise ExpiredLink
    return record


def _signature(said: str, key: bytes) -> str:
    return _text(hmac.digest(key, said.encode(errors="replace"), "sha256"))


def _key_id(key: bytes) -> str:
    return _text(hmac.digest(key, b"key id", "sha256")[:3])


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)


def _keys(setting: SecretStr) -> tuple[bytes, ...]:
    words = setting.get_secret_value().split(",")
    return tuple(word.strip().encode() for word in words if word.strip())
