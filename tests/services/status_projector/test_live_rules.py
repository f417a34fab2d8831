"""Cursors, the ring and wishes by themselves: what they keep, for any history."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.auth import Permission
from services.status_projector.live.cursors import MalformedCursor, Position, checked, read
from services.status_projector.live.events import EVERYTHING, Event, Frame, Key, Kind, Told
from services.status_projector.live.ring import Ring
from services.status_projector.live.wishes import Index, covers

COUNTS = (3, 2)
OFFSETS = st.lists(st.integers(0, 2**60), min_size=5, max_size=5)
MOVES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2**60)))
HISTORY = st.lists(st.integers(0, 4), max_size=700)
"""Of each event its place; offsets count up in each."""


@given(offsets=OFFSETS, moves=MOVES)
def test_a_cursor_says_every_offset(offsets: list[int], moves: list[tuple[int, int]]) -> None:
    position = Position(COUNTS, offsets)

    for place, offset in moves:
        position.move(place, offset)
        offsets[place] = offset

    assert read(position.text, COUNTS) == offsets
    assert checked(position.text) == position.text


@given(offsets=OFFSETS)
def test_a_partition_that_was_added_begins_at_its_first_record(offsets: list[int]) -> None:
    text = Position(COUNTS, offsets).text

    assert read(text, (4, 2)) == [*offsets[:3], 0, *offsets[3:]]


@given(text=st.text())
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        vector = read(text, COUNTS)
    except MalformedCursor:
        return
    assert len(vector) == sum(COUNTS)


@given(history=HISTORY, seen=st.integers(0, 700), most=st.sampled_from([256, 512, 10_000]))
def test_the_ring_has_all_that_is_new_to_a_cursor_or_does_not_know_it(
    history: Sequence[int], seen: int, most: int
) -> None:
    ring, offsets, told, cursor = Ring([0] * 5, most=most), [0] * 5, list[Told](), [0] * 5
    for number, place in enumerate(history):
        if number == seen:
            cursor = list(offsets)
        event = Told(event=an_event(), frame=Frame("", ""), place=place, offset=offsets[place])
        ring.make_room(offsets)
        ring.add(event)
        offsets[place] += 1
        told.append(event)

    new = [event for event in told if event.offset >= cursor[event.place]]

    if ring.knows(cursor):
        assert list(ring.since(cursor)) == new
    else:
        assert len(new) >= most - 256


@given(
    wanted=st.lists(st.tuples(st.none() | st.sampled_from("ab"), st.sets(st.sampled_from("xyz*")))),
    tenant=st.none() | st.sampled_from("ab"),
    concerns=st.sets(st.sampled_from("xyz")),
)
def test_the_index_finds_those_whom_an_event_concerns_and_nobody_else(
    wanted: list[tuple[str | None, set[str]]], tenant: str | None, concerns: set[str]
) -> None:
    index, listeners = Index[Listener](), [Listener(whose, keys) for whose, keys in wanted]
    for listener in listeners:
        index.add(listener, listener.keys)
    event = an_event(tenant, tuple(("jobs", name) for name in concerns))

    found = index.listeners(event)

    assert found == {
        one
        for one in listeners
        if one.tenant_id in {None, tenant} and ("*" in one.named or one.named & concerns)
    }
    assert found == {one for one in listeners if covers(one, event)}


def test_whoever_is_taken_out_of_the_index_is_not_found() -> None:
    index, listener = Index[Listener](), Listener(None, {"x"})
    index.add(listener, listener.keys)

    index.remove(listener, listener.keys)

    assert not index.listeners(an_event(None, (("jobs", "x"),)))


@pytest.mark.parametrize("text", ["", "AQ=", "é", "A" * 5_000, "AgMC"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(MalformedCursor):
        read(text, COUNTS)


class Listener:
    def __init__(self, tenant_id: str | None, named: set[str]) -> None:
        self.tenant_id = tenant_id
        self.named = named
        self.keys: set[Key] = {EVERYTHING if n == "*" else ("jobs", n) for n in named}


def an_event(tenant_id: str | None = None, keys: tuple[Key, ...] = ()) -> Event:
    return Event(
        kind=Kind.JOB_PROGRESS,
        needs=Permission.JOBS_VIEW,
        tenant_id=tenant_id,
        keys=keys,
        data=b"{}",
    )
