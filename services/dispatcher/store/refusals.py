"""Claims that are refused without a call, and say why: lost with their process, they are no doubts.

Of a refusal the ledger keeps the code and the reason, which names nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from domain.failures import ErrorCode, Failure, Origin


def refusal_columns(failures: Sequence[Failure | None]) -> dict[str, list[str | None]]:
    """Return the columns that mark claims as refused, None in them where they are to be called."""
    return {
        "error_codes": [None if one is None else one.code for one in failures],
        "refused_for": [None if one is None else one.detail or "" for one in failures],
    }


def refusal_in(error_code: str | None, refused_for: str | None) -> Failure | None:
    """Return why a claim is to be refused, None where it is to be called."""
    if error_code is None or refused_for is None:
        return None
    return Failure(ErrorCode(error_code), Origin.LOCAL, detail=refused_for or None)


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that was claimed in order to be refused, by a process that is gone."""

    message_id: str
    owner: str
    attempt: int
    failure: Failure


_ABANDONED = sa.text(
    """
    SELECT message_id, owner, attempt, error_code, refused_for FROM dispatch_ledger
    WHERE state = 'claimed' AND refused_for IS NOT NULL AND claimed_at < :before
    ORDER BY claimed_at LIMIT :limit
    """
)


def abandoned(connection: sa.Connection, *, before: datetime, limit: int) -> list[Refused]:
    """Return refusals whose owner never told them: nothing was sent."""
    rows = connection.execute(_ABANDONED, {"before": before, "limit": limit})
    return [
        Refused(row.message_id, row.owner, row.attempt, failure)
        for row in rows
        if (failure := refusal_in(row.error_code, row.refused_for)) is not None
    ]


_SETTLE = sa.text(
    """
    UPDATE dispatch_ledger AS l
    SET state = 'rejected', request = NULL, updated_at = :now
    FROM unnest(CAST(:message_ids AS text[]), CAST(:owners AS text[]),
                CAST(:attempts AS integer[])) AS told(message_id, owner, attempt)
    WHERE l.message_id = told.message_id AND l.owner = told.owner AND l.attempt = told.attempt
      AND l.state = 'claimed'
    """
)


def settle(connection: sa.Connection, told: Sequence[Refused], *, now: datetime) -> None:
    """Enter refusals that are told."""
    values = {
        "message_ids": [one.message_id for one in told],
        "owners": [one.owner for one in told],
        "attempts": [one.attempt for one in told],
    }
    connection.execute(_SETTLE, {**values, "now": now})
