"""How WeCom and WeChat lock what they push (WX 8; with the app id as receiver: WX 14.4)."""

from base64 import b64decode, b64encode
from copy import copy
from hashlib import sha1

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 32  # of the padding; the cipher's own blocks have 16 bytes
_IV = 16
_SALT = 16
_LENGTH = 4


class CryptoError(ValueError):
    """A cipher text is not what this key and receiver would have made; the text says why."""


def signature(token: str, *parts: str) -> str:
    """Return the lower-case hex SHA-1 of the sorted strings, joined.

    >>> signature("token", "1", "2")
    '6d7149e287208afb17c14861c125053fd80c0f86'
    """
    joined = "".join(sorted((token, *parts)))
    return sha1(joined.encode(), usedforsecurity=False).hexdigest()


class Crypto:
    """The lock of one receiver: token, EncodingAESKey (43 characters) and corp id or app id."""

    def __init__(self, token: str, aes_key: str, receive_id: str) -> None:
        self._key = b64decode(aes_key + "=")
        self.token = token
        self.receive_id = receive_id

    def of_another(self, receive_id: str) -> "Crypto":
        """Return a lock with the same key for somebody else."""
        made = copy(self)
        made.receive_id = receive_id
        return made

    def sign(self, timestamp: str, nonce: str, encrypted: str) -> str:
        """Return the `msg_signature` of a cipher text."""
        return signature(self.token, timestamp, nonce, encrypted)

    def encrypt(self, message: bytes, salt: bytes) -> str:
        """Return the cipher text of a message behind 16 random bytes."""
        return self.encrypt_padded(pad(self.framed(message, salt)))

    def framed(self, message: bytes, salt: bytes) -> bytes:
        """Return the plain text around a message: salt, its length, message, receiver."""
        return salt + len(message).to_bytes(_LENGTH, "big") + message + self.receive_id.encode()

    def encrypt_padded(self, padded: bytes) -> str:
        """Return the cipher text of a plain text that is a multiple of 16 bytes already."""
        encryptor = self._cipher().encryptor()
        return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()

    def decrypt(self, encrypted: str) -> bytes:
        """Return the message. Raises CryptoError where padding, length or receiver are wrong."""
        decryptor = self._cipher().decryptor()
        padded = decryptor.update(b64decode(encrypted, validate=True)) + decryptor.finalize()
        plain = unpad(padded)
        start = _SALT + _LENGTH
        end = start + int.from_bytes(plain[_SALT:start], "big")
        if end > len(plain):
            raise CryptoError(f"length {end - start} of {len(plain) - start} bytes")
        if plain[end:] != self.receive_id.encode():
            raise CryptoError("another receiver's")
        return plain[start:end]

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:_IV]))


def pad(plain: bytes, value: int | None = None) -> bytes:
    """Return the text padded to a multiple of 32 bytes, or with a value that lies about it."""
    count = _BLOCK - len(plain) % _BLOCK
    return plain + bytes([count if value is None else value]) * count


def unpad(padded: bytes) -> bytes:
    """Strip a padding of 1 to 32 equal bytes. Raises CryptoError where it is something else."""
    value = padded[-1] if padded else 0
    if not 1 <= value <= _BLOCK or padded[-value:] != bytes([value]) * value:
        raise CryptoError(f"padding {value}")
    return padded[:-value]
