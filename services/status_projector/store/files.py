"""Attaches the files of messages: what came with them, or why it did not, and what we sent."""

from collections.abc import Sequence
from datetime import datetime
from mimetypes import guess_type
from typing import Any, NamedTuple

import sqlalchemy as sa

from domain.identity import message_id_for_inbound
from runtime.vault import Keyring, Vault
from schemas.topics.contents import Content, DocumentContent
from schemas.topics.files import File
from schemas.topics.provider_events import MediaLost, MediaStored
from services.status_projector.store import personal

MEDIA_PATH = "/api/v1/media/"
"""Where a file of the store is found over HTTP."""

Fate = MediaStored | MediaLost
LONGEST_URL = 500
"""Of `messages.file_url` (WA-13)."""

_FIND = sa.text(
    """
    SELECT message_id, person, created_at FROM messages
    WHERE message_id = ANY(:message_ids) AND file_url IS NULL
    """
)
_ATTACH = sa.text(
    """
    UPDATE messages m
    SET file_url = f.url, sealed_file_name = f.name, file_type = f.type, file_error = f.error,
        updated_at = :now
    FROM unnest(
        CAST(:message_ids AS text[]), CAST(:created_ats AS timestamptz[]),
        CAST(:urls AS text[]), CAST(:names AS bytea[]), CAST(:types AS text[]),
        CAST(:errors AS text[])
    ) AS f(message_id, created_at, url, name, type, error)
    WHERE m.message_id = f.message_id AND m.created_at = f.created_at AND m.file_url IS NULL
    """
)


class Sent(NamedTuple):
    """The file of a message of ours, as far as it is in our store."""

    url: str | None
    type: str | None
    name: str | None


_NONE = Sent(None, None, None)


def sent_with(content: Content) -> Sent:
    """Return the file that a request names (IN-03, IN-05, WA-13).

    A public address is content of the message, so it stays sealed with it (SE-01); where a
    provider keeps the file we have no address of it.
    """
    if not isinstance(content, File):
        return _NONE
    url = None if content.key is None else MEDIA_PATH + content.key
    name = content.file_name if isinstance(content, DocumentContent) else None
    if url is None or len(url) > LONGEST_URL:
        return Sent(None, None, name)
    return Sent(url, guess_type(url)[0], name)


def attach(connection: sa.Connection, fates: Sequence[Fate], vault: Vault, now: datetime) -> None:
    """Note what became of files. The last word on each counts, and of two the one that found it."""
    by_message = {
        message_id_for_inbound(fate.channel, fate.provider_message_id): fate
        for fate in sorted(fates, key=lambda fate: isinstance(fate, MediaStored))
    }
    rows = connection.execute(_FIND, {"message_ids": list(by_message)}).all()
    if not rows:
        return
    persons = {row.message_id: bytes(row.person) for row in rows}
    # For reading: who was forgotten meanwhile is not to be known again for the name of a file.
    keyring = vault.keyring(connection, persons.values())
    found = [by_message[row.message_id] for row in rows]
    stored = [fate if isinstance(fate, MediaStored) else None for fate in found]
    columns: dict[str, list[Any]] = {
        "message_ids": list(persons),
        "created_ats": [row.created_at for row in rows],
        "urls": [None if one is None else MEDIA_PATH + one.key for one in stored],
        "names": [
            _sealed_name(keyring, person, message_id, one)
            for (message_id, person), one in zip(persons.items(), stored, strict=True)
        ],
        "types": [None if one is None else one.mime_type for one in stored],
        "errors": [fate.reason if isinstance(fate, MediaLost) else None for fate in found],
    }
    connection.execute(_ATTACH, {**columns, "now": now})


def _sealed_name(
    keyring: Keyring, person: bytes, message_id: str, stored: MediaStored | None
) -> bytes | None:
    if stored is None or stored.file_name is None or person not in keyring:
        return None
    return personal.seal_file_name(keyring, person, message_id, stored.file_name)
