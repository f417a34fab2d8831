"""Any list as CSV, row by row: what a spreadsheet opens as it is, and runs nothing of (IM-44)."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from schemas.http.moments import iso

MEDIA_TYPE: Final = "text/csv; charset=utf-8"

_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""A byte order mark, by which spreadsheets know UTF-8."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell must not begin with: a spreadsheet would run it. The last four are the full-width
forms, which some take for the same."""
_AT_ONCE: Final = 32 * 1_024
"""Characters handed over together; each hand-over costs a change of threads."""

Cell = str | int | float | Decimal | bool | datetime | None


def stream_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield the file in pieces: a mark, the heading, a line a row.

    What ``rows`` raises passes through, so that a file that breaks off is seen to be broken.
    """
    piece = io.StringIO(newline="")
    piece.write(_MARK)
    lines = csv.writer(piece)
    lines.writerow(columns)
    for row in rows:
        lines.writerow([shown(cell) for cell in row])
        if piece.tell() >= _AT_ONCE:
            yield piece.getvalue().encode()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue().encode()


def shown(cell: Cell) -> str | int | float | Decimal:
    """Return what stands in the cell. A text that a spreadsheet would run gets a quote before it.

    >>> shown("=HYPERLINK(1)"), shown("-1"), shown(-1), shown(None), shown(True)
    ("'=HYPERLINK(1)", "'-1", -1, '', 'true')
    """
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case datetime():
            return iso(cell)
        case str() if cell.lstrip(" ").startswith(_FORMULA):
            return f"'{cell}"
        case _:
            return cell
