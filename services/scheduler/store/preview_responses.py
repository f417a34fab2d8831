"""What people answered to previews (PV-06…PV-08, CF-26, IM-41)."""

from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from domain.answers import Choice
from domain.previews import PreviewStatus, status_after
from runtime.vault import Person, Vault

AUTHOR: Final = "t_preview_responses.user_id"
COMMENT: Final = "t_preview_responses.comment"
CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""Between ours and a provider's."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, before it is known to what."""

    response_id: str
    """The same for every repetition of it."""
    person: Person
    author: str
    choice: Choice
    comment: str | None
    at: datetime
    about: str | None
    """The preview; None: whichever the author was asked about last."""


@dataclass(frozen=True, slots=True)
class Response:
    """One row."""

    person: Person
    author: str | None
    """As the channel knows them; who answered signed in, by their id. None: forgotten."""
    choice: Choice
    comment: str | None
    """None also where its author is forgotten."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Locked:
    """A preview that nobody else answers meanwhile."""

    tenant_id: str | None
    people: frozenset[Person]
    """Those asked."""


def previews_of(
    connection: sa.Connection, answers: Sequence[Heard], *, within: timedelta
) -> dict[str, str]:
    """Return which preview each answer is to, by response id; the previews are locked.

    Only who was asked answers. ``within``: how long words without a link count.
    """
    rows = connection.execute(
        sa.text(
            """
            SELECT a.response_id, p.preview_id
            FROM unnest(CAST(:ids AS text[]), CAST(:abouts AS text[]), CAST(:people AS bytea[]),
                        CAST(:ats AS timestamptz[])) AS a(response_id, about, person, at)
            CROSS JOIN LATERAL (
                SELECT preview_id FROM t_previews
                WHERE people @> ARRAY[a.person] AND created_at <= a.at + :slack
                    AND CASE WHEN a.about IS NULL THEN created_at > a.at - :within
                        ELSE preview_id = a.about END
                ORDER BY created_at DESC LIMIT 1
            ) p
            """
        ),
        {
            "ids": [one.response_id for one in answers],
            "abouts": [one.about for one in answers],
            "people": [one.person for one in answers],
            "ats": [one.at for one in answers],
            "slack": CLOCKS_DIFFER,
            "within": within,
        },
    )
    found = {row.response_id: row.preview_id for row in rows}
    lock(connection, set(found.values()))
    return found


def lock(connection: sa.Connection, preview_ids: Collection[str]) -> dict[str, Locked]:
    """Lock previews whose answers are about to change; return those that there are."""
    rows = connection.execute(
        sa.text(
            """
            SELECT preview_id, tenant_id, people FROM t_previews WHERE preview_id = ANY(:ids)
            ORDER BY preview_id FOR NO KEY UPDATE
            """
        ),
        {"ids": sorted(preview_ids)},
    )
    return {
        row.preview_id: Locked(row.tenant_id, frozenset(map(bytes, row.people))) for row in rows
    }


def insert(
    connection: sa.Connection, vault: Vault, answers: Mapping[str, tuple[str, Heard]]
) -> None:
    """Enter answers, each once; by response id the preview and what was said."""
    given = list(answers.values())
    authors = [(one.person, one.author.encode()) for _, one in given]
    comments = [(one.person, (one.comment or "").encode()) for _, one in given]
    connection.execute(
        sa.text(
            """
            INSERT INTO t_preview_responses
                (response_id, preview_id, person, user_id, response, comment, time)
            SELECT * FROM unnest(
                CAST(:ids AS text[]), CAST(:previews AS text[]), CAST(:people AS bytea[]),
                CAST(:authors AS text[]), CAST(:choices AS text[]), CAST(:comments AS text[]),
                CAST(:ats AS timestamptz[]))
            ON CONFLICT (response_id) DO NOTHING
            """
        ),
        {
            "ids": [one.response_id for _, one in given],
            "previews": [preview_id for preview_id, _ in given],
            "people": [one.person for _, one in given],
            "authors": _texts(vault.enclose(connection, authors, place=AUTHOR)),
            "choices": [one.choice.value for _, one in given],
            "comments": [
                sealed if one.comment else None
                for sealed, (_, one) in zip(
                    _texts(vault.enclose(connection, comments, place=COMMENT)), given, strict=True
                )
            ],
            "ats": [one.at for _, one in given],
        },
    )


def settle(connection: sa.Connection, preview_ids: Collection[str]) -> dict[str, PreviewStatus]:
    """Have each preview stand where its answers leave it; return those that moved."""
    rows = connection.execute(
        sa.text(
            "SELECT preview_id, response FROM t_preview_responses WHERE preview_id = ANY(:ids)"
        ),
        {"ids": sorted(preview_ids)},
    )
    choices: defaultdict[str, set[Choice]] = defaultdict(set)
    for row in rows:
        choices[row.preview_id].add(Choice(row.response))
    moved = connection.execute(
        sa.text(
            """
            UPDATE t_previews p SET status = s.status
            FROM unnest(CAST(:ids AS text[]), CAST(:statuses AS text[])) AS s(preview_id, status)
            WHERE p.preview_id = s.preview_id AND p.status <> s.status
            RETURNING p.preview_id, p.status
            """
        ),
        {
            "ids": list(choices),
            "statuses": [status_after(given).value for given in choices.values()],
        },
    )
    return {row.preview_id: PreviewStatus(row.status) for row in moved}


def load(
    connection: sa.Connection, vault: Vault, preview_ids: Collection[str]
) -> dict[str, list[Response]]:
    """Return the answers to each preview, oldest first."""
    rows = connection.execute(
        sa.text(
            """
            SELECT preview_id, person, user_id, response, comment, time FROM t_preview_responses
            WHERE preview_id = ANY(:ids) ORDER BY time, response_id
            """
        ),
        {"ids": list(preview_ids)},
    ).all()
    sealed = [None if row.comment is None else b64decode(row.comment) for row in rows]
    comments = vault.disclose(connection, sealed, place=COMMENT)
    authors = vault.disclose(connection, [b64decode(row.user_id) for row in rows], place=AUTHOR)
    found: defaultdict[str, list[Response]] = defaultdict(list)
    for row, author, comment in zip(rows, authors, comments, strict=True):
        found[row.preview_id].append(
            Response(
                bytes(row.person), _text(author), Choice(row.response), _text(comment), row.time
            )
        )
    return found


def comments(
    connection: sa.Connection, vault: Vault, response_ids: Collection[str]
) -> dict[str, str]:
    """Return what was written with these answers, by their ids; of who is forgotten nothing."""
    rows = connection.execute(
        sa.text(
            """
            SELECT response_id, comment FROM t_preview_responses
            WHERE response_id = ANY(:ids) AND comment IS NOT NULL
            """
        ),
        {"ids": sorted(response_ids)},
    ).all()
    opened = vault.disclose(connection, [b64decode(row.comment) for row in rows], place=COMMENT)
    return {
        row.response_id: comment.decode()
        for row, comment in zip(rows, opened, strict=True)
        if comment is not None
    }


def _text(opened: bytes | None) -> str | None:
    return None if opened is None else opened.decode()


def _texts(sealed: Sequence[bytes]) -> list[str]:
    return [b64encode(one).decode() for one in sealed]
