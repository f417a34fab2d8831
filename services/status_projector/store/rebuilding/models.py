# ruff: noqa: S608 - statements are joined from our own words only
"""How a read model is compared with its shadow, and put right: three queries and some statements.

First suspects are looked for while the service goes on; who applies meanwhile makes suspects of
what is sound. These are looked at once more while nobody applies, at equal offsets: what is found
then is put right, row by row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

SHOWN: Final = 20
"""Rows of a read model that are named; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Since when the topics tell everything. What began earlier is left as it is."""

    messages: datetime
    tasks: datetime
    callbacks: datetime
    """Of sends before it, nobody keeps whether they were called back about."""

    def values(self, now: datetime) -> dict[str, datetime]:
        """Return it as statements want it."""
        return {
            "messages": self.messages,
            "tasks": self.tasks,
            "callbacks": self.callbacks,
            "now": now,
        }


Values = Mapping[str, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A read model whose rows are compared one by one."""

    name: str
    """That of its table; of its `suspects_…` and `found_…` in the shadow, too."""
    compared: str
    """A query: how many rows there are to compare."""
    suspects: str
    """A query for the keys of rows that seem to differ."""
    found: str
    """A query for those of the suspects that do: key, `row` for people, `what`, `columns`."""
    mends: Sequence[str]
    """Statements that put right what was found."""


MISSING: Final = "missing"
DIFFERENT: Final = "different"
SURPLUS: Final = "surplus"
"""The live table has it, and the topics say that there is none."""
UNKNOWN: Final = "unknown"
"""The topics say nothing of it, though it is within their reach. It is kept."""


@dataclass(frozen=True, slots=True)
class Example:
    """A row that differs."""

    row: str
    what: str
    columns: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What was found of one read model."""

    name: str
    compared: int
    missing: int = 0
    different: int = 0
    """Surplus ones among them."""
    unknown: int = 0
    examples: Sequence[Example] = ()

    @property
    def wrong(self) -> int:
        """How many rows are put right where that is wanted."""
        return self.missing + self.different


def suspect(connection: sa.Connection, model: Model, values: Values) -> tuple[int, int]:
    """Look for rows that seem to differ; return how many were compared, and how many seem to."""
    compared = connection.execute(sa.text(model.compared), values).scalar_one()
    table = f"suspects_{model.name}"
    connection.execute(sa.text(f"CREATE TABLE rebuild.{table} AS {model.suspects}"), values)
    connection.execute(sa.text(f"ANALYZE rebuild.{table}"))
    suspects = sa.text(f"SELECT count(*) FROM rebuild.{table}")
    return compared, connection.execute(suspects).scalar_one()


def settle(connection: sa.Connection, model: Model, compared: int, values: Values) -> Line:
    """Look at the suspects once more, and put right what differs; return what that was."""
    table = f"rebuild.found_{model.name}"
    connection.execute(sa.text(f"CREATE TABLE {table} AS {model.found}"), values)
    count = sa.text(f"SELECT what, count(*) AS number FROM {table} GROUP BY what")
    counts: dict[str, int] = {row.what: row.number for row in connection.execute(count)}
    if not counts:
        return Line(name=model.name, compared=compared)
    connection.execute(sa.text(f"ANALYZE {table}"))
    shown = sa.text(f"SELECT row, what, columns FROM {table} ORDER BY row, what LIMIT :limit")
    examples = [Example(*row) for row in connection.execute(shown, {"limit": SHOWN})]
    for mend in model.mends:
        connection.execute(sa.text(mend), values)
    return Line(
        name=model.name,
        compared=compared,
        missing=counts.get(MISSING, 0),
        different=counts.get(DIFFERENT, 0) + counts.get(SURPLUS, 0),
        unknown=counts.get(UNKNOWN, 0),
        examples=examples,
    )
