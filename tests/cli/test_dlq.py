"""`sendtrail dlq`: rejected records can be listed, looked at and published again (IM-10)."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from cli.app import app
from cli.reading import read_to_end
from runtime.kafka.producer import Producer
from schemas.topics.dead_letters import Place, Reason, Why, dead_letter
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.topic import Outgoing
from tests.given import NOON
from tests.topic_keys import TOPIC_KEYS

pytestmark = pytest.mark.stack

BROKEN = Outgoing(
    SEND_REQUESTS.name, b"whatsapp:1:+16505550001", b'{"secret": "hush"', (("ce_id", b"m-1"),)
)


@pytest.fixture(scope="module")
def rejected(clean_topics: str) -> str:
    """Return a broker on whose DLQ of send-requests two equal records lie."""
    why = Why(Reason.MALFORMED, "not JSON", NOON, "dispatcher")
    letters = [
        dead_letter(
            place=Place(SEND_REQUESTS.name, 3, offset),
            key=BROKEN.key,
            value=BROKEN.value,
            headers=BROKEN.headers,
            why=why,
        )
        for offset in (40, 41)
    ]

    async def publish() -> None:
        producer = Producer(clean_topics, "tests", TOPIC_KEYS)
        await producer.publish(letters, within=timedelta(seconds=20))
        await producer.stop()

    asyncio.run(publish())
    return clean_topics


def test_the_list_says_why_and_where_but_not_what(rejected: str) -> None:
    listed = sendtrail(rejected, "dlq", "list")

    assert listed.exit_code == 0
    assert "malformed" in listed.output
    assert "send-requests[3]@41" in listed.output
    assert "hush" not in listed.output
    assert "+1650555" not in listed.output


def test_content_is_shown_only_to_who_asks_for_it(rejected: str) -> None:
    discreet = sendtrail(rejected, "dlq", "show", "send-requests", "0")
    asked = sendtrail(rejected, "dlq", "show", "send-requests", "0", "--content")

    assert "dlq_detail: not JSON" in discreet.output
    assert "hush" not in discreet.output
    assert "hush" in asked.output


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("", "TOPIC_ENCRYPTION_KEY: each key must have at least 32 characters"),
        ("another key of thirty-two characters or more", "TOPIC_ENCRYPTION_KEY lacks the key"),
    ],
)
def test_who_lacks_the_key_is_told_so(rejected: str, key: str, complaint: str) -> None:
    asked = ("dlq", "show", "send-requests", "0", "--content")
    shown = sendtrail(rejected, *asked, TOPIC_ENCRYPTION_KEY=key)

    assert shown.exit_code != 0
    assert complaint in shown.output
    assert "hush" not in shown.output


def test_a_record_that_is_not_there_is_said_to_be_missing(rejected: str) -> None:
    shown = sendtrail(rejected, "dlq", "show", "send-requests", "7")

    assert shown.exit_code == 2
    assert "no record 7 in the DLQ of send-requests" in shown.output


def test_a_replay_asks_first_and_then_publishes_the_original(
    rejected: str, database: sa.Engine
) -> None:
    refused = sendtrail(rejected, "dlq", "replay", "send-requests", "1", answer="n\n")
    nothing = asyncio.run(read_to_end(rejected, SEND_REQUESTS.name))
    url = database.url.render_as_string(hide_password=False)
    # What lies there sealed goes back as it is: that takes no key.
    keyless = {"DATABASE_URL": url, "TOPIC_ENCRYPTION_KEY": ""}
    done = sendtrail(rejected, "dlq", "replay", "send-requests", "1", "--yes", **keyless)
    replayed = asyncio.run(read_to_end(rejected, SEND_REQUESTS.name))

    assert refused.exit_code == 1
    assert nothing == []
    assert done.exit_code == 0
    assert [(r.key, *TOPIC_KEYS.clear(r)) for r in replayed] == [
        (BROKEN.key, BROKEN.value, BROKEN.headers)
    ]
    assert "hush" not in str(replayed)
    with database.connect() as connection:
        noted = connection.execute(
            sa.text("SELECT action, about, changes, actor LIKE 'cli:%' FROM audit_log")
        ).one()
    assert tuple(noted) == (
        "dead-letters.replay",
        "send-requests",
        {"records": [None, [1]]},
        True,
    )


def test_an_empty_dlq_is_no_error(rejected: str) -> None:
    replayed = sendtrail(rejected, "dlq", "replay", "task-changes", "--yes")

    assert replayed.exit_code == 0
    assert "nothing of task-changes was rejected" in replayed.output


def sendtrail(bootstrap: str, *arguments: str, answer: str | None = None, **more: str) -> Result:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "COLUMNS": "200", **more}
    return CliRunner().invoke(app, arguments, input=answer, env=environment)
