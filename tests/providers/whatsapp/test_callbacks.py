"""What each status and message of a callback becomes (PC-06, PC-07, IN-01)."""

from datetime import UTC, datetime

import pytest

from domain.failures import ErrorCode, Origin
from providers.callbacks import Reason
from providers.whatsapp.callback_parts import LARGEST_CONTENT
from schemas.topics.provider_events import FailureReason, StatusReported
from tests.providers.whatsapp.bodies import (
    PHONE_NUMBER_ID,
    a_change,
    a_flat_status,
    a_message,
    a_status,
    an_envelope,
)
from tests.providers.whatsapp.reading import (
    ids_of,
    of_messages,
    of_statuses,
    parsed,
    reasons_of,
    the_message,
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

    @pytest.mark.parametrize("word", ["played", "deleted", "warning", "", "Delivered"])
    def test_every_other_status_is_ignored_and_told(self, word: str) -> None:
        in_graph = parsed(of_statuses(a_status(status=word)))
        flat = parsed(a_flat_status(status=word))

        assert in_graph.events == flat.events == ()
        assert reasons_of(in_graph) == [
            (Reason.UNKNOWN_STATUS, "entry[0].changes[0].value.statuses[0].status")
        ]
        assert reasons_of(flat) == [(Reason.UNKNOWN_STATUS, "status")]
        assert flat.ignored[0].what == word

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

    def test_a_status_without_metadata_still_counts(self) -> None:
        change = a_change(statuses=[a_status()], metadata=None)

        event = the_status(an_envelope(change))

        assert event.sender_id is None


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

    @pytest.mark.parametrize("errors", [None, [], "broken", {"code": 100}])
    def test_a_failure_without_a_list_of_errors_is_still_a_failure(self, errors: object) -> None:
        event = the_status(of_statuses(a_status(status="failed", errors=errors)))

        assert event.status == "failed"
        assert event.failure is not None

    def test_only_a_failed_status_has_a_failure(self) -> None:
        body = of_statuses(a_status(status="read", errors=[{"code": 131026}]))

        assert the_status(body).failure is None


class TestMessages:
    @pytest.mark.parametrize(
        ("kind", "typed"),
        [
            ("text", {"body": "Does it come in another color?"}),
            ("image", {"id": "1", "mime_type": "image/jpeg", "sha256": "S", "caption": "Taj"}),
            ("document", {"id": "2", "mime_type": "application/pdf", "filename": "order.pdf"}),
            ("audio", {"id": "3", "mime_type": "audio/ogg; codecs=opus", "voice": True}),
            ("video", {"id": "4", "mime_type": "video/mp4"}),
            ("location", {"latitude": 37.46, "longitude": -122.21}),
            ("button", {"payload": "Unsubscribe", "text": "Unsubscribe"}),
            ("of_the_future", {"anything": [1, {"deep": None}]}),
        ],
    )
    def test_the_typed_part_is_kept_as_received(self, kind: str, typed: object) -> None:
        body = of_messages(a_message(type=kind, **{kind: typed}))

        event = the_message(body)

        assert event.message_type == kind
        assert event.content == typed

    def test_a_message_names_its_author_and_our_number(self) -> None:
        event = the_message(of_messages(a_message(id="wamid.IN")))

        assert event.provider_message_id == "wamid.IN"
        assert event.author == "16505551234"
        assert event.sender_id == PHONE_NUMBER_ID
        assert event.occurred_at == datetime(2025, 6, 8, 20, 59, 43, tzinfo=UTC)

    def test_who_hides_the_number_is_known_by_the_user_id(self) -> None:
        hidden = a_message(from_user_id="US.13491208655302741918")
        del hidden["from"]

        event = the_message(of_messages(hidden))

        assert event.author == "US.13491208655302741918"

    def test_a_typed_part_that_is_a_list_is_kept_under_its_name(self) -> None:
        people = [{"name": {"formatted_name": "Barbara"}}]

        event = the_message(of_messages(a_message(type="contacts", contacts=people)))

        assert event.content == {"contacts": people}

    def test_an_unsupported_message_without_any_part_is_kept_empty(self) -> None:
        event = the_message(of_messages(a_message(type="unsupported")))

        assert event.content == {}

    def test_without_our_number_a_message_belongs_nowhere(self) -> None:
        change = a_change(messages=[a_message(), a_message()], metadata={})

        callback = parsed(an_envelope(change))

        assert callback.events == ()
        where = "entry[0].changes[0].value.metadata.phone_number_id"
        assert reasons_of(callback) == [(Reason.MALFORMED, where)] * 2

    def test_a_message_that_no_broker_would_take_is_left_out(self) -> None:
        largest = {"body": "x" * (LARGEST_CONTENT - len('{"body":""}'))}
        too_large = {"body": largest["body"] + "x"}
        body = of_messages(a_message(id="wamid.1", text=largest), a_message(text=too_large))

        callback = parsed(body)

        assert ids_of(callback.events) == ["wamid.1"]
        assert [part.reason for part in callback.ignored] == [Reason.MALFORMED]
