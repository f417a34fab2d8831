"""At every moment each counter equals counting its rows, whatever happens (IM-60)."""

from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.check import differences
from runtime.clock import now
from runtime.postgres import transaction
from schemas.http.trail import JobProgress
from schemas.topics.send_requests import SendRequested
from schemas.topics.status_changes import StatusChanged
from services.status_projector.progress import progress_of
from services.status_projector.store import jobs
from tests.services.status_projector.facts import Life, Projector, Record
from tests.services.status_projector.scheduled import (
    REFUSED,
    UNKNOWN_NUMBER,
    ScheduledJob,
    phone,
)
from tests.vaults import the_vault

pytestmark = pytest.mark.stack

PHONES = [phone(1), REFUSED, phone(2), UNKNOWN_NUMBER, phone(3), phone(4)]


class World:
    """A job between its scheduler and its projector; what is told waits to be heard."""

    def __init__(self, engine: sa.Engine, projector: Projector) -> None:
        self._engine = engine
        self._projector = projector
        self.job = ScheduledJob(engine, PHONES)
        self._told: list[Record] = []
        self._changes: list[StatusChanged] = []
        self._lives: list[Life] = []

    def feed(self, data: st.DataObject) -> None:
        for request in self.job.feed(data.draw(st.integers(1, 4))):
            self._told.append(request)
            self._lives.append(Life(request.message_id))

    def tell(self, data: st.DataObject) -> None:
        """Let something happen to a message."""
        if self._lives:
            self._told += data.draw(st.sampled_from(fates(data.draw(st.sampled_from(self._lives)))))

    def project(self, data: st.DataObject) -> None:
        """Apply some of what was told, in any order, and keep it, since it may come again."""
        batch = data.draw(st.permutations(self._told))[: data.draw(st.integers(0, 8))]
        caused = self._projector.apply([self._projector.heard(record) for record in batch])
        self._changes += [one.change for one in caused]

    def settle(self, data: st.DataObject) -> None:
        """Let the scheduler hear of changes, each message's in their order, perhaps again."""
        start = data.draw(st.integers(0, len(self._changes)))
        self.job.hear(self._changes[start:])

    def cancel(self, _: st.DataObject) -> None:
        self.job.cancel()

    def catch_up(self) -> None:
        """Let everybody hear of everything."""
        while requests := self.job.feed():
            self._told += requests
        caused = self._projector.apply([self._projector.heard(record) for record in self._told])
        self._changes += [one.change for one in caused]
        self.job.hear(self._changes)


def fates(life: Life) -> list[list[Record]]:
    return [
        [life.started(), life.accepted(), life.reported("read", 9)],
        [life.started(), life.rejected()],
        [life.rejected()],
        [life.started(), life.accepted(), life.reported("failed", 3)],
    ]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_counter_is_ever_wrong(
    engine: sa.Engine, projector: Projector, data: st.DataObject
) -> None:
    world = World(engine, projector)
    doings = [world.feed, world.tell, world.project, world.settle, world.cancel]

    for doing in data.draw(st.lists(st.sampled_from(doings), max_size=14)):
        doing(data)
        assert differences(engine) == []
        progress = look(engine, world.job)
        assert 0 <= progress.processed <= progress.total

    world.catch_up()
    assert differences(engine) == []
    counts = look(engine, world.job).counts.model_dump()
    assert Counter(states_of(engine, world.job)) == +Counter(counts)


def test_a_cancelled_job_counts_each_row_once(engine: sa.Engine, projector: Projector) -> None:
    job = ScheduledJob(engine, PHONES)
    reached, recalled = map(life_of, job.feed(at_most=2))
    job.cancel()

    told = [reached.started(), reached.accepted(), recalled.rejected()]
    requests = [reached.request(job_id=job.id), recalled.request(job_id=job.id)]
    caused = projector.apply([projector.heard(record) for record in [*requests, *told]])
    job.hear([one.change for one in caused])
    job.hear([one.change for one in caused])

    progress = look(engine, job)
    counts = {name: count for name, count in progress.counts.model_dump().items() if count}
    assert counts == {"sent": 1, "skipped": 1, "cancelled": 4}
    assert (progress.status, progress.processed, progress.percent) == ("cancelled", 6, 100.0)
    assert differences(engine) == []


def life_of(request: SendRequested) -> Life:
    return Life(request.message_id)


def look(engine: sa.Engine, job: ScheduledJob) -> JobProgress:
    with transaction(engine) as connection:
        found = jobs.job(connection, job.id)
    assert found is not None
    return progress_of(found, [], now())


def states_of(engine: sa.Engine, job: ScheduledJob) -> Iterator[str]:
    with transaction(engine) as connection:
        yield from (one.state for one in jobs.results(connection, the_vault(), job.id, limit=100))
