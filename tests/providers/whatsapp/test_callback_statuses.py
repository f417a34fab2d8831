"""How the members of a status are read, also where they are not as documented (PC-01, PC-07)."""

from datetime import UTC, datetime

import pytest

from domain.failures import ErrorCode, Origin
from providers.whatsapp.callback_parts import MOST_ERRORS
from providers.whatsapp.failures import LONGEST_DETAIL
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    Conversation,
    FailureReason,
    Pricing,
    ProviderError,
    StatusReported,
)
from tests.providers.whatsapp.bodies import (
    ACCOUNT_ID,
    PHONE_NUMBER_ID,
    a_change,
    a_flat_status,
    a_status,
    an_envelope,
    enveloped,
)
from tests.providers.whatsapp.reading import (
    of_statuses,
    parsed,
    the_notice,
    the_status,
)


class TestStatuses:
    def test_a_graph_status_becomes_an_event(self) -> None:
        body = of_statuses(a_status(id="wamid.A", biz_opaque_callback_data="msg_1"))

        callback = parsed(body)

        assert callback.ignored == ()
        assert callback.events == (
            StatusReported(
                channel="whatsapp",
                provider_message_id="wamid.A",
                message_id="msg_1",
                status="delivered",
                occurred_at=datetime(2025, 6, 15, 23, 27, 53, tzinfo=UTC),
                sender_id=PHONE_NUMBER_ID,
                account_id=ACCOUNT_ID,
                pricing=Pricing(model="PMP", category="marketing", billable=True),
            ),
        )

    def test_a_flat_status_becomes_the_same_kind_of_event(self) -> None:
        callback = parsed(a_flat_status())

        assert callback.ignored == ()
        assert callback.events == (
            StatusReported(
                channel="whatsapp",
                provider_message_id="wamid.xyz123",
                status="delivered",
                occurred_at=datetime(2025, 1, 20, 10, 30, 30, tzinfo=UTC),
            ),
        )

    @pytest.mark.parametrize("word", ["sent", "delivered", "read", "failed"])
    def test_the_four_statuses_are_known_in_both_shapes(self, word: str) -> None:
        assert the_status(of_statuses(a_status(status=word))).status == word
        assert the_status(a_flat_status(status=word)).status == word

    @pytest.mark.parametrize("word", ["played", "Delivered", "x" * 93])
    def test_every_other_status_is_a_notice_in_both_shapes(self, word: str) -> None:
        in_graph = the_notice(of_statuses(a_status(id="wamid.A", status=word)))
        flat = the_notice(a_flat_status(messageId="wamid.A", status=word))

        assert (in_graph.kind, in_graph.about) == (f"status.{word}", "wamid.A")
        assert (flat.kind, flat.about) == (f"status.{word}", "wamid.A")
        assert flat.content == a_flat_status(messageId="wamid.A", status=word)
        assert flat.occurred_at == datetime(2025, 1, 20, 10, 30, 30, tzinfo=UTC)

    def test_a_status_of_the_future_may_lack_what_ours_have(self) -> None:
        event = the_notice(of_statuses({"status": "teleported", "timestamp": "soon"}))

        assert (event.kind, event.about, event.occurred_at) == ("status.teleported", None, None)

    @pytest.mark.parametrize(
        "timestamp",
        [
            "1737369030",
            1737369030,
            1737369030.0,
            "2025-01-20T10:30:30Z",
            "2025-01-20T10:30:30.000+00:00",
            "2025-01-20T18:30:30+08:00",
        ],
    )
    def test_a_time_may_be_unix_seconds_or_iso_8601(self, timestamp: object) -> None:
        moment = datetime(2025, 1, 20, 10, 30, 30, tzinfo=UTC)

        assert the_status(of_statuses(a_status(timestamp=timestamp))).occurred_at == moment
        assert the_status(a_flat_status(timestamp=timestamp)).occurred_at == moment

    @pytest.mark.parametrize(
        "opaque", [None, "", "order 17", "a" * 65, 17, {"id": "msg_1"}, "msg\x00"]
    )
    def test_opaque_data_that_cannot_be_an_id_of_ours_is_not_taken_for_one(
        self, opaque: object
    ) -> None:
        event = the_status(of_statuses(a_status(biz_opaque_callback_data=opaque)))

        assert event.message_id is None

    @pytest.mark.parametrize("metadata", [None, "", {}, {"phone_number_id": "a b"}])
    def test_a_status_without_our_number_still_counts(self, metadata: object) -> None:
        change = a_change(statuses=[a_status()], metadata=metadata)

        event = the_status(an_envelope(change))

        assert event.sender_id is None

    @pytest.mark.parametrize("account", [None, "", "x" * 65, 17, []])
    def test_a_status_without_its_account_still_counts(self, account: object) -> None:
        entry = {"id": account, "changes": [a_change(statuses=[a_status()])]}

        assert the_status(enveloped(entry)).account_id is None

    @pytest.mark.parametrize(
        ("told", "read"),
        [
            (None, None),
            ("free", None),
            ([], None),
            ({}, None),
            ({"billable": "yes", "pricing_model": 17}, None),
            ({"category": "x" * 101, "type": "regular"}, Pricing(kind="regular")),
            ({"billable": False}, Pricing(billable=False)),
        ],
    )
    def test_a_price_is_read_as_far_as_it_makes_sense(
        self, told: object, read: Pricing | None
    ) -> None:
        assert the_status(of_statuses(a_status(pricing=told))).pricing == read

    @pytest.mark.parametrize(
        ("told", "read"),
        [
            (None, None),
            ([], None),
            ({"origin": {"type": "service"}}, None),
            ({"id": ""}, None),
            (
                {"id": "7270", "origin": "service", "expiration_timestamp": "soon"},
                Conversation(id="7270"),
            ),
        ],
    )
    def test_a_conversation_is_read_as_far_as_it_makes_sense(
        self, told: object, read: Conversation | None
    ) -> None:
        assert the_status(of_statuses(a_status(conversation=told))).conversation == read

    @pytest.mark.parametrize("who", [None, "", "x" * 256, 17, {}])
    def test_a_member_of_a_group_may_be_unknown(self, who: object) -> None:
        part = a_status(recipient_type="group", recipient_participant_id=who)

        assert the_status(of_statuses(part)).participant is None

    def test_each_member_of_a_group_has_steps_of_its_own(self) -> None:
        of_group = {"id": "wamid.A", "recipient_type": "group"}
        steps = [a_status(**of_group, recipient_participant_id=who) for who in ("1", "2", "1")]

        events = parsed(of_statuses(*steps)).events

        first, second, again = (PROVIDER_EVENTS.event_id(event) for event in events)
        assert first == again != second


