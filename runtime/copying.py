"""PostgreSQL's COPY, the quickest way for many rows into a table.

Rows that are bytes already travel in its binary form (`copy`), the columns of a batch as text
(`copy_columns`), which Python joins several times as quickly as it packs fields.
"""

import io
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from types import NoneType
from typing import Any, Final, Protocol, cast

import psycopg2
import sqlalchemy as sa
from sqlalchemy import exc

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

    ``into``: the table and its columns, ours alone to choose. Raises what a statement would.
    """
    _store(connection, f"COPY {into} FROM STDIN WITH (FORMAT binary)", _File(rows))


def copy_columns(connection: sa.Connection, table: str, columns: Mapping[str, list[Any]]) -> None:
    """Store rows, given as columns of one length by their names; other columns have their defaults.

    ``table`` and the names are ours alone to choose. Raises what a statement would.
    """
    lines = map("\t".join, zip(*map(_texts, columns.values()), strict=True))
    file = io.BytesIO("\n".join(lines).encode())
    _store(connection, f"COPY {table} ({', '.join(columns)}) FROM STDIN", file)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _store(connection: sa.Connection, statement: str, file: _Readable) -> None:
    raw: Any = connection.connection.cursor()
    try:
        raw.copy_expert(statement, file)
    except psycopg2.Error as error:
        # SQLAlchemy does not see what happens on the driver's own cursor.
        told = exc.DBAPIError.instance(statement, None, error, psycopg2.Error)
        raise cast("exc.DBAPIError", told) from error


def _texts(values: list[Any]) -> list[str]:
    kinds: set[type[object]] = set(map(type, values))
    if len(kinds) != 1:
        return [_text_of(cast("type[object]", type(value)))(value) for value in values]
    (kind,) = kinds
    if issubclass(kind, str) and _SPECIAL.search("".join(values)) is None:
        return values
    return list(map(_text_of(kind), values))


def _text_of(kind: type[object]) -> Callable[[Any], str]:
    return _escaped if issubclass(kind, str) else _TEXTS[kind]


_SPECIAL: Final = re.compile(r"[\\\t\n\r]")
_ESCAPES: Final = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text)


_TEXTS: Final[Mapping[type[object], Callable[[Any], str]]] = {
    NoneType: lambda _: r"\N",
    int: str,
    datetime: datetime.isoformat,
    bytes: lambda value: r"\\x" + value.hex(),
}


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
