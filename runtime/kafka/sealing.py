"""Seals what lies on the broker, and opens it again: its disks hold nobody's words (CF-33).

Sealed, a record of `schemas.topics.registry.SEALED_FOR` has as its value a nonce of 12 bytes and
the AES-256-GCM of the value that it had. Its header `sealed` names the key; all others are still
those of the value in the clear. It opens only with the topic, key and ``ce_id`` that it was sealed
for, so no value can be moved to another record. A record without the header is in the clear.
"""

import os
import re
from typing import Final, TypeVar

from aiokafka import ConsumerRecord
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.secret_keys import LongKeys, derived, id_of, keys_of
from schemas.topics.registry import SEALED_FOR
from schemas.topics.topic import EVENT_ID, SEALED, Headers, MalformedRecord, Outgoing, Topic

T = TypeVar("T")

Record = ConsumerRecord[bytes, bytes] | Outgoing

_NONCE: Final = 12
_NAME: Final = re.compile(rb"[0-9a-f]{8}")


class TopicKeySettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    topic_encryption_key: LongKeys
    """Comma-separated keys: the first seals records, all open them (CF-33)."""
    seal_topics: bool = True
    """Off only while a reader still runs that is older than sealing; sealed records are opened all
    the same."""


class TopicKeys:
    """Knows the keys of the topics; one for each process."""

    def __init__(self, settings: TopicKeySettings) -> None:
        keys = keys_of(settings.topic_encryption_key)
        self._keys = {id_of(key).encode(): AESGCM(derived(key, b"topics")) for key in keys}
        self._current = id_of(keys[0]).encode()
        self._seals = settings.seal_topics

    def sealed(self, record: Outgoing) -> Outgoing:
        """Return the record as it goes to the broker.

        One that is sealed already, since nobody here could open it, stays as it is.
        """
        headers = record.headers
        name, event_id = _named(headers)
        if record.topic not in SEALED_FOR or not self._seals or name is not None:
            return record
        nonce, place = os.urandom(_NONCE), _place(record, event_id)
        value = nonce + self._keys[self._current].encrypt(nonce, record.value, place)
        return Outgoing(record.topic, record.key, value, (*headers, (SEALED, self._current)))

    def clear(self, record: Record) -> tuple[bytes | None, Headers]:
        """Return a record's value and headers as they were before it was sealed.

        What was never sealed is returned as it is. Raises `MalformedRecord`, naming the header,
        where it does not open.
        """
        headers, sealed = tuple(record.headers), record.value or b""
        name, event_id = _named(headers)
        if name is None:
            return record.value, headers
        key = self._keys.get(name)
        if key is None:
            raise MalformedRecord(SEALED, f"TOPIC_ENCRYPTION_KEY lacks the key {_shown(name)}")
        try:
            value = key.decrypt(sealed[:_NONCE], sealed[_NONCE:], _place(record, event_id))
        except (InvalidTag, ValueError) as error:
            raise MalformedRecord(SEALED, "not sealed for this topic, key and ce_id") from error
        return value, tuple([pair for pair in headers if pair[0] != SEALED])

    def decode(self, topic: Topic[T], record: Record) -> T:
        """Return what a topic's record says, sealed or not. Raises `MalformedRecord`."""
        return topic.decode(self.clear(record)[0])


def _named(headers: Headers) -> tuple[bytes | None, bytes]:
    """Return the name of the key, None where nothing is sealed, and the ``ce_id``."""
    name, event_id = None, b""
    for header, value in headers:
        if header == SEALED:
            name = value
        elif header == EVENT_ID:
            event_id = value
    return name, event_id


def _place(record: Record, event_id: bytes) -> bytes:
    """Return what the value is bound to. None of ours holds a NUL."""
    topic = SEALED_FOR.get(record.topic, record.topic)
    return b"\0".join((topic.encode(), record.key or b"", event_id))


def _shown(name: bytes) -> str:
    # Whoever writes it may write anything, and where it is shown nobody's words may stand.
    return name.decode() if _NAME.fullmatch(name) else "of that name"
