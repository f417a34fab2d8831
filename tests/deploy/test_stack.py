"""The local stack: started twice, killed, taken over, and two side by side."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import psutil
import psycopg2
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.stack import Stack, lease
from deploy.stack.places import CHECKOUT
from deploy.stack.postgres_programs import identity
from tests.deploy.endings import has_ended
from tests.eventually import eventually, seconds

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def leased() -> Generator[Stack]:
    """Return a stack of our own: these tests kill it."""
    with lease("tests-deploy") as stack:
        yield stack


@pytest.fixture
def stack(leased: Stack) -> Stack:
    """Return it running, whatever the test before did to it."""
    leased.up()
    return leased


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    before = (stack.kafka.pid, stack.postgres.pid)

    stack.up()

    assert (stack.kafka.pid, stack.postgres.pid) == before


async def test_what_kafka_acknowledged_is_there_after_kill_9(stack: Stack) -> None:
    topic = await a_topic(stack)
    async with a_producer(stack) as producer:
        await producer.send_and_wait(topic, b"ANGULAR-DESK")
    before = stack.kafka.pid

    stack.kafka.kill()
    assert not stack.kafka.is_ready()
    stack.kafka.start()

    assert stack.kafka.pid != before
    assert await first_value(stack, topic) == b"ANGULAR-DESK"


async def test_a_clean_stop_of_kafka_keeps_its_data(stack: Stack) -> None:
    topic = await a_topic(stack)
    async with a_producer(stack) as producer:
        await producer.send_and_wait(topic, b"RED-CHAIR")

    stack.kafka.stop()
    stack.kafka.start()

    assert await first_value(stack, topic) == b"RED-CHAIR"


def test_what_postgres_committed_is_there_after_kill_9(stack: Stack) -> None:
    table = f"t_{uuid.uuid4().hex}"
    execute(stack, f"create table {table} as select 42 as answer")
    family = [psutil.Process(stack.postgres.pid)]
    family += family[0].children()

    stack.postgres.kill()
    assert all(has_ended(process) for process in family)
    stack.postgres.start()

    assert execute(stack, f"select answer from {table}") == [(42,)]  # noqa: S608


def test_a_stale_postmaster_pid_that_names_a_living_process_does_not_stop_a_start(
    stack: Stack,
) -> None:
    user = identity()
    with subprocess.Popen(["sleep", "60"], user=user and user.uid) as somebody:
        stale = Path(psutil.Process(stack.postgres.pid).cwd()) / "postmaster.pid"
        stack.postgres.kill()
        lines = stale.read_text().split("\n")
        stale.write_text("\n".join([str(somebody.pid), *lines[1:]]))

        stack.postgres.start()

        assert stack.postgres.is_ready()
        assert somebody.poll() is None
        somebody.kill()


def test_a_reused_process_id_is_never_killed(stack: Stack) -> None:
    stack.kafka.kill()
    record = stack.places.state / "kafka.pid"
    record.write_text(json.dumps({"pid": os.getpid(), "started_at": 1.0}))

    stack.kafka.kill()

    assert stack.kafka.pid is None


async def test_a_suspended_kafka_answers_nobody_until_it_is_resumed(stack: Stack) -> None:
    stack.kafka.suspend()
    assert not stack.kafka.is_ready()

    stack.kafka.resume()

    await eventually(stack.kafka.is_ready, within=seconds(10))


def test_start_wakes_a_suspended_postgres(stack: Stack) -> None:
    stack.postgres.suspend()

    stack.postgres.start()

    assert execute(stack, "select 1") == [(1,)]


def test_postgres_wants_the_password_over_tcp(stack: Stack) -> None:
    without = f"postgresql://postgres@127.0.0.1:{stack.ports.postgres}/sendtrail"

    with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
        psycopg2.connect(without, passfile="/dev/null")

    psycopg2.connect(stack.postgres.tcp_dsn).close()


def test_two_stacks_run_side_by_side(stack: Stack) -> None:
    with lease("tests-deploy") as other:
        assert other.name == "tests-deploy-2"
        execute(other, "create table if not exists only_here ()")

        assert other.kafka.is_ready()
        assert stack.kafka.is_ready()
        assert execute(stack, "select to_regclass('only_here')") == [(None,)]


def test_a_checkout_deleted_and_made_anew_starts_from_nothing(stack: Stack) -> None:
    execute(stack, "create table if not exists of_the_old_checkout ()")
    stack.down()
    shutil.rmtree(stack.places.state)

    stack.up()

    assert execute(stack, "select to_regclass('of_the_old_checkout')") == [(None,)]
    psycopg2.connect(stack.postgres.tcp_dsn).close()


def test_what_another_process_left_running_is_taken_over_and_cleaned() -> None:
    name = f"tests-left-{os.getpid()}"
    up = [sys.executable, "-m", "deploy.stack", "up", "--name", name]
    subprocess.run(up, check=True, cwd=CHECKOUT, stdout=subprocess.DEVNULL)
    heir = Stack(name)
    left = (heir.kafka.pid, heir.postgres.pid)
    assert None not in left

    heir.up()
    assert (heir.kafka.pid, heir.postgres.pid) == left

    heir.clean()
    assert (heir.kafka.pid, heir.postgres.pid) == (None, None)
    assert not heir.places.state.exists()
    assert not heir.places.short.exists()
    heir.places.state.with_suffix(".lock").unlink()  # the name is this run's own


def execute(stack: Stack, statement: str) -> list[tuple[object, ...]]:
    """Run one statement as the stack's own user, and return its rows if it has any."""
    with closing(psycopg2.connect(stack.postgres.dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


async def a_topic(stack: Stack) -> str:
    """Create a topic that no other test uses."""
    topic = f"t-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    return topic


@asynccontextmanager
async def a_producer(stack: Stack) -> AsyncGenerator[AIOKafkaProducer]:
    """Lend a producer whose acknowledgement means that the broker has it."""
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka.bootstrap, acks="all")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def first_value(stack: Stack, topic: str) -> bytes | None:
    """Read the first record of the topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.kafka.bootstrap)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        record = await consumer.getone()
        return record.value
    finally:
        await consumer.stop()
