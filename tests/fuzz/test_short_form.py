"""Some seconds of `make fuzz`, with a seed that is always the same."""

from pathlib import Path

import pytest

from tests.eventually import seconds
from tests.fuzz.run import Unborne, fuzz
from tests.fuzz.targets import TARGETS, Target

SEED = 1


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_body_breaks_a_reader(target: Target) -> None:
    run = fuzz(target, seed=SEED, within=seconds(3))

    assert 0 < run.accepted < run.bodies


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_the_bodies_are_made_from_is_read(target: Target) -> None:
    for body in target.seeds:
        target.read(body)


def test_a_body_that_is_not_borne_is_kept(tmp_path: Path) -> None:
    def read(body: bytes) -> None:
        if b"[" in body:
            raise KeyError(body)

    target = Target("picky", (b'{"a":1}', b'{"a":[1]}'), read, (ValueError,))

    with pytest.raises(Unborne) as found:
        fuzz(target, seed=SEED, within=seconds(5), kept=tmp_path)

    (kept,) = tmp_path.iterdir()
    assert b"[" in kept.read_bytes()
    assert str(kept) in str(found.value)
