"""Who the example campaign writes to, and what."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.errors import InvalidInput

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "campaign.csv"
TEXT = "Hi {name}, your order {order} is ready for pickup."
COLUMNS = ("name", "phone", "order")


@dataclass(frozen=True, slots=True)
class Recipient:
    """One row of the file; its phone may be anything, since that is the scheduler's to judge."""

    name: str
    phone: str
    order: str


def read_recipients(file: Path) -> list[Recipient]:
    """Read a CSV file in UTF-8 with the columns name, phone and order.

    Raises `InvalidInput` naming the file and what is wrong with it.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(str(file), str(error)) from error
    if not rows:
        raise InvalidInput(str(file), "it names no recipient")
    missing = [column for column in COLUMNS if column not in rows[0]]
    if missing:
        raise InvalidInput(str(file), f"its first line has no column {missing[0]!r}")
    return [Recipient(*(row[column] or "" for column in COLUMNS)) for row in rows]


def job_body(recipients: list[Recipient]) -> dict[str, Any]:
    """Return the body of ``POST /api/v1/jobs``."""
    return {
        "name": "Orders ready for pickup",
        "channel": "whatsapp",
        "content": {"type": "text", "body": TEXT},
        "recipients": [
            {"phone": one.phone, "variables": {"name": one.name, "order": one.order}}
            for one in recipients
        ],
    }
