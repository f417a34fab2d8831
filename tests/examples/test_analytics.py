"""The analytics consumer of examples/: every change once in its files, whatever kills it."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import pytest_asyncio

from schemas.topics.status_changes import STATUS_CHANGES, StatusChanged
from tests.architecture.tree import ROOT
from tests.eventually import eventually
from tests.services.dispatcher.tails import Tail, reading_all
from tests.services.status_projector.facts import Life
from tests.services.status_projector.projectors import (
    SOON,
    Writer,
    start_projector,
    stop_projector,
    whole,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

ANALYTICS = ROOT / "examples" / "analytics"
LIVES = 60
CHANGES = 4
"""Of each life."""


@pytest_asyncio.fixture(loop_scope="module")
async def pipeline(clean_topics: str, database_url: str, tmp_path: Path) -> Any:  # noqa: ANN401 - a generator
    """Return what lets so many messages live, and returns how many changes the topic then holds."""
    projector = await start_projector(clean_topics, database_url, tmp_path)
    writer = Writer(clean_topics)
    async with reading_all(STATUS_CHANGES, clean_topics) as tail:

        async def live(count: int) -> int:
            awaited = len(await tail.read()) + count * CHANGES
            await writer.write([fact for _ in range(count) for fact in whole(Life())])
            await eventually(lambda: _came(tail, awaited), within=SOON)
            return awaited

        yield live
    await writer.stop()
    await stop_projector(projector)


async def _came(tail: Tail[StatusChanged], count: int) -> bool:
    return len(await tail.read()) >= count


async def test_each_change_is_in_the_files_once_however_often_the_writer_is_killed(
    pipeline: Callable[[int], Any], clean_topics: str, tmp_path: Path
) -> None:
    lake = tmp_path / "lake" / "status_changes"

    for _ in range(2):
        writing = _start(clean_topics, lake, "--every", "0", "--most", "1")
        try:
            committed = _commits(lake)
            await pipeline(LIVES)
            await eventually(lambda: _commits(lake) > committed, within=SOON)  # noqa: B023 - awaited here
        finally:
            writing.kill()
            writing.wait()
    (lake / "000000999999.parquet.part").write_bytes(b"half a file")
    told = await pipeline(LIVES)
    end = _start(clean_topics, lake, "--until-end")
    assert await asyncio.to_thread(end.wait, SOON.total_seconds()) == 0

    rows, messages, twice = _counted(lake)
    assert told >= 3 * LIVES * CHANGES
    assert (rows, messages, twice) == (told, told // CHANGES, 0)
    assert not list(lake.rglob("*.part"))


async def test_the_documented_queries_run(
    pipeline: Callable[[int], Any], clean_topics: str, tmp_path: Path
) -> None:
    await pipeline(2)
    end = _start(clean_topics, tmp_path / "lake" / "status_changes", "--until-end")
    assert await asyncio.to_thread(end.wait, SOON.total_seconds()) == 0
    sql = (ANALYTICS / "queries.sql").read_text().replace("'lake/", f"'{tmp_path}/lake/")

    with duckdb.connect() as database:
        answers = [
            database.execute(statement).fetchall()
            for statement in re.sub(r"(?m)^--.*$", "", sql).split(";")
            if statement.strip()
        ]

    assert all(answers[1:3])
    assert {row[3] >= 0 for row in answers[-1]} == {True}


def _start(bootstrap: str, lake: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [str(ANALYTICS / "to_parquet.py"), "--bootstrap", bootstrap, "--into", str(lake)]
    return subprocess.Popen([sys.executable, *command, *options], env={**os.environ})  # noqa: S603 - ours


def _commits(lake: Path) -> int:
    numbers = [int(path.stem) for path in lake.glob("_commits/[0-9]*.json")]
    return max(numbers, default=0)


def _counted(lake: Path) -> tuple[int, int, int]:
    """Return how many rows, messages and repeated changes there are."""
    query = (
        "SELECT count(*), count(DISTINCT message_id),"
        " count(*) - count(DISTINCT (message_id, sequence)) FROM read_parquet(?)"
    )
    with duckdb.connect() as database:
        found = database.execute(query, [f"{lake}/day=*/*.parquet"]).fetchone()
    assert found is not None
    return found
