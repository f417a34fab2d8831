import pytest

from domain.failures import PROMPTS, ErrorCode, Failure, FailureClass, Origin

RETRY = "Message send failed. Click to retry."


@pytest.mark.parametrize(
    ("code", "prompt"),
    [
        ("NETWORK_ERROR", "Network connection failed. Click to retry."),
        (
            "WA_ACCOUNT_ABNORMAL",
            "WhatsApp online status is abnormal. Please refresh the page.",
        ),
        ("INVALID_RECIPIENT", "Recipient phone number is invalid."),
        ("DAILY_LIMIT_EXCEEDED", "Daily limit per case exceeded."),
        ("SEND_INTERVAL_LIMIT", "Send interval limit."),
        ("UNKNOWN_OUTCOME", RETRY),
        ("UNKNOWN_ERROR", RETRY),
    ],
)
def test_people_are_shown_the_exact_words_of_the_catalogue(code: str, prompt: str) -> None:
    failure = Failure(ErrorCode(code), Origin.LOCAL, detail="the provider's own words")

    assert failure.prompt == prompt


def test_every_code_has_its_words() -> None:
    assert set(PROMPTS) == set(ErrorCode)


def test_an_attempt_may_be_repeated_wait_for_room_or_a_repair_be_given_up_or_in_doubt() -> None:
    assert [*FailureClass] == [
        "retry",
        "sender_throttled",
        "recipient_throttled",
        "refused",
        "sender_broken",
        "in_doubt",
    ]
