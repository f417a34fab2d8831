import pytest

from domain.failures import ErrorCode, FailureClass, Origin
from providers.whatsapp.failures import LONGEST_DETAIL, class_of, failure_of


@pytest.mark.parametrize("code", [131021, 131026, 131030, "131026"])
def test_what_is_wrong_with_the_recipient_is_called_so(code: int | str) -> None:
    assert failure_of(code, None, None).code is ErrorCode.INVALID_RECIPIENT


BROKEN = [
    *(0, 3, 10, 33, 190, 200, 299, 368, 2500),
    *(131005, 131031, 131037, 131042, 131045, 131048, 131064),
    *(133000, 133005, 133006, 133007, 133008, 133009, 133010, 133015, 133016, 134011),
]
"""The number cannot send at all until somebody mends it (fact sheet, 3)."""

RESTRICTED = [130497, 131063]
"""It may not send this one: to that country, or marketing at all."""


@pytest.mark.parametrize("code", BROKEN + RESTRICTED)
def test_what_is_wrong_with_our_account_is_called_so(code: int) -> None:
    assert failure_of(code, None, None).code is ErrorCode.WA_ACCOUNT_ABNORMAL


@pytest.mark.parametrize("code", BROKEN)
@pytest.mark.parametrize("http_status", [200, 400, 401, 429, 500])
def test_a_sender_that_cannot_send_is_not_the_messages_fault(code: int, http_status: int) -> None:
    assert class_of(code, http_status) is FailureClass.SENDER_BROKEN
    assert class_of(str(code), http_status) is FailureClass.SENDER_BROKEN


@pytest.mark.parametrize("code", [*RESTRICTED, 131026, 131047, 131049, 131050, 132001, 132015])
def test_what_concerns_one_message_does_not_stop_its_sender(code: int) -> None:
    assert class_of(code, 400) is FailureClass.REFUSED


@pytest.mark.parametrize("code", [4, 80007, 130429, 131056])
def test_a_throttle_shows_as_a_network_error(code: int) -> None:
    assert failure_of(code, None, None).code is ErrorCode.NETWORK_ERROR


@pytest.mark.parametrize("code", [None, "", "E_SOMETHING", -1, 999_999_999, 131047])
def test_every_other_code_is_kept_and_called_unknown(code: int | str | None) -> None:
    failure = failure_of(code, "Title", None)

    assert failure.code is ErrorCode.UNKNOWN_ERROR
    assert failure.origin is Origin.PROVIDER
    assert failure.provider_code == (None if code is None else str(code))
    assert failure.detail == "Title"


def test_the_details_say_more_than_the_title() -> None:
    failure = failure_of(100, "Invalid parameter", "Parameter to is too long")

    assert failure.detail == "Parameter to is too long"


def test_a_detail_is_cut_and_holds_no_nul() -> None:
    failure = failure_of(100, None, "a\x00b" * LONGEST_DETAIL)

    assert failure.detail is not None
    assert failure.detail.startswith("abab")
    assert len(failure.detail) == LONGEST_DETAIL


@pytest.mark.parametrize("code", [1, 2, 131000, 131016, 133004, 135000])
@pytest.mark.parametrize("http_status", [400, 429, 500])
def test_a_passing_failure_is_retried_whatever_its_http_status(code: int, http_status: int) -> None:
    assert class_of(code, http_status) is FailureClass.RETRY


@pytest.mark.parametrize("code", [4, 80007, 130429, 131057])
@pytest.mark.parametrize("http_status", [400, 429, 500])
def test_a_sender_without_room_waits_whatever_the_http_status(code: int, http_status: int) -> None:
    assert class_of(code, http_status) is FailureClass.SENDER_THROTTLED


def test_too_much_to_one_recipient_lets_only_that_recipient_wait() -> None:
    assert class_of(131056, 400) is FailureClass.RECIPIENT_THROTTLED


@pytest.mark.parametrize("code", [100, 131009, 131026, 131049, 131053, 132001, 132016, 137000])
@pytest.mark.parametrize("http_status", [400, 429, 500])
def test_a_lasting_failure_is_refused_whatever_its_http_status(code: int, http_status: int) -> None:
    assert class_of(code, http_status) is FailureClass.REFUSED


@pytest.mark.parametrize("code", [None, "proxy", 999_999_999])
def test_the_http_status_decides_only_where_the_code_says_nothing(code: int | str | None) -> None:
    assert class_of(code, 400) is FailureClass.REFUSED
    assert class_of(code, 404) is FailureClass.REFUSED
    assert class_of(code, 429) is FailureClass.SENDER_THROTTLED
    assert class_of(code, 500) is FailureClass.RETRY
    assert class_of(code, 502) is FailureClass.RETRY
