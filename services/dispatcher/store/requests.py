"""Requests as this service's tables keep them: sealed for their recipients (SE-01).

A process works with the bytes of the stream; what it stores lies in an envelope that the key of its
recipient opens. None: there was none, or the recipient was erased since.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import sqlalchemy as sa

from runtime.vault import Vault
from schemas.topics.send_requests import SendRequested

PLACE: Final = "dispatcher"
"""One for all tables: an entry's request goes from the ledger into the follow-ups."""


class Kept(Protocol):
    """What holds a request and its bytes."""

    @property
    def request(self) -> SendRequested: ...  # noqa: D102 - as it is decoded
    @property
    def raw(self) -> bytes: ...  # noqa: D102 - as it came


def enclosed(
    connection: sa.Connection, vault: Vault, kept: Sequence[Kept | None]
) -> list[bytes | None]:
    """Return an envelope for each of these, None where there is nothing to keep."""
    letters = [
        (vault.person(one.request.channel, one.request.recipient), one.raw)
        for one in kept
        if one is not None
    ]
    envelopes = iter(vault.enclose(connection, letters, place=PLACE)) if letters else iter(())
    return [None if one is None else next(envelopes) for one in kept]


def disclosed(
    connection: sa.Connection, vault: Vault, envelopes: Sequence[memoryview | bytes | None]
) -> list[bytes | None]:
    """Return the requests in these, None where nobody can read them any more.

    Raises `Unreadable` where one needs a master key that we were not given.
    """
    given = [None if one is None else bytes(one) for one in envelopes]
    return vault.disclose(connection, given, place=PLACE)


def locked_away(
    connection: sa.Connection, vault: Vault, envelopes: Sequence[memoryview | bytes | None]
) -> list[bool]:
    """Return of each of these whether it needs a master key that we were not given."""
    return vault.locked_away(connection, [None if one is None else bytes(one) for one in envelopes])
