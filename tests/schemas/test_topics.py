import re
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.admission import HoldReason
from schemas.topics.contents import words_of
from schemas.topics.provider_events import PROVIDER_EVENTS, StatusReported
from schemas.topics.registry import (
    DEAD_LETTER_RETENTION,
    PARTITIONS,
    REGISTRY,
    dead_letter_topic,
)
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.task_changes import TASK_CHANGES
from schemas.topics.topic import MalformedRecord, Topic, header, traceparent
from tests.schemas.records import AT, CONTRACTS, TOPICS, decoded, example

MESSAGE = "msg_2f1b9c6e4d3a4c5b8e7f60718293a4b5"
WAMID = "wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA"
JOB = "0b7e1c52-6d0e-4a53-9a61-3f1c2f4a9d10"
TASK = "7c0a4b7e-52f1-4a56-9f0e-1d3b5a7c9e11"
PUSH = "e2d9c3a1-08b4-4c57-8b1f-6a5d4c3b2a10"


@pytest.mark.parametrize(
    ("name", "key", "event_id", "event_type"),
    [
        (
            "send-requested",
            "whatsapp:106540352242922:+16505551234",
            MESSAGE,
            "sendtrail.send.requested.v1",
        ),
        ("send-started", MESSAGE, f"{MESSAGE}:send.started:1", "sendtrail.send.started.v1"),
        ("send-accepted", MESSAGE, f"{MESSAGE}:send.accepted:1", "sendtrail.send.accepted.v1"),
        ("send-rejected", MESSAGE, f"{MESSAGE}:send.rejected:1", "sendtrail.send.rejected.v1"),
        ("send-deferred", MESSAGE, f"{MESSAGE}:send.deferred:1", "sendtrail.send.deferred.v1"),
        (
            "status-reported",
            MESSAGE,
            f"{WAMID}:failed:2026-03-02T09:30:02+00:00",
            "sendtrail.status.reported.v1",
        ),
        (
            "message-received",
            "wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQTdCNTg5RjY1MEMyRjlGMjRGNgA=",
            "wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQTdCNTg5RjY1MEMyRjlGMjRGNgA=",
            "sendtrail.message.received.v1",
        ),
        ("status-changed", MESSAGE, f"{MESSAGE}:3", "sendtrail.status.changed.v1"),
        ("job-changed", JOB, f"{JOB}:3", "sendtrail.job.changed.v1"),
        ("task-changed", TASK, f"{TASK}:2", "sendtrail.task.changed.v1"),
        ("push-changed", TASK, f"{PUSH}:2", "sendtrail.push.changed.v1"),
        ("group-send-changed", "7001", "7001:3", "sendtrail.group_send.changed.v1"),
    ],
)
def test_a_record_has_the_key_and_id_of_what_it_speaks_of(
    name: str, key: str, event_id: str, event_type: str
) -> None:
    topic = CONTRACTS[name].entry.topic

    record = topic.record(decoded(name), source="tests", at=AT)

    assert (record.topic, record.key) == (topic.name, key.encode())
    assert header(record.headers, "ce_id") == event_id
    assert header(record.headers, "ce_type") == event_type


def test_each_hold_of_one_attempt_is_a_statement_of_its_own() -> None:
    deferred = decoded("send-deferred")
    night = msgspec.structs.replace(deferred, held=HoldReason.QUIET_HOURS)
    limit = msgspec.structs.replace(deferred, held=HoldReason.DAILY_LIMIT)
    later = msgspec.structs.replace(night, until=night.until + timedelta(days=1))

    ids = {PROVIDER_EVENTS.event_id(one) for one in (deferred, night, limit, later)}

    assert len(ids) == 4
    assert PROVIDER_EVENTS.event_id(msgspec.structs.replace(night, at=AT)) in ids


def test_metadata_travels_as_cloud_events_in_binary_mode() -> None:
    record = STATUS_CHANGES.record(decoded("status-changed"), source="status_projector", at=AT)

    assert record.headers == (
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{MESSAGE}:3".encode()),
        ("ce_type", b"sendtrail.status.changed.v1"),
        ("ce_source", b"status_projector"),
        ("ce_time", b"2026-03-02T09:30:01+00:00"),
        ("content-type", b"application/json"),
        ("traceparent", traceparent(MESSAGE, f"{MESSAGE}:3").encode()),
    )
    assert header(record.headers, "absent") is None
    assert header((("broken", b"\xff"),), "broken") == "�"


def test_all_records_of_a_message_share_a_trace_and_each_is_a_span_of_its_own() -> None:
    topics = {name: CONTRACTS[name].entry.topic for name in ("send-requested", "status-changed")}

    request, change = (
        header(topic.record(decoded(name), source="tests", at=AT).headers, "traceparent")
        for name, topic in topics.items()
    )

    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", request or "")
    assert (request or "").split("-")[1] == (change or "").split("-")[1]
    assert (request or "").split("-")[2] != (change or "").split("-")[2]


def test_a_callback_without_our_id_is_keyed_by_the_providers() -> None:
    fact = PROVIDER_EVENTS.decode(example("status-reported", messageId=...))

    record = PROVIDER_EVENTS.record(fact, source="ingest_webhook", at=AT)

    assert isinstance(fact, StatusReported)
    assert record.key == WAMID.encode()


