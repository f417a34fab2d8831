"""Whether WeCom or WeChat wrote a callback, and what is under its seal (WX 8, WX 14.4).

Signing and AES are wechatpy's. Its ``decrypt_message`` is not used: it compares signatures in
varying time, looks only at the last byte of the padding, skips characters that are no Base64, and
ends in one of seven exceptions, by what is wrong. What it leaves open is checked here.
"""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from wechatpy.crypto.base import WeChatCipher
from wechatpy.utils import WeChatSigner

from providers.tencent.apps import App

_BLOCK: Final = 32
"""Bytes to which the plain text is padded, though a block of AES has 16."""
_RANDOM: Final = 16
_LENGTH: Final = 4
_SECONDS: Final = 12
"""Digits of a timestamp; more are no time."""


class NotAuthentic(Exception):
    """Nobody who knows a token and key of ours wrote it. Why not is nobody's business."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a callback's query says of who wrote it, URL-decoded."""

    signature: str
    timestamp: str
    nonce: str

    def is_fresh(self, now: datetime, window: timedelta) -> bool:
        """Return whether it was signed that shortly before or after ``now``."""
        if not (self.timestamp.isascii() and self.timestamp.isdecimal()):
            return False
        if len(self.timestamp) > _SECONDS:
            return False
        return abs(now.timestamp() - int(self.timestamp)) <= window.total_seconds()


def signature_of(token: bytes, *signed: str) -> str:
    """Return the signature: SHA-1 over the token and the texts, sorted and joined.

    >>> signature_of(b"QDG6eK", "1409659813", "1372623149")
    'd2157f2f9079f4d6257b45edf665c43c62e60a0a'
    """
    signer = WeChatSigner()
    signer.add_data(token, *(text.encode(errors="replace") for text in signed))
    return signer.signature


def signers(apps: Sequence[App], proof: Proof, *signed: str) -> list[App]:
    """Return the apps whose token signs the texts; raise `NotAuthentic` where there is none.

    Takes the same time whichever fits, and however much of the signature is right.
    """
    given = proof.signature.encode(errors="replace")
    wanted = [signature_of(app.token, proof.timestamp, proof.nonce, *signed) for app in apps]
    fits = [hmac.compare_digest(each.encode(), given) for each in wanted]
    found = [app for app, fit in zip(apps, fits, strict=True) if fit]
    if not found:
        raise NotAuthentic
    return found


def unseal(apps: Sequence[App], proof: Proof, sealed: str) -> tuple[App, str]:
    """Return whose callback it is, and its text; raise `NotAuthentic` in every other case.

    While a key is being changed two apps have one token: the one whose key fits is the one.
    """
    for app in signers(apps, proof, sealed):
        text = None if app.key is None else _decrypted(sealed, app.key, app.account_id)
        if text is not None:
            return app, text
    raise NotAuthentic


def _decrypted(sealed: str, key: bytes, receiver: str) -> str | None:
    try:
        plain = WeChatCipher(key).decrypt(base64.b64decode(sealed, validate=True))
        return _content(plain, receiver)
    except ValueError:
        # No Base64, no whole blocks, no UTF-8.
        return None


def _content(plain: bytes, receiver: str) -> str | None:
    """Return the message out of random bytes, its length, itself, its receiver, padding."""
    if not plain or len(plain) % _BLOCK:
        return None
    padding = plain[-1]
    if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
        return None
    length, message = plain[_RANDOM : _RANDOM + _LENGTH], plain[_RANDOM + _LENGTH : -padding]
    end = int.from_bytes(length, "big")
    if end > len(message) or message[end:] != receiver.encode():
        return None
    return message[:end].decode()
