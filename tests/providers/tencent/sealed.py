"""Callbacks as WeCom and WeChat sign and encrypt them: by the library, or wrongly on purpose."""

import base64
from datetime import datetime

from wechatpy.crypto import PrpCrypto
from wechatpy.crypto.base import WeChatCipher

from providers.tencent.apps import App
from providers.tencent.sealing import Proof, signature_of
from tests.given import NOON

TOKEN = "QDG6eK"
ENCODING_AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
"""Those of the official samples."""

OTHER_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"

NONCE = "1372623149"


def key_of(encoding_aes_key: str) -> bytes:
    return base64.b64decode(encoding_aes_key + "=")


KEY = key_of(ENCODING_AES_KEY)


def an_app(
    account_id: str = "ww_corp",
    *,
    token: str = TOKEN,
    key: bytes | None = KEY,
    agent_id: str | None = None,
) -> App:
    """Return an app of ours."""
    return App(account_id=account_id, token=token.encode(), key=key, agent_id=agent_id)


def sealed(text: str, receiver: str = "ww_corp", key: bytes = KEY) -> str:
    """Return what the provider would send of a text: encrypted by the library."""
    return PrpCrypto(key).encrypt(text, receiver).decode()


def encrypted(plain: bytes, key: bytes = KEY) -> str:
    """Return the Base64 of any plain text, also of one that nobody pads so."""
    return base64.b64encode(WeChatCipher(key).encrypt(plain)).decode()


def padded(content: bytes, padding: int) -> bytes:
    """Return the content with that many bytes of that value behind it."""
    return content + bytes([padding]) * padding


def packed(message: bytes, receiver: bytes = b"ww_corp", length: int | None = None) -> bytes:
    """Return random bytes, the length, the message and its receiver, not yet padded."""
    told = len(message) if length is None else length
    return b"0123456789abcdef" + told.to_bytes(4, "big") + message + receiver


def proof(*signed: str, token: str = TOKEN, at: datetime = NOON) -> Proof:
    """Return a right signature of the texts."""
    timestamp = str(int(at.timestamp()))
    return Proof(signature_of(token.encode(), timestamp, NONCE, *signed), timestamp, NONCE)
