"""What holds for every body, also for those that no provider would send."""

from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.callbacks import Callback, MalformedCallback
from providers.whatsapp.callbacks import parse
from schemas.topics.provider_events import PROVIDER_EVENTS
from tests.given import NOON
from tests.providers.whatsapp.bodies import (
    Part,
    a_change,
    a_flat_status,
    a_message,
    a_status,
    an_envelope,
    encoded,
)
from tests.providers.whatsapp.reading import ids_of

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

patient = settings(deadline=None)
"""A machine that is busy with something else is no failure."""

one_in_ten = st.integers(0, 9).map(lambda number: number == 0)

anything: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)

BUILDERS = {"statuses": a_status, "messages": a_message}


@st.composite
def mutated(draw: st.DrawFn, whole: Json) -> Json:
    """Return the JSON with one value somewhere in it replaced by anything, or gone."""
    if not isinstance(whole, dict | list) or not whole or draw(one_in_ten):
        return draw(anything)
    # A list is mutated as the object of its places, and becomes a list again.
    members: dict[Any, Json] = dict(enumerate(whole)) if isinstance(whole, list) else dict(whole)
    place = draw(st.sampled_from(list(members)))
    if draw(one_in_ten):
        del members[place]
    else:
        members[place] = draw(mutated(members[place]))
    return list(members.values()) if isinstance(whole, list) else members


def full_body() -> Part:
    """Return an envelope that uses everything we read."""
    failed = a_status(status="failed", errors=[{"code": 131026, "error_data": {"details": "x"}}])
    changes = [a_change(statuses=[a_status(), failed], messages=[a_message()]), a_change()]
    return an_envelope(*changes)


def read(body: bytes) -> Callback | None:
    """Return what a body says, None where it is refused; anything else fails the test."""
    try:
        return parse(body)
    except MalformedCallback:
        return None


def assert_consumers_understand(callback: Callback | None) -> None:
    """Check each event against the contract that the consumers decode by."""
    for event in callback.events if callback else ():
        record = PROVIDER_EVENTS.record(event, source="/test", at=NOON)
        assert PROVIDER_EVENTS.decode(record.value) == event


@patient
@given(body=anything | st.fixed_dictionaries({"object": anything, "entry": anything}))
def test_any_json_is_read_or_refused(body: object) -> None:
    assert_consumers_understand(read(encoded(body)))


@patient
@given(body=mutated(full_body()) | mutated(a_flat_status()))
def test_a_mutated_body_is_read_or_refused(body: object) -> None:
    assert_consumers_understand(read(encoded(body)))


@patient
@given(body=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert_consumers_understand(read(body))


@patient
@given(data=st.data())
def test_changed_bytes_are_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(encoded(full_body()))
    places = st.dictionaries(st.integers(0, len(body) - 1), st.integers(0, 255), max_size=4)
    for place, byte in data.draw(places).items():
        body[place] = byte

    # Not compared with what consumers read: a changed digit may be an infinity, written as null.
    read(bytes(body))


@patient
@given(data=st.data())
def test_a_cut_body_is_refused(data: st.DataObject) -> None:
    body = encoded(full_body())
    length = data.draw(st.integers(0, len(body) - 1))

    assert read(body[:length]) is None


@patient
@given(data=st.data(), name=st.sampled_from(list(BUILDERS)), count=st.integers(1, 5))
def test_one_broken_part_never_loses_a_neighbour(
    data: st.DataObject, name: str, count: int
) -> None:
    build = BUILDERS[name]
    good = [build(id=f"wamid.{number}") for number in range(count)]
    place = data.draw(st.integers(0, count))
    broken = data.draw(mutated(build(id="wamid.broken")))

    callback = read(
        encoded(an_envelope(a_change(**{name: [*good[:place], broken, *good[place:]]})))
    )

    assert callback is not None
    ids = ids_of(callback.events)
    neighbours = [f"wamid.{number}" for number in range(count)]
    assert ids[:place] == neighbours[:place]
    assert ids[len(ids) - (count - place) :] == neighbours[place:]
    assert len(callback.events) + len(callback.ignored) == count + 1


@patient
@given(body=mutated(full_body()) | mutated(a_flat_status()))
def test_a_repeated_body_gives_equal_events_with_equal_ids(body: object) -> None:
    first, again = read(encoded(body)), read(encoded(body))

    assert first == again
    if first is not None and again is not None:
        ids = [PROVIDER_EVENTS.event_id(event) for event in first.events]
        assert ids == [PROVIDER_EVENTS.event_id(event) for event in again.events]