@pytest.mark.parametrize(
    ("name", "field", "wrong"),
    [
        ("send-requested", "messageId", "two words"),
        ("send-requested", "messageId", "msg_1\n"),
        ("send-requested", "messageId", "x" * 65),
        ("send-requested", "messageId", ...),
        ("send-requested", "channel", "Tele graph"),
        ("send-requested", "senderId", ""),
        ("send-requested", "recipient", "+" + "1" * 128),
        ("send-requested", "content.body", {"type": "text", "body": ""}),
        ("send-requested", "content.body", {"type": "text", "body": "x" * 4_097}),
        ("send-requested", "content", {"type": "dance", "body": "x"}),
        ("send-requested", "content.colour", {"type": "text", "body": "x", "colour": "red"}),
        ("send-requested", "requestedAt", "yesterday"),
        ("send-requested", "requestedAt", "2026-03-02T09:30:00"),
        ("send-requested", "requestedAt", "0001-01-01T00:00:00+14:00"),
        ("send-requested", "requestedAt", "9999-12-31T23:59:59-14:00"),
        ("send-requested", "tenantId", "x" * 101),
        ("send-started", "attempt", 0),
        ("send-rejected", "failure.code", {"code": "BAD_LUCK", "origin": "local"}),
        ("status-reported", "status", "enjoyed"),
        ("message-received", "content", "a text"),
        ("status-changed", "sequence", 0),
        ("job-changed", "total", -1),
        ("task-changed", "toStatus", "asleep"),
        ("push-changed", "sequence", 0),
        ("group-send-changed", "groupSendId", 0),
    ],
)
def test_what_is_wrong_with_a_record_names_the_field(name: str, field: str, wrong: object) -> None:
    topic, top = CONTRACTS[name].entry.topic, field.partition(".")[0]

    with pytest.raises(MalformedRecord) as caught:
        topic.decode(example(name, **{top: wrong}))

    assert field.rpartition(".")[2] in f"{caught.value}"


def test_a_command_with_a_field_we_do_not_know_is_refused() -> None:
    with pytest.raises(MalformedRecord) as caught:
        SEND_REQUESTS.decode(example("send-requested", urgent=True))

    assert "urgent" in caught.value.problem


@pytest.mark.parametrize("name", ["send-accepted", "status-reported", "message-received"])
def test_a_fact_with_a_field_we_do_not_know_is_understood_without_it(name: str) -> None:
    assert PROVIDER_EVENTS.decode(example(name, colour="red")) == decoded(name)


def test_changes_may_carry_fields_that_a_reader_does_not_know_yet() -> None:
    change = STATUS_CHANGES.decode(example("status-changed", colour="red"))
    job = TASK_CHANGES.decode(example("job-changed", colour="red"))

    assert change == decoded("status-changed")
    assert job == decoded("job-changed")


@pytest.mark.parametrize(
    "body", ["\\u0000", "x\\u0000y", "\\\\\\u0000", "\\n\\u0000", "a\\\\\\\\\\u0000"]
)
def test_a_text_with_a_nul_is_refused_since_the_database_could_not_keep_it(body: str) -> None:
    value = example("send-requested").replace(b"Hi Ada", body.encode())

    with pytest.raises(MalformedRecord, match="NUL"):
        SEND_REQUESTS.decode(value)


@pytest.mark.parametrize("body", ["\\\\u0000", "u0000", "\\\\\\\\u0000"])
def test_a_text_that_only_writes_of_a_nul_is_taken_as_it_is(body: str) -> None:
    value = example("send-requested").replace(b"Hi Ada", body.encode())

    request = SEND_REQUESTS.decode(value)

    assert "u0000" in words_of(request.content)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'"\\ud800"',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"type":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b"9" * 100_000,
        b"-1e999999",
        b'{"attempt": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda value: repr(value)[:12],
)
def test_what_is_no_record_is_malformed_and_nothing_worse(
    topic: Topic[Any], value: bytes | None
) -> None:
    with pytest.raises(MalformedRecord):
        topic.decode(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=6), part, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(TOPICS), st.binary(max_size=60) | json_values.map(msgspec.json.encode))
def test_arbitrary_bytes_never_raise_anything_but_malformed(
    topic: Topic[Any], value: bytes
) -> None:
    with pytest.raises(MalformedRecord):
        topic.decode(value)


@given(
    st.sampled_from(["send-requested", "status-reported", "message-received", "status-changed"]),
    st.data(),
)
def test_a_record_with_any_one_field_replaced_is_understood_or_malformed(
    name: str, data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(sorted(msgspec.json.decode(example(name)))))
    value = example(name, **{field: data.draw(json_values)})

    for topic in TOPICS:
        try:
            record = topic.decode(value)
        except MalformedRecord:
            continue
        assert topic.decode(topic.record(record, source="tests", at=AT).value) == record


def test_every_topic_has_a_place_of_its_own_and_content_is_not_kept_long() -> None:
    names = [entry.topic.name for entry in REGISTRY]

    assert names == [
        "send-requests",
        "provider-events",
        "status-changes",
        "task-changes",
        "tracking-events",
    ]
    assert [dead_letter_topic(name) for name in names] == [f"{name}.dlq" for name in names]
    assert PARTITIONS == 12
    week = timedelta(days=7)
    assert all(entry.topic.retention <= week for entry in REGISTRY[:2])
    # What is rejected is kept byte for byte, whatever its topic is.
    assert week >= DEAD_LETTER_RETENTION
    assert REGISTRY[2].rejected_by == ("scheduler", "statistics")


def test_what_is_wrong_is_said_without_the_words_that_are() -> None:
    words = "Peregrine\n - at `$.body`"

    with pytest.raises(MalformedRecord) as of_type:
        PROVIDER_EVENTS.decode(example("status-reported", type=words))
    with pytest.raises(MalformedRecord) as of_value:
        SEND_REQUESTS.decode(example("send-requested", priority=words))

    assert str(of_type.value) == "$.type: Invalid value"
    assert str(of_value.value) == "$.priority: Invalid enum value"
