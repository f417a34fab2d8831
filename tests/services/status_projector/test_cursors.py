"""Where a page ended."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import InvalidInput
from services.status_projector.cursors import Cursor, cursor, named, numbered

MOMENTS = st.timedeltas(timedelta(0), timedelta(days=300_000)).map(
    datetime(2000, 1, 1, tzinfo=UTC).__add__
)


@given(MOMENTS, st.integers(min_value=0, max_value=2**63 - 1))
def test_a_cursor_is_read_as_it_was_written(moment: datetime, row: int) -> None:
    word = cursor(moment, row).written()

    read = numbered("cursor", word)

    assert read is not None
    assert (read.at, read.id) == (moment, row)


@given(MOMENTS, st.integers(min_value=0, max_value=1))
def test_so_is_one_of_a_row_with_a_name(moment: datetime, group: int) -> None:
    word = cursor(moment, "cnv_1", group).written()

    assert named("cursor", word) == Cursor(cursor(moment, "cnv_1").at_us, "cnv_1", group)


@given(st.text(max_size=40))
def test_any_other_word_is_refused_by_the_name_of_its_field(word: str) -> None:
    for reader in (numbered, named):
        try:
            reader("after", word)
        except InvalidInput as error:
            assert error.field == "after"  # noqa: PT017 - some words happen to be cursors


def test_a_cursor_of_another_list_is_refused() -> None:
    moment = datetime(2026, 3, 2, tzinfo=UTC)

    with pytest.raises(InvalidInput):
        numbered("cursor", cursor(moment, "cnv_1").written())
    with pytest.raises(InvalidInput):
        named("cursor", cursor(moment, 7).written())
    with pytest.raises(InvalidInput):
        named("cursor", cursor(moment, "a\x00").written())


def test_no_word_is_no_cursor() -> None:
    assert numbered("cursor", None) is None
