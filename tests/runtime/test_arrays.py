"""Columns of a batch reach PostgreSQL as they were, whatever is in them."""

from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.arrays import as_literal
from runtime.postgres import connect

pytestmark = pytest.mark.stack


class Colour(StrEnum):
    RED = "red"


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
WHENS = st.integers(-(10**9), 10**10).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
COLUMNS = {
    "text[]": TEXT | st.sampled_from(["NULL", "{}", "\\", '"', "'", ",", " ", "%(name)s"]),
    "bigint[]": st.integers(-(2**63), 2**63 - 1),
    "boolean[]": st.booleans(),
    "double precision[]": st.floats(allow_nan=False),
    "numeric[]": st.decimals(allow_nan=False, allow_infinity=False, places=6),
    "timestamptz[]": WHENS,
    "date[]": st.dates(date(1, 1, 1)),
    "bytea[]": st.binary(),
}


@pytest.fixture(scope="module")
def engine(database_url: str) -> Generator[sa.Engine]:
    made = connect(database_url, pool=1)
    yield made
    made.dispose()


@settings(max_examples=30)
@given(data=st.data())
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_comes_back_as_it_went(engine: sa.Engine, kind: str, data: st.DataObject) -> None:
    filled = st.lists(COLUMNS[kind], max_size=8)
    values = data.draw(filled | st.lists(st.none() | COLUMNS[kind], max_size=8))

    back = read(engine, values, kind)

    assert [plain(one) for one in back] == values
    assert isinstance(as_literal(values), str)


def test_words_moments_and_views_are_written_as_what_they_mean(engine: sa.Engine) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=8)))

    assert read(engine, [Colour.RED, "a"], "text[]") == ["red", "a"]
    assert read(engine, [noon], "timestamptz[]") == [noon]
    assert bytes(read(engine, [memoryview(b"\x00\xff")], "bytea[]")[0]) == b"\x00\xff"
    assert read(engine, [[1, 2], [3, None]], "int[]") == [[1, 2], [3, None]]
    assert read(engine, [], "text[]") == []


def test_what_has_no_text_here_is_left_to_the_driver(engine: sa.Engine) -> None:
    spans = [timedelta(seconds=90), None]

    assert as_literal(spans) is spans
    assert read(engine, spans, "interval[]") == spans


def test_many_rows_and_any_take_them_too(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TEMPORARY TABLE held (name text, tags text[])"))
        rows: list[dict[str, Any]] = [{"name": "a", "tags": ["x", "y"]}, {"name": "b", "tags": []}]
        connection.execute(sa.text("INSERT INTO held VALUES (:name, :tags)"), rows)
        found = sa.text("SELECT tags FROM held WHERE name = ANY(:names) ORDER BY name")
        tags = connection.execute(found, {"names": ["a", "b", 'c"']}).scalars().all()

    assert tags == [["x", "y"], []]


def read(engine: sa.Engine, values: list[Any], kind: str) -> list[Any]:
    with engine.connect() as connection:
        statement = sa.text(f"SELECT CAST(:values AS {kind})")
        return connection.execute(statement, {"values": values}).scalar_one()


def plain(value: Any) -> Any:  # noqa: ANN401 - of any column
    return value.tobytes() if isinstance(value, memoryview) else value
