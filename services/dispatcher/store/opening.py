"""Opens the requests of waiting messages that were locked, those that can be opened."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runtime.vault import Unreadable, Vault
from services.dispatcher.store.requests import disclosed, locked_away

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """A waiting message whose time has come, locked until the transaction ends."""

    message_id: str
    sender: str
    priority: int
    due_at: datetime
    attempt: int
    """How many it has had."""
    throttled: int
    broken: int
    request: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of locked rows."""

    due: list[Due]
    """Those that can be opened."""
    locked_away: list[str]
    """Messages that need a master key which we were not given."""


def opened(connection: sa.Connection, vault: Vault, rows: Iterable[sa.Row[Any]]) -> Opened:
    """Open the rows. Those of whom was erased are left to be failed."""
    locked = list(rows)
    try:
        requests = disclosed(connection, vault, [row.request for row in locked])
    except Unreadable as error:
        return _others_opened(connection, vault, locked, error)
    pairs = list(zip(locked, requests, strict=True))
    unreadable = [row.message_id for row, request in pairs if request is None]
    if unreadable:
        connection.execute(_BLANK, {"message_ids": unreadable})
    return Opened([_due(row, request) for row, request in pairs if request is not None], [])


def _others_opened(
    connection: sa.Connection, vault: Vault, rows: list[sa.Row[Any]], error: Unreadable
) -> Opened:
    flags = locked_away(connection, vault, [row.request for row in rows])
    away = [row.message_id for row, is_away in zip(rows, flags, strict=True) if is_away]
    log.error("requests.locked_away", extra={"count": len(away), "why": str(error)})
    others = [row for row, is_away in zip(rows, flags, strict=True) if not is_away]
    return Opened(opened(connection, vault, others).due, away)


def _due(row: Any, request: bytes) -> Due:  # noqa: ANN401 - of the ledger's columns
    return Due(*row[:7], request=request)


_BLANK = sa.text("UPDATE dispatch_ledger SET request = NULL WHERE message_id = ANY(:message_ids)")
