"""Answers that are a list as a file: read page by page, handed over as CSV (IM-44)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from fastapi import Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from runtime.csv_stream import MEDIA_TYPE, Cell, stream_csv
from runtime.postgres import transaction

AT_ONCE: Final = 1_000
"""Rows of a file that are in memory at once."""
IS_FILE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {}}}}
"""What an endpoint says that answers with a file."""

Behind = TypeVar("Behind")
Read = Callable[[sa.Connection, Behind | None], tuple[Sequence[BaseModel], Behind | None]]
"""Reads the page behind a place, and says where it ends: None where it is the last."""


def wants_csv(request: Request) -> bool:
    """Return whether whoever asks would rather have the list as a file."""
    accepted = request.headers.get("Accept", "")
    return any(part.split(";")[0].strip() == "text/csv" for part in accepted.split(","))


def csv_answer(
    name: str,
    columns: Sequence[str],
    engine: sa.Engine,
    read: Read[Behind],
    behind: Behind | None = None,
) -> StreamingResponse:
    """Return all rows from there on: UTF-8 with a mark, and nothing that runs.

    A column is a field by its name on the wire, one within another with a point between.
    """
    return StreamingResponse(
        stream_csv(columns, _rows(columns, engine, read, behind)),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _rows(
    columns: Sequence[str], engine: sa.Engine, read: Read[Behind], behind: Behind | None
) -> Iterator[list[Cell]]:
    """Yield all rows, a page and a short transaction at a time.

    Not one cursor of the server's for all: it would hold a transaction open for as long as
    somebody's line is slow, and with it old row versions of the whole database.
    """
    paths = [column.split(".") for column in columns]
    while True:
        with transaction(engine) as connection:
            items, behind = read(connection, behind)
        for item in items:
            fields = item.model_dump(by_alias=True)
            yield [_cell(fields, path) for path in paths]
        if behind is None:
            return


def _cell(fields: Mapping[str, Any], path: Sequence[str]) -> Cell:
    found: Any = fields
    for name in path:
        found = None if found is None else found[name]
    return found
