"""A file that any spreadsheet opens, and none runs (IM-44)."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from runtime.csv_stream import stream_csv

STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def read(pieces: Iterator[bytes]) -> list[list[str]]:
    text = b"".join(pieces).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_file_begins_with_its_mark_and_its_heading() -> None:
    whole = b"".join(stream_csv(["a", "b"], []))

    assert whole == b"\xef\xbb\xbfa,b\r\n"


def test_each_kind_of_cell_is_written_as_people_and_programs_read_it() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)

    (_, row) = read(stream_csv(["a"], [["Ada, née B.", 'say "hi"', -1, 2.5, None, True, noon]]))

    assert row == ["Ada, née B.", 'say "hi"', "-1", "2.5", "", "true", "2026-03-02T12:00:00.000Z"]


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))
def test_no_text_begins_as_a_formula_does_and_none_is_lost(text: str) -> None:
    (_, (cell,)) = read(stream_csv(["a"], [[text]])) if text else ([], [""])

    assert not cell.lstrip(" ").startswith(tuple(STARTS))
    assert cell.removeprefix("'") == text or cell == text


def test_a_formula_is_shown_as_it_was_written() -> None:
    (_, row) = read(stream_csv(["a"], [["=1+1", "+16505550001", "@SUM(A1)", "  -2", "\uff1d1"]]))

    assert row == ["'=1+1", "'+16505550001", "'@SUM(A1)", "'  -2", "'\uff1d1"]


def test_a_million_rows_need_no_more_memory_than_a_thousand() -> None:
    row = ["msg_1", "delivered", "Hi Ada, your order A-17 is ready for pickup."]

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in stream_csv(["a", "b", "c"], (row for _ in range(count))):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(50_000) < 2 * peak(1_000)


def test_what_breaks_the_rows_breaks_the_file() -> None:
    def rows() -> Iterator[list[str]]:
        yield ["one"]
        raise RuntimeError

    pieces = stream_csv(["a"], rows())

    try:
        list(pieces)
    except RuntimeError:
        return
    raise AssertionError("the file looks whole")
