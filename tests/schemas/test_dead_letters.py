import pytest

from schemas.topics.dead_letters import Place, Reason, Why, dead_letter
from tests.schemas.records import AT

WHY = Why(Reason.MALFORMED, "messageId: too long", AT, "dispatcher")


def test_a_rejected_record_keeps_its_key_bytes_and_headers_and_says_why() -> None:
    place = Place("send-requests", 7, 1_042)

    letter = dead_letter(
        place=place, key=b"k", value=b"{not json", headers=(("ce_id", b"1"),), why=WHY
    )

    assert (letter.topic, letter.key, letter.value) == ("send-requests.dlq", b"k", b"{not json")
    assert letter.headers == (
        ("ce_id", b"1"),
        ("dlq_reason", b"malformed"),
        ("dlq_detail", b"messageId: too long"),
        ("dlq_topic", b"send-requests"),
        ("dlq_partition", b"7"),
        ("dlq_offset", b"1042"),
        ("dlq_at", b"2026-03-02T09:30:01+00:00"),
        ("dlq_by", b"dispatcher"),
    )


@pytest.mark.parametrize(("key", "value"), [(None, None), (b"", b"")])
def test_a_record_without_key_or_value_has_its_letter_too(
    key: bytes | None, value: bytes | None
) -> None:
    letter = dead_letter(
        place=Place("provider-events", 0, 0), key=key, value=value, headers=(), why=WHY
    )

    assert (letter.key, letter.value) == (b"", b"")


def test_the_reasons_are_words_that_people_look_up() -> None:
    assert [*Reason] == ["malformed", "unknown_message", "not_applicable"]