class TestFailures:
    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (
                {"code": 131026, "title": "Undeliverable", "error_data": {"details": "No user"}},
                (ErrorCode.INVALID_RECIPIENT, "131026", "No user"),
            ),
            (
                {"code": "131026", "title": "Undeliverable"},
                (ErrorCode.INVALID_RECIPIENT, "131026", "Undeliverable"),
            ),
            (
                {"code": 131031, "message": "Account locked", "error_data": "Locked for policy"},
                (ErrorCode.WA_ACCOUNT_ABNORMAL, "131031", "Locked for policy"),
            ),
            ({"code": 130429}, (ErrorCode.NETWORK_ERROR, "130429", None)),
            ("Phone is off", (ErrorCode.UNKNOWN_ERROR, None, "Phone is off")),
            (None, (ErrorCode.UNKNOWN_ERROR, None, None)),
            (17, (ErrorCode.UNKNOWN_ERROR, None, None)),
            ({"code": [], "title": {}}, (ErrorCode.UNKNOWN_ERROR, None, None)),
            ({"code": True, "title": ""}, (ErrorCode.UNKNOWN_ERROR, None, None)),
        ],
    )
    def test_an_error_may_be_words_or_an_object(
        self, error: object, expected: tuple[ErrorCode, str | None, str | None]
    ) -> None:
        code, provider_code, detail = expected
        failure = FailureReason(
            code=code, origin=Origin.PROVIDER, provider_code=provider_code, detail=detail
        )

        in_graph = the_status(of_statuses(a_status(status="failed", errors=[error])))
        flat = the_status(a_flat_status(status="failed", error=error))

        assert in_graph.failure == flat.failure == failure

    @pytest.mark.parametrize("errors", [None, [], [{}], "broken", {"code": 100}])
    def test_a_failure_without_a_list_of_errors_is_still_a_failure(self, errors: object) -> None:
        event = the_status(of_statuses(a_status(status="failed", errors=errors)))

        assert event.status == "failed"
        assert event.failure is not None

    def test_only_a_failed_status_has_a_failure(self) -> None:
        event = the_status(of_statuses(a_status(status="read", errors=[{"code": 131026}])))

        assert event.failure is None
        assert event.errors == (ProviderError(code="131026"),)

    def test_an_unreadable_error_does_not_hide_the_next(self) -> None:
        errors = [None, 17, {}, "Phone is off", {"code": 131026}]

        event = the_status(of_statuses(a_status(status="failed", errors=errors)))

        assert event.errors == (ProviderError(title="Phone is off"), ProviderError(code="131026"))
        assert event.failure is not None
        assert event.failure.detail == "Phone is off"

    def test_errors_without_end_still_fit_into_a_record(self) -> None:
        endless = {"code": "9" * 101, "title": "确" * 1_000, "error_data": {"details": "x" * 1_000}}

        event = the_status(of_statuses(a_status(status="failed", errors=[endless] * 1_000)))

        assert event.errors == (
            (ProviderError(title="确" * LONGEST_DETAIL, detail="x" * LONGEST_DETAIL),) * MOST_ERRORS
        )
