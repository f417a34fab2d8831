# ruff: noqa: S608 - statements are joined from our own words only
"""A read model whose rows have the same keys in both places: described by its columns.

In every word of SQL here, `s` is the shadow's row, `l` the live one, or nothing, and `f` says that
the row's person is forgotten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.status_projector.store.rebuilding.models import (
    DIFFERENT,
    MISSING,
    SURPLUS,
    UNKNOWN,
    Model,
)

FORGOTTEN = "LEFT JOIN rebuild.forgotten f ON f.person = s.person"
"""Joins those whose rows are not brought back (store/rebuilding/people.py)."""


def same(*columns: str) -> dict[str, str]:
    """Return columns that have to be what the topics tell."""
    return {column: f"s.{column}" for column in columns}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What is compared of a table."""

    table: str
    key: Sequence[str]
    shown: Sequence[str]
    """By which of the key's columns a row is named; a person is not."""
    columns: Mapping[str, str]
    """What each has to be."""
    entered: Mapping[str, str]
    """What a row that was missing has besides."""
    told: str = "true"
    """Of which of the shadow's rows the topics tell everything."""
    join: str = ""
    stamp: str | None = None
    """The column that says when a row was changed here."""
    surplus: str = "false"
    """Which live rows without a shadow's go."""
    unknown: str = "false"
    """Which of them are within the topics' reach all the same: they are kept."""
    afterwards: Sequence[str] = ()
    """Statements that follow."""

    @property
    def model(self) -> Model:
        """The queries and statements that this comes to."""
        mine = f"FROM rebuild.{self.table} s {self.join}"
        return Model(
            name=self.table,
            compared=f"SELECT count(*) {mine} WHERE {self.told}",
            suspects=self._query(f"{_columns('s', self.key)}", f"{_columns('l', self.key)}", ""),
            found=self._found(),
            mends=[self._enter(), self._change(), self._remove(), *self.afterwards],
        )

    def _query(self, differing: str, others: str, among: str) -> str:
        """Return the query for differing rows, and for others that the shadow does not have."""
        first, both = self.key[0], _on("l", "s", self.key)
        differ = " OR ".join(f"l.{c} IS DISTINCT FROM {e}" for c, e in self.columns.items())
        return f"""
        SELECT {differing} FROM rebuild.{self.table} s {self.join}
        LEFT JOIN public.{self.table} l ON {both}
        WHERE ({self.told}) AND (l.{first} IS NULL OR {differ}) {among.format("s")}
        UNION ALL
        SELECT {others} FROM public.{self.table} l LEFT JOIN rebuild.{self.table} s ON {both}
        WHERE s.{first} IS NULL AND (({self.surplus}) OR ({self.unknown})) {among.format("l")}
        """

    def _found(self) -> str:
        first = self.key[0]
        columns = ", ".join(
            f"CASE WHEN l.{c} IS DISTINCT FROM {e} THEN '{c}' END" for c, e in self.columns.items()
        )
        same_key = " AND ".join(f"x.{k} = {{0}}.{k}" for k in self.key)
        return self._query(
            f"""{_columns("s", self.key)}, {self._name("s")} AS row,
            CASE WHEN l.{first} IS NULL THEN '{MISSING}' ELSE '{DIFFERENT}' END AS what,
            CASE WHEN l.{first} IS NULL THEN CAST(ARRAY[] AS text[])
                 ELSE array_remove(ARRAY[{columns}], NULL) END AS columns""",
            f"""{_columns("l", self.key)}, {self._name("l")},
            CASE WHEN {self.surplus} THEN '{SURPLUS}' ELSE '{UNKNOWN}' END,
            CAST(ARRAY[] AS text[])""",
            f"AND EXISTS (SELECT FROM rebuild.suspects_{self.table} x WHERE {same_key})",
        )

    def _name(self, alias: str) -> str:
        return f"concat_ws(' ', {_columns(alias, self.shown)})"

    def _enter(self) -> str:
        cells = {**same(*self.key), **self.columns, **self.entered}
        return f"""
        INSERT INTO public.{self.table} ({", ".join(cells)})
        SELECT {", ".join(cells.values())}
        FROM rebuild.found_{self.table} x
        JOIN rebuild.{self.table} s ON {_on("x", "s", self.key)} {self.join}
        LEFT JOIN public.{self.table} l ON {_on("l", "s", self.key)}
        WHERE x.what = '{MISSING}' ORDER BY {_columns("s", self.key)}
        """

    def _change(self) -> str:
        cells = dict(self.columns) if self.stamp is None else {**self.columns, self.stamp: ":now"}
        return f"""
        UPDATE public.{self.table} l SET {", ".join(f"{c} = {e}" for c, e in cells.items())}
        FROM rebuild.found_{self.table} x
        JOIN rebuild.{self.table} s ON {_on("x", "s", self.key)} {self.join}
        WHERE {_on("l", "x", self.key)} AND x.what = '{DIFFERENT}'
        """

    def _remove(self) -> str:
        return f"""
        DELETE FROM public.{self.table} l USING rebuild.found_{self.table} x
        WHERE {_on("l", "x", self.key)} AND x.what = '{SURPLUS}'
        """


def _columns(alias: str, names: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


def _on(one: str, other: str, key: Sequence[str]) -> str:
    return " AND ".join(f"{one}.{k} = {other}.{k}" for k in key)
