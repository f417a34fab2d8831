"""One item a key at a time, in order, and none forgotten."""

import random

from hypothesis import given
from hypothesis import strategies as st

from runtime.kafka.per_key import PerKey

Item = tuple[str, int]
"""A key, and the item's number."""

items = st.lists(st.sampled_from("abc"), max_size=60).map(
    lambda keys: [(key, number) for number, key in enumerate(keys)]
)


def by_key(item: Item) -> str:
    return item[0]


@given(items, st.randoms())
def test_each_keys_items_pass_one_at_a_time_and_in_order(
    arriving: list[Item], chance: random.Random
) -> None:
    gate: PerKey[Item] = PerKey(by_key)
    outside: list[Item] = []
    passed: list[Item] = []
    to_come = list(arriving)

    while to_come or outside:
        if to_come and (not outside or chance.random() < 0.5):
            batch, to_come = to_come[:5], to_come[5:]
            outside += gate.admit(batch)
        else:
            ended = outside.pop(chance.randrange(len(outside)))
            passed.append(ended)
            if (follower := gate.release(ended)) is not None:
                outside.append(follower)
        assert len({key for key, _ in outside}) == len(outside)

    assert sorted(passed) == sorted(arriving)
    for key in "abc":
        numbers = [number for its, number in passed if its == key]
        assert numbers == sorted(numbers)


def test_what_is_dropped_does_not_follow() -> None:
    gate: PerKey[Item] = PerKey(by_key)
    first, second, third = ("a", 1), ("a", 2), ("a", 3)
    assert gate.admit([first, second, third]) == [first]

    dropped = gate.drop(lambda item: item is second)

    assert dropped == [second]
    assert gate.release(first) == third
    assert gate.release(third) is None
    assert gate.admit([second]) == [second]
