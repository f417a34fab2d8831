"""How apps are written in a setting: a JSON list, in which each error names its place."""

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel
from pydantic_settings import NoDecode


class CallbackApp(BaseModel):
    """One app; an unknown member is a misspelt one."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        # People write an agent id as the number it looks like.
        coerce_numbers_to_str=True,
    )


class CallingApp(CallbackApp, ABC):
    """One app that calls the provider, with access tokens of its own."""

    secret: Annotated[SecretStr, Field(min_length=1)]
    """Each app has its own."""

    @property
    @abstractmethod
    def account(self) -> str:
        """Return the name that goes with the secret."""


def aes_key(encoded: SecretStr) -> bytes:
    """Return the 32 bytes of an EncodingAESKey, which lacks its last ``=`` (WX 8)."""
    return base64.b64decode(encoded.get_secret_value() + "=")


def _checked(says: str, is_right: Callable[[str], bool]) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        if not is_right(secret.get_secret_value()):
            raise ValueError(f"must be {says}")
        return secret

    return AfterValidator(check)


def _is_word(text: str, shortest: int, longest: int) -> bool:
    return text.isascii() and text.isalnum() and shortest <= len(text) <= longest


Token = Annotated[
    SecretStr, _checked("3 to 32 letters and digits", lambda text: _is_word(text, 3, 32))
]
"""Signs callbacks. An empty one would let anybody sign."""

EncodingAesKey = Annotated[
    SecretStr, _checked("43 letters and digits", lambda text: _is_word(text, 43, 43))
]
"""Encrypts callbacks, as the provider's page shows it."""


def _list(written: object) -> object:
    if not isinstance(written, str):
        return written
    try:
        return msgspec.json.decode(written.strip() or "[]")
    except (msgspec.DecodeError, RecursionError):
        raise ValueError("must be a JSON list of objects") from None


Listed = (NoDecode, BeforeValidator(_list))
