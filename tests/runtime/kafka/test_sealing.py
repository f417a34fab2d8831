"""What lies on the broker is sealed: it opens in its own place, and with its own key (CF-33)."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from runtime.kafka.sealing import TopicKeys, TopicKeySettings
from schemas.topics.dead_letters import Place, Reason, Why, dead_letter
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.registry import REGISTRY, SEALED_FOR
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.topic import SEALED, MalformedRecord, Outgoing, header
from tests.given import NOON, a_send_request, a_status_changed

OLD = "the old key of the topics and long enough"
NEW = "the new key of the topics and long enough"
CLEAR = SEND_REQUESTS.record(a_send_request(), source="/test", at=NOON)


def keys(*of: str, seals: bool = True) -> TopicKeys:
    key = SecretStr(",".join(of or (OLD,)))
    return TopicKeys(TopicKeySettings(topic_encryption_key=key, seal_topics=seals))


sealed_topics = st.sampled_from(sorted(SEALED_FOR))


@given(sealed_topics, st.binary(), st.binary(), st.binary(max_size=40))
def test_what_was_sealed_opens_as_it_was(
    topic: str, key: bytes, value: bytes, event_id: bytes
) -> None:
    record = Outgoing(topic, key, value, (("ce_id", event_id), ("content-type", b"text/plain")))

    sealed = keys().sealed(record)

    assert (sealed.topic, sealed.key, len(sealed.value)) == (topic, key, len(value) + 28)
    assert sealed.headers[:-1] == record.headers
    assert keys().clear(sealed) == (value, record.headers)


def test_nothing_of_the_value_shows_and_no_two_are_alike() -> None:
    first, second = keys().sealed(CLEAR), keys().sealed(CLEAR)

    assert b"content" not in first.value
    assert first.value != second.value


@pytest.mark.parametrize(
    "moved",
    [
        {"topic": PROVIDER_EVENTS.name},
        {"key": b"whatsapp:106540352242922:+16505550999"},
        {"headers": (("ce_id", b"another"),)},
        {"headers": ()},
    ],
)
def test_a_value_opens_in_no_other_place(moved: dict[str, object]) -> None:
    sealed = keys().sealed(CLEAR)
    name = sealed.headers[-1]
    if "headers" in moved:
        moved = {"headers": (*moved["headers"], name)}  # type: ignore[misc]

    with pytest.raises(MalformedRecord, match="sealed: not sealed for this topic, key and ce_id"):
        keys().clear(dataclasses.replace(sealed, **moved))


@given(st.data())
def test_a_value_that_was_changed_does_not_open(data: st.DataObject) -> None:
    sealed = keys().sealed(CLEAR)
    place = data.draw(st.integers(0, len(sealed.value) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    forged = bytearray(sealed.value)
    forged[place] ^= bit

    with pytest.raises(MalformedRecord):
        keys().clear(dataclasses.replace(sealed, value=bytes(forged)))


@given(st.binary(max_size=60))
def test_garbage_that_says_it_is_sealed_does_not_open(value: bytes) -> None:
    garbage = dataclasses.replace(keys().sealed(CLEAR), value=value)

    with pytest.raises(MalformedRecord):
        keys().clear(garbage)


def test_the_first_key_seals_and_all_of_them_open() -> None:
    before, after = keys(OLD).sealed(CLEAR), keys(NEW, OLD).sealed(CLEAR)

    assert keys(NEW, OLD).clear(before) == (CLEAR.value, CLEAR.headers)
    assert keys(NEW).clear(after) == (CLEAR.value, CLEAR.headers)
    name = header(before.headers, SEALED)
    with pytest.raises(MalformedRecord, match=f"TOPIC_ENCRYPTION_KEY lacks the key {name}"):
        keys(NEW).clear(before)


def test_a_made_up_name_of_a_key_is_not_repeated() -> None:
    forged = dataclasses.replace(CLEAR, headers=((SEALED, b"Peregrine-7431"),))

    with pytest.raises(MalformedRecord) as refused:
        keys().clear(forged)

    assert "Peregrine" not in str(refused.value)


def test_what_was_never_sealed_is_read_as_it_is() -> None:
    assert keys().clear(CLEAR) == (CLEAR.value, CLEAR.headers)


def test_sealing_can_be_off_and_opening_cannot() -> None:
    off = keys(seals=False)

    assert off.sealed(CLEAR) == CLEAR
    assert off.clear(keys().sealed(CLEAR)) == (CLEAR.value, CLEAR.headers)


def test_topics_without_content_are_left_alone() -> None:
    change = STATUS_CHANGES.record(a_status_changed(), source="/test", at=NOON)

    assert keys().sealed(change) == change


def test_a_rejected_record_opens_where_it_lies_and_where_it_is_put_back() -> None:
    why = Why(Reason.MALFORMED, "$: not JSON", NOON, "dispatcher")
    letter = dead_letter(
        place=Place(SEND_REQUESTS.name, 3, 41),
        key=CLEAR.key,
        value=CLEAR.value,
        headers=CLEAR.headers,
        why=why,
    )

    lying = keys().sealed(letter)
    put_back = dataclasses.replace(lying, topic=SEND_REQUESTS.name)

    assert keys().clear(lying)[0] == CLEAR.value
    assert keys().clear(put_back)[0] == CLEAR.value


def test_what_is_sealed_is_not_sealed_again() -> None:
    foreign = keys(OLD).sealed(CLEAR)

    assert keys(NEW).sealed(foreign) == foreign


def test_what_carries_content_is_sealed() -> None:
    sealed = {entry.topic.name for entry in REGISTRY if entry.topic.is_sealed}

    assert sealed == {"send-requests", "provider-events"}


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least 32 characters"):
        keys("short")
