"""Columns that are copied arrive as they were, whatever is in them; what fails says what failed."""

from collections.abc import Generator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from runtime.copying import copy_columns
from runtime.postgres import connect

pytestmark = pytest.mark.stack

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES = {
    "words": TEXT | st.sampled_from([r"\N", "\\", "\\.", "a\tb", "a\nb", "a\r\nb", "'", ""]),
    "number": st.integers(-(2**63), 2**63 - 1),
    "moment": st.integers(-(10**9), 10**10).map(lambda at: datetime.fromtimestamp(at, UTC)),
    "bits": st.binary(),
}
ROWS = st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=8)
GAPPY = st.lists(
    st.fixed_dictionaries({name: st.none() | value for name, value in VALUES.items()}),
    min_size=1,
    max_size=8,
)


class Colour(StrEnum):
    RED = "red"


@pytest.fixture(scope="module")
def engine(database_url: str) -> Generator[sa.Engine]:
    made = connect(database_url, pool=1)
    yield made
    made.dispose()


@settings(max_examples=60)
@given(rows=ROWS | GAPPY)
def test_columns_come_back_as_they_went(engine: sa.Engine, rows: list[dict[str, Any]]) -> None:
    columns = {name: [row[name] for row in rows] for name in VALUES}

    assert stored(engine, columns) == rows


def test_words_of_ours_are_copied_as_words(engine: sa.Engine) -> None:
    (row,) = stored(engine, {"words": [Colour.RED]})

    assert row["words"] == "red"


def test_columns_that_are_not_named_have_their_defaults(engine: sa.Engine) -> None:
    (row,) = stored(engine, {"words": ["a"]})

    assert row["number"] == 7


def test_what_the_table_refuses_is_told_as_of_any_statement(engine: sa.Engine) -> None:
    with pytest.raises(IntegrityError, match="place_check"):
        stored(engine, {"number": [13]})


def stored(engine: sa.Engine, columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return the rows as the server has them."""
    with engine.connect() as connection:
        connection.execute(
            sa.text(
                "CREATE TEMPORARY TABLE copied (place serial, words text,"
                " number bigint DEFAULT 7 CONSTRAINT place_check CHECK (number <> 13),"
                " moment timestamptz, bits bytea)"
            )
        )
        copy_columns(connection, "copied", columns)
        rows = connection.execute(sa.text("SELECT * FROM copied ORDER BY place")).mappings().all()
    return [
        {
            name: bytes(row[name]) if isinstance(row[name], memoryview) else row[name]
            for name in VALUES
        }
        for row in rows
    ]
