"""Writes `status-changes` as Parquet files, a folder a day, each change exactly once.

    python examples/analytics/to_parquet.py --bootstrap 127.0.0.1:19092 --into lake/status_changes

It may be stopped or killed at any moment and started again: what is committed is there once, and
it goes on behind it. How: the files and the offsets after them are one commit, which is the
renaming of one small file (`_commits/`). What was not committed is never seen: its files end with
`.part`.

Needs aiokafka and pyarrow, and nothing of Sendtrail: this is what a consumer of it looks like.
"""

import argparse
import asyncio
import fcntl
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from aiokafka import AIOKafkaConsumer, TopicPartition

TOPIC = "status-changes"
PARTITIONS = 12
COMMITS = "_commits"

MOMENT = pa.timestamp("ms", tz="UTC")
SCHEMA = pa.schema(
    [
        ("message_id", pa.string()),
        ("sequence", pa.int32()),
        ("from_status", pa.string()),
        ("to_status", pa.string()),
        ("updated_at", MOMENT),
        ("recorded_at", MOMENT),
        ("update_ms", pa.int64()),
        ("source", pa.string()),
        ("channel", pa.string()),
        ("sender_id", pa.string()),
        ("sent_at", MOMENT),
        ("delivered_at", MOMENT),
        ("read_at", MOMENT),
        ("failed_at", MOMENT),
        ("error_code", pa.string()),
        ("tenant_id", pa.string()),
        ("job_id", pa.string()),
        ("conversation_id", pa.string()),
    ]
)

Row = dict[str, Any]
Offsets = dict[int, int]


def row_of(change: Mapping[str, Any]) -> Row:
    """Return a change as a row; `update_ms` is AN-01's updateTime: until it was known."""
    updated, recorded = _moment(change["updatedAt"]), _moment(change["recordedAt"])
    return {
        "message_id": change["messageId"],
        "sequence": change["sequence"],
        "from_status": change["fromStatus"],
        "to_status": change["toStatus"],
        "updated_at": updated,
        "recorded_at": recorded,
        "update_ms": round((recorded - updated).total_seconds() * 1_000),
        "source": change["source"],
        "channel": change["channel"],
        "sender_id": change["senderId"],
        "sent_at": _moment(change["sentAt"]),
        "delivered_at": _moment(change.get("deliveredAt")),
        "read_at": _moment(change.get("readAt")),
        "failed_at": _moment(change.get("failedAt")),
        "error_code": (change.get("error") or {}).get("code"),
        "tenant_id": change.get("tenantId"),
        "job_id": change.get("jobId"),
        "conversation_id": change.get("conversationId"),
    }


class Lake:
    """A folder of Parquet files, and of the commits that made them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._commits = folder / COMMITS
        self._commits.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from writing here: the offsets are this process's alone."""
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def recover(self) -> tuple[int, Offsets]:
        """Finish the last commit, drop what belongs to none; return its number and offsets."""
        numbers = sorted(int(path.stem) for path in self._commits.glob("[0-9]*.json"))
        if not numbers:
            last, commit = 0, dict[str, Any](files=[], offsets={})
        else:
            last = numbers[-1]
            commit = json.loads((self._commits / f"{last:012}.json").read_text())
        self._show(commit["files"])
        for leftover in self._folder.rglob("*.part"):
            leftover.unlink()
        return last, {int(number): offset for number, offset in commit["offsets"].items()}

    def commit(self, number: int, rows: Sequence[Row], offsets: Offsets) -> None:
        """Add the rows and move the offsets, or neither."""
        by_day: defaultdict[str, dict[tuple[str, int], Row]] = defaultdict(dict)
        for row in rows:
            # A read_committed reader gets each change once. Should a topic ever hold one twice, as
            # after a restore, the two are alike.
            by_day[f"{row['recorded_at']:%Y-%m-%d}"][row["message_id"], row["sequence"]] = row
        files = [self._write(day, number, list(found.values())) for day, found in by_day.items()]
        _write_durably(
            self._commits / f"{number:012}.json", json.dumps({"files": files, "offsets": offsets})
        )
        # From here on the rows are there, whatever happens: `recover` shows what we do not.
        self._show(files)
        for former in self._commits.glob("[0-9]*.json"):
            if int(former.stem) < number:
                former.unlink()

    def _write(self, day: str, number: int, rows: Sequence[Row]) -> str:
        name = f"day={day}/{number:012}.parquet"
        path = _part(self._folder / name)
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            pq.write_table(pa.Table.from_pylist(rows, SCHEMA), file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
        return name

    def _show(self, files: Sequence[str]) -> None:
        for name in files:
            path = self._folder / name
            if _part(path).exists():
                _part(path).rename(path)
                _sync_folder(path.parent)


async def follow(bootstrap: str, lake: Lake, *, every: float, most: int, until_end: bool) -> None:
    """Write what comes, a commit every so many seconds or rows."""
    number, offsets = lake.recover()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        # Without this, changes of transactions that were given up would be read as well.
        isolation_level="read_committed",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        places = [TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)]
        consumer.assign(places)
        begins = await consumer.beginning_offsets(places)
        for place in places:
            known = offsets.get(place.partition, 0)
            if known < begins[place] and offsets:
                print(f"{place}: {begins[place] - known} offsets are gone; the topic keeps 30 days")
            consumer.seek(place, max(known, begins[place]))
        ends = await consumer.end_offsets(places)
        rows: list[Row] = []
        began = time.monotonic()
        while True:
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                rows += [row_of(json.loads(record.value)) for record in records]
                offsets[place.partition] = records[-1].offset + 1
            is_due = len(rows) >= most or time.monotonic() - began >= every
            is_over = until_end and all([await consumer.position(p) >= ends[p] for p in places])
            if rows and (is_due or is_over):
                number += 1
                lake.commit(number, rows, offsets)
                rows, began = [], time.monotonic()
            if is_over:
                return
    finally:
        await consumer.stop()


def main() -> None:
    """Read the command line and go."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bootstrap", required=True, help="the broker, host:port")
    parser.add_argument("--into", type=Path, required=True, help="the folder to write")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two commits")
    parser.add_argument("--most", type=int, default=100_000, help="rows of a commit")
    parser.add_argument("--until-end", action="store_true", help="end where the topic ends now")
    given = parser.parse_args()
    lake = Lake(given.into)
    with lake.locked():
        asyncio.run(
            follow(
                given.bootstrap,
                lake,
                every=given.every,
                most=given.most,
                until_end=given.until_end,
            )
        )


def _moment(text: str | None) -> Any:  # noqa: ANN401 - a moment for a text, none for none
    return None if text is None else datetime.fromisoformat(text)


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _write_durably(path: Path, text: str) -> None:
    part = _part(path)
    with part.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


if __name__ == "__main__":
    main()
