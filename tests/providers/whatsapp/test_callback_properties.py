"""What holds for every body, also for those that no provider would send."""

from collections.abc import Callable
from random import Random
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
    a_notice,
    a_status,
    a_value,
    an_echo,
    an_envelope,
    encoded,
)
from tests.providers.whatsapp.message_shapes import MESSAGES
from tests.providers.whatsapp.notice_shapes import NOTICES
from tests.providers.whatsapp.reading import ids_of, of_messages, of_statuses
from tests.providers.whatsapp.shapes import AUTHOR, without_nulls
from tests.providers.whatsapp.status_shapes import OTHER_STATUSES, STATUSES

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

patient = settings(deadline=None)
"""A machine that is busy with something else is no failure."""

one_in_ten = st.integers(0, 9).map(lambda number: number == 0)

AWKWARD: list[Json] = [
    *("x" * length for length in (51, 65, 94, 101, 256, 10_000)),
    *("\x00", "\ud83d", "9" * 5_000, "-62135596801", "0001-01-01T00:00:00+14:00"),
    *(10**400, -(2**70), 1e308, 253402300800, "sent", "message", "messages", "payment"),
]
"""What limits are about, and what other places mean."""

anything: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(AWKWARD),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


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


@st.composite
def replaced(draw: st.DrawFn, whole: Json, by: Json) -> Json:
    """Return the JSON with one value somewhere in it replaced."""
    if not isinstance(whole, dict | list) or not whole or draw(one_in_ten):
        return by
    if isinstance(whole, list):
        place = draw(st.integers(0, len(whole) - 1))
        return [*whole[:place], draw(replaced(whole[place], by)), *whole[place + 1 :]]
    name = draw(st.sampled_from(list(whole)))
    return {**whole, name: draw(replaced(whole[name], by))}


def shuffled(whole: Json, seed: Random) -> Json:
    """Return the JSON with the members of its objects in another order."""
    if isinstance(whole, list):
        return [shuffled(item, seed) for item in whole]
    if not isinstance(whole, dict):
        return whole
    names = list(whole)
    seed.shuffle(names)
    return {name: shuffled(whole[name], seed) for name in names}


STATUS_PARTS = [
    *(without_nulls(a_status(**shape.part)) for shape in STATUSES.values()),
    *(a_status(**part) for part in OTHER_STATUSES.values()),
]
MESSAGE_PARTS = [without_nulls(a_message(**shape.part)) for shape in MESSAGES.values()]

BODIES: list[Part] = [
    *(a_notice(notice.field, notice.value) for notice in NOTICES),
    an_envelope(
        a_change(statuses=STATUS_PARTS, errors=[{"code": 130429, "title": "Rate limit hit"}]),
        a_change(
            messages=MESSAGE_PARTS,
            contacts=[{"profile": {"name": "Sheena Nelson"}, "wa_id": AUTHOR}],
        ),
    ),
    a_flat_status(),
    a_flat_status(status="failed", error={"code": 131026, "title": "Undeliverable"}),
    a_flat_status(status="played"),
]
"""Every shape that we know."""

ENVELOPES = [body for body in BODIES if "object" in body]

bodies = st.sampled_from(BODIES)
mutated_bodies = (
    bodies.flatmap(mutated)
    | st.sampled_from(STATUS_PARTS).flatmap(mutated).map(of_statuses)
    | st.sampled_from(MESSAGE_PARTS).flatmap(mutated).map(of_messages)
)

LISTS: dict[str, Callable[[str], Part]] = {
    "statuses": lambda name: a_status(id=name),
    "messages": lambda name: a_message(id=name),
    "message_echoes": lambda name: an_echo(id=name),
    "groups": lambda name: {"group_id": name, "type": "group_create"},
    "calls": lambda name: {"id": name, "event": "connect"},
}
"""How an item of each list is made, by what it is about."""


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
@given(body=mutated_bodies)
def test_a_mutated_body_is_read_or_refused(body: object) -> None:
    assert_consumers_understand(read(encoded(body)))


@patient
@given(data=st.data(), levels=st.integers(1, 1_200), inner=anything)
def test_a_body_with_something_nested_is_read_or_refused(
    data: st.DataObject, levels: int, inner: Json
) -> None:
    whole = data.draw(st.sampled_from(ENVELOPES))
    body = encoded(data.draw(replaced(whole, "NESTED")))
    opened, closed = data.draw(st.sampled_from([(b"[", b"]"), (b'{"deep":', b"}")]))

    nested = opened * levels + encoded(inner) + closed * levels

    assert_consumers_understand(read(body.replace(b'"NESTED"', nested)))


@patient
@given(body=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert_consumers_understand(read(body))


@patient
@given(data=st.data())
def test_changed_bytes_are_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(encoded(data.draw(bodies)))
    places = st.dictionaries(st.integers(0, len(body) - 1), st.integers(0, 255), max_size=4)
    for place, byte in data.draw(places).items():
        body[place] = byte

    assert_consumers_understand(read(bytes(body)))


@patient
@given(data=st.data())
def test_a_cut_body_is_refused(data: st.DataObject) -> None:
    body = encoded(data.draw(bodies))
    length = data.draw(st.integers(0, len(body) - 1))

    assert read(body[:length]) is None


@patient
@given(data=st.data(), name=st.sampled_from(list(LISTS)), count=st.integers(1, 5))
def test_one_broken_part_never_loses_a_neighbour(
    data: st.DataObject, name: str, count: int
) -> None:
    field = "messages" if name in ("statuses", "messages") else name
    good = [LISTS[name](f"wamid.{number}") for number in range(count)]
    place = data.draw(st.integers(0, count))
    broken = data.draw(mutated(LISTS[name]("wamid.broken")))
    value = a_value(**{name: [*good[:place], broken, *good[place:]]})

    callback = read(encoded(an_envelope({"field": field, "value": value})))

    assert callback is not None
    ids = ids_of(callback.events)
    neighbours = [f"wamid.{number}" for number in range(count)]
    assert ids[:place] == neighbours[:place]
    assert ids[len(ids) - (count - place) :] == neighbours[place:]
    assert len(callback.events) + len(callback.ignored) == count + 1


@patient
@given(data=st.data(), body=st.sampled_from(ENVELOPES))
def test_a_broken_entry_or_change_never_loses_a_neighbour(data: st.DataObject, body: Part) -> None:
    (entry,) = body["entry"]
    before, after = (
        an_envelope(a_change(statuses=[a_status(id=name)]))["entry"]
        for name in ("wamid.1", "wamid.2")
    )
    broken = data.draw(mutated(entry))

    callback = read(encoded({**body, "entry": [*before, broken, *after]}))

    assert callback is not None
    ids = ids_of(callback.events)
    assert (ids[0], ids[-1]) == ("wamid.1", "wamid.2")


@patient
@given(body=mutated_bodies)
def test_a_repeated_body_gives_equal_events_with_equal_ids(body: object) -> None:
    first, again = read(encoded(body)), read(encoded(body))

    assert first == again
    if first is not None and again is not None:
        ids = [PROVIDER_EVENTS.event_id(event) for event in first.events]
        assert ids == [PROVIDER_EVENTS.event_id(event) for event in again.events]


@patient
@given(body=bodies, seed=st.randoms(use_true_random=False))
def test_the_order_of_members_changes_neither_events_nor_ids(body: Part, seed: Random) -> None:
    assert read(encoded(shuffled(body, seed))) == read(encoded(body))
