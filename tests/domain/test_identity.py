import re
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.identity import (
    JobId,
    MessageId,
    SenderId,
    callback_event_id,
    conversation,
    message_id_for_inbound,
    message_id_for_key,
    message_id_for_row,
    message_id_from,
    preview_answer_id,
    reply_event_id,
)

tenants = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
header_texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
"""An ``Idempotency-Key`` comes in an HTTP header: printable ASCII."""
sends = st.tuples(tenants, header_texts)
rows = st.tuples(st.uuids().map(str).map(JobId), st.integers(0, 10**7))
message_ids = st.from_regex(r"[A-Za-z0-9_.:-]{1,12}", fullmatch=True).map(MessageId)


@given(sends)
def test_a_repeated_key_is_the_same_message(send: tuple[str, str]) -> None:
    assert message_id_for_key(*send) == message_id_for_key(*send)


@given(sends, sends)
def test_another_tenant_or_key_is_another_message(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert (message_id_for_key(*one) == message_id_for_key(*other)) == (one == other)


@given(rows, rows)
def test_each_row_of_each_job_is_its_own_message(
    one: tuple[JobId, int], other: tuple[JobId, int]
) -> None:
    assert (message_id_for_row(*one) == message_id_for_row(*other)) == (one == other)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.integers(0))
def test_a_key_and_a_row_are_never_the_same_message(text: str, row: int) -> None:
    assert message_id_for_key(text, str(row)) != message_id_for_row(JobId(text), row)


def test_a_callback_that_comes_again_is_the_same_inbound_message_and_no_other() -> None:
    inbound = message_id_for_inbound("whatsapp", "wamid.1")

    assert message_id_for_inbound("whatsapp", "wamid.1") == inbound
    assert message_id_for_inbound("wecom", "wamid.1") != inbound
    assert message_id_for_inbound("whatsapp", "wamid.2") != inbound
    assert message_id_for_key("whatsapp", "wamid.1") != inbound


@given(st.uuids(), sends, rows)
def test_every_message_id_fits_where_ids_go(
    unique: UUID, send: tuple[str, str], row: tuple[JobId, int]
) -> None:
    ids = [message_id_from(unique), message_id_for_key(*send), message_id_for_row(*row)]

    assert all(re.fullmatch(r"msg_[0-9a-f]{32}", message_id) for message_id in ids)
    assert len(set(ids)) == 3


def test_derived_ids_never_change_between_versions() -> None:
    assert message_id_for_key("acme", "order-17") == "msg_bc5f0157be98559eab344033400e5b66"
    assert (
        message_id_for_row(JobId("0b7e1c52-6d0e-4a53-9a61-3f1c2f4a9d10"), 7)
        == "msg_3ec0d7820d9c52a9a045e4e11e35ecec"
    )


def test_a_conversation_is_one_recipient_of_one_sender_on_one_channel() -> None:
    key = conversation("whatsapp", SenderId("106540352242922"), "+16505551234")

    assert key == "whatsapp:106540352242922:+16505551234"


@given(message_ids, message_ids, st.integers(1, 9), st.integers(1, 9))
def test_each_attempt_of_each_message_speaks_with_its_own_id(
    one: MessageId, other: MessageId, first: int, second: int
) -> None:
    same = reply_event_id(one, "send.started", first) == reply_event_id(
        other, "send.started", second
    )

    assert same == ((one, first) == (other, second))
    assert reply_event_id(one, "send.started", first) != reply_event_id(one, "send.accepted", first)


@given(message_ids, st.sampled_from(["sent", "delivered", "read", "failed"]), st.integers(1, 9))
def test_a_callback_is_told_apart_from_every_reply_and_every_other_step(
    provider_id: str, status: str, attempt: int
) -> None:
    moment = "2026-03-02T09:30:02+00:00"

    callback = callback_event_id(provider_id, status, moment)

    assert callback == callback_event_id(provider_id, status, moment)
    assert callback != callback_event_id(provider_id, status, "2026-03-02T09:30:03+00:00")
    assert callback != callback_event_id(provider_id, status + "!", moment)
    assert callback != reply_event_id(MessageId(provider_id), "send.accepted", attempt)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
answers = st.tuples(
    texts, texts, st.sampled_from(["confirm", "modify"]), st.none() | texts.filter(bool)
)


@given(answers, answers)
def test_another_preview_person_decision_or_comment_is_another_answer(
    one: tuple[str, str, str, str | None], other: tuple[str, str, str, str | None]
) -> None:
    assert (preview_answer_id(*one) == preview_answer_id(*other)) == (one == other)
