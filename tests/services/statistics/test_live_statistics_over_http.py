from datetime import timedelta

import pytest

from domain.failures import ErrorCode
from domain.lifecycle import Status
from runtime import clock
from schemas.topics.registry import dead_letter_topic
from schemas.topics.status_changes import STATUS_CHANGES, ChangeError
from tests import given
from tests.eventually import eventually, seconds
from tests.runtime.kafka.parts import all_records
from tests.services.statistics.running import (
    Projector,
    RunningStatistics,
    eventually_counts,
    everything_read,
    read_messages,
    sums,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


async def test_each_window_tells_how_many_messages_reached_what_and_when(
    statistics: RunningStatistics, clean_topics: str
) -> None:
    async with Projector(clean_topics) as projector:
        await projector.publish(read_messages(20, job_id="all-windows", sender_id="sender-w"))

    await eventually_counts(statistics, "all-windows", 20)

    for window in ("minute", "hour", "total"):
        for by, name in (("sender", "sender-w"), ("job", "all-windows")):
            rows = await statistics.rows(window=window, by=by, id=name)
            assert sums(rows) == everything_read(20)
    [total] = await statistics.rows(window="total", by="sender", id="sender-w")
    assert total["windowStart"] is None
    assert total["senderId"] == "sender-w"
    assert total["secondsToSent"] == {"p50": 1.95, "p95": 1.95, "p99": 1.95, "count": 20}
    assert total["secondsToDelivered"]["p50"] == pytest.approx(3, rel=0.06)


async def test_changes_of_an_aborted_transaction_are_not_counted(
    statistics: RunningStatistics, clean_topics: str
) -> None:
    async with Projector(clean_topics) as projector:
        await projector.publish(read_messages(5, job_id="aborted"))
        await projector.publish_in_vain(read_messages(30, job_id="aborted"))
        await projector.publish(read_messages(5, job_id="aborted"))
        await projector.publish(read_messages(50, job_id="published-after-it"))

    await eventually_counts(statistics, "published-after-it", 50)

    await eventually_counts(statistics, "aborted", 10)


async def test_failures_are_told_by_their_code(
    statistics: RunningStatistics, clean_topics: str
) -> None:
    error = ChangeError(code=ErrorCode.INVALID_RECIPIENT, message="")
    refused = [
        given.a_status_changed(
            job_id="refused", to_status=Status.FAILED, error=error, recorded_at=clock.now()
        )
        for _ in range(3)
    ]

    async with Projector(clean_topics) as projector:
        await projector.publish(refused)

    async def told() -> bool:
        rows = await statistics.rows(window="total", by="job", id="refused")
        return [row["failedByCode"] for row in rows] == [{"INVALID_RECIPIENT": 3}]

    await eventually(told, within=seconds(20))


async def test_a_record_that_is_no_change_goes_to_the_dead_letters_and_disturbs_nothing(
    statistics: RunningStatistics, clean_topics: str
) -> None:
    async with Projector(clean_topics) as projector:
        await projector.publish_bytes(b'{"messageId": 7}')
        await projector.publish(read_messages(4, job_id="behind-the-bad-one"))

    await eventually_counts(statistics, "behind-the-bad-one", 4)

    # The good ones lie in other partitions, and may be counted first.
    async def rejected() -> bool:
        letters = await all_records(clean_topics, dead_letter_topic(STATUS_CHANGES.name))
        return [letter.value for letter in letters] == [b'{"messageId": 7}']

    await eventually(rejected, within=seconds(10))


async def test_a_range_of_windows_leaves_the_others_out(
    statistics: RunningStatistics, clean_topics: str
) -> None:
    now = clock.now()
    earlier = now - timedelta(minutes=30)
    async with Projector(clean_topics) as projector:
        await projector.publish(read_messages(2, job_id="range", recorded_at=earlier))
        await projector.publish(read_messages(3, job_id="range", recorded_at=now))
    await eventually_counts(statistics, "range", 5)

    half_way = (now - timedelta(minutes=15)).isoformat()
    older = await statistics.rows(window="minute", by="job", id="range", to=half_way)
    newer = await statistics.rows(window="minute", by="job", id="range", **{"from": half_way})

    assert sums(older) == everything_read(2)
    assert sums(newer) == everything_read(3)


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"by": "job"}, "window"),
        ({"window": "day", "by": "job"}, "window"),
        ({"window": "hour", "by": "phone"}, "by"),
        ({"window": "hour", "by": "job", "from": "yesterday"}, "from"),
        ({"window": "hour", "by": "job", "from": "2026-03-02T12:00:00"}, "from"),
        ({"window": "total", "by": "job", "to": "2026-03-02T12:00:00Z"}, "to"),
    ],
)
async def test_a_wrong_question_is_refused_with_the_name_of_the_field(
    statistics: RunningStatistics, question: dict[str, str], field: str
) -> None:
    answer = await statistics.ask(**question)

    assert answer.status_code == 400
    assert answer.json()["data"] == {"field": field}
