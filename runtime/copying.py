"""PostgreSQL's COPY in its binary form: the quickest way for many rows into a table."""

import struct
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import psycopg2
import sqlalchemy as sa

from runtime.errors import DatabaseAway

Field = bytes | int | None
"""As it travels: text in UTF-8, bytea as it is, integer as four bytes."""

_CHUNK: Final = 500
"""Rows formatted at once, some 60 KB: fewer than the socket holds, so that PostgreSQL stores one
chunk while we format the next."""
_BEGINNING: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END: Final = b"\xff\xff"
_COUNT: Final = struct.Struct(">h")
_INTEGER: Final = struct.Struct(">ii")
_LENGTH: Final = struct.Struct(">i")
_NULL: Final = _LENGTH.pack(-1)


def copy(connection: sa.Connection, into: str, rows: Iterable[tuple[Field, ...]]) -> None:
    """Store the rows, formatted as they are sent so that memory stays small.

    ``into``: the table and its columns, ours alone to choose. Raises `DatabaseAway`: SQLAlchemy
    does not see what happens on the driver's own cursor.
    """
    raw: Any = connection.connection.cursor()
    try:
        raw.copy_expert(f"COPY {into} FROM STDIN WITH (FORMAT binary)", _File(rows))
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        raise DatabaseAway(type(error).__name__) from error


class _File:
    """Rows as the driver wants them: a file that is read from the front."""

    def __init__(self, rows: Iterable[tuple[Field, ...]]) -> None:
        self._chunks = _chunks(iter(rows))

    def read(self, _size: int) -> bytes:
        """Return the next chunk, nothing at the end; the driver takes any size."""
        return next(self._chunks, b"")


def _chunks(rows: Iterator[tuple[Field, ...]]) -> Iterator[bytes]:
    yield _BEGINNING
    while some := list(islice(rows, _CHUNK)):
        yield b"".join(map(_row, some))
    yield _END


def _row(fields: tuple[Field, ...]) -> bytes:
    return _COUNT.pack(len(fields)) + b"".join(map(_field, fields))


def _field(value: Field) -> bytes:
    if value is None:
        return _NULL
    if isinstance(value, int):
        return _INTEGER.pack(4, value)
    return _LENGTH.pack(len(value)) + value
