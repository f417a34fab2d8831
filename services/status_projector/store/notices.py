"""Keeps what providers tell of accounts, numbers, templates and customers, as it came."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from schemas.topics.provider_events import NoticeReceived
from services.status_projector import addresses
from services.status_projector.store.people import People


class Notice(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What is sealed of a notice. New fields go to the end."""

    about: str | None
    """The one template, number, customer, group or message it speaks of."""
    content: bytes
    """As received, as JSON."""


_KEEP = sa.text(
    """
    INSERT INTO provider_notices
        (channel, notice_id, kind, account_id, person, sealed, occurred_at, received_at)
    SELECT channel, notice_id, kind, account_id, person, sealed, occurred_at, :now
    FROM unnest(
        CAST(:channels AS text[]), CAST(:notice_ids AS text[]), CAST(:kinds AS text[]),
        CAST(:accounts AS text[]), CAST(:persons AS bytea[]), CAST(:sealed AS bytea[]),
        CAST(:occurred_ats AS timestamptz[])
    ) AS n(channel, notice_id, kind, account_id, person, sealed, occurred_at)
    ORDER BY channel, notice_id
    ON CONFLICT DO NOTHING
    """
)


def keep(
    connection: sa.Connection, events: Sequence[NoticeReceived], people: People, now: datetime
) -> None:
    """Keep notices; one that is known already changes nothing."""
    persons = [people.of(*addresses.of_notice(event)) for event in events]
    columns: dict[str, list[Any]] = {
        "channels": [event.channel for event in events],
        "notice_ids": [event.notice_id for event in events],
        "kinds": [event.kind for event in events],
        "accounts": [event.account_id for event in events],
        "persons": persons,
        "sealed": [
            people.keyring.seal(person, _plain(event), place=place_of(event.notice_id))
            for person, event in zip(persons, events, strict=True)
        ],
        "occurred_ats": [event.occurred_at for event in events],
    }
    connection.execute(_KEEP, {**columns, "now": now})


def place_of(notice_id: str) -> str:
    """Return where a notice is kept: it opens nowhere else."""
    return f"provider_notices:{notice_id}"


def _plain(event: NoticeReceived) -> bytes:
    return msgspec.msgpack.encode(Notice(event.about, msgspec.json.encode(event.content)))
