"""Some seconds of `make fuzz`, with a seed that is always the same."""

import asyncio
from pathlib import Path

import pytest

from tests.eventually import seconds
from tests.fuzz.__main__ import FAST
from tests.fuzz.api import Chance, fuzz_api
from tests.fuzz.run import Unborne, fuzz
from tests.fuzz.targets import TARGETS, Target
from tests.services.ingest_webhook.ingesters import SECRET, start_ingester, stop_ingester

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


@pytest.mark.stack
@pytest.mark.slow
async def test_no_request_that_the_documents_allow_breaks_the_door(
    clean_topics: str, tmp_path: Path
) -> None:
    ingester = await start_ingester(clean_topics, FAST, tmp_path)
    url = str(ingester.client.base_url)
    try:
        sent = await asyncio.to_thread(
            fuzz_api, url, SECRET.encode(), first=Chance(SEED, examples=12), within=seconds(1)
        )
        refused = await ingester.metric('ingest_callbacks_total{outcome="forbidden"}')
        taken = await ingester.metric('ingest_callbacks_total{outcome="accepted"}')
    finally:
        await stop_ingester(ingester)

    assert sent > 0
    assert refused > 0
    assert taken > 0
