"""How moments are written in every answer."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import PlainSerializer


def iso(moment: datetime) -> str:
    """Return ISO 8601 in UTC, with milliseconds and ``Z``.

    >>> iso(datetime(2026, 3, 2, 12, tzinfo=UTC))
    '2026-03-02T12:00:00.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(iso, return_type=str)]
"""ISO 8601 in UTC, with milliseconds and ``Z``."""
