from datetime import UTC, datetime

import pytest

from domain.failures import ErrorCode, Origin
from providers.whatsapp.callback_parts import LARGEST_CONTENT, Event
from providers.whatsapp.callbacks import Callback, MalformedCallback, Reason, parse
from schemas.topics.provider_events import FailureReason, MessageReceived, StatusReported
from tests.providers.whatsapp.bodies import (
    PHONE_NUMBER_ID,
    a_change,
    a_flat_status,
    a_message,
    a_status,
    an_envelope,
    encoded,
)


def parsed(body: object) -> Callback:
    return parse(encoded(body))


def the_status(body: object) -> StatusReported:
    (event,) = parsed(body).events
    assert isinstance(event, StatusReported)
    return event


def the_message(body: object) -> MessageReceived:
    (event,) = parsed(body).events
    assert isinstance(event, MessageReceived)
    return event


def of_statuses(*statuses: object) -> object:
    return an_envelope(a_change(statuses=list(statuses)))


def of_messages(*messages: object) -> object:
    return an_envelope(a_change(messages=list(messages)))


def ids_of(events: tuple[Event, ...]) -> list[str]:
    return [event.provider_message_id for event in events]


def reasons_of(callback: Callback) -> list[tuple[Reason, str]]:
    return [(part.reason, part.where) for part in callback.ignored]


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


class TestEnvelopes:
    def test_all_entries_changes_and_parts_are_read_in_their_order(self) -> None:
        body = an_envelope(
            a_change(statuses=[a_status(id="1"), a_status(id="2")], messages=[a_message(id="3")]),
            a_change(messages=[a_message(id="4")]),
        )
        body["entry"].append({"id": "other", "changes": [a_change(statuses=[a_status(id="5")])]})

        callback = parsed(body)

        assert ids_of(callback.events) == ["1", "2", "3", "4", "5"]
        assert callback.ignored == ()

    @pytest.mark.parametrize(
        ("body", "reason", "where"),
        [
            ({"object": "page", "entry": []}, Reason.UNKNOWN_OBJECT, "object"),
            ({"object": None}, Reason.UNKNOWN_OBJECT, "object"),
            (
                an_envelope({"field": "account_update", "value": {"event": "DISABLED_UPDATE"}}),
                Reason.UNKNOWN_FIELD,
                "entry[0].changes[0].field",
            ),
            (an_envelope({"value": {}}), Reason.UNKNOWN_FIELD, "entry[0].changes[0].field"),
            (
                an_envelope(a_change(errors=[{"code": 130429, "title": "Rate limit hit"}])),
                Reason.ACCOUNT_ERROR,
                "entry[0].changes[0].value.errors[0]",
            ),
        ],
    )
    def test_what_is_about_no_message_is_ignored_and_told(
        self, body: object, reason: Reason, where: str
    ) -> None:
        callback = parsed(body)

        assert callback.events == ()
        assert reasons_of(callback) == [(reason, where)]

    @pytest.mark.parametrize(
        "body",
        [
            {"object": "whatsapp_business_account"},
            {"object": "whatsapp_business_account", "entry": []},
            an_envelope(),
            an_envelope(a_change()),
            an_envelope(a_change(statuses=[], messages=[])),
        ],
    )
    def test_an_empty_envelope_says_nothing(self, body: object) -> None:
        assert parsed(body) == Callback(events=(), ignored=())

    @pytest.mark.parametrize(
        ("broken", "where"),
        [
            (None, ""),
            ("text", ""),
            ({}, ".id"),
            (a_status(id=None), ".id"),
            (a_status(id=""), ".id"),
            (a_status(id="x" * 256), ".id"),
            (a_status(id="wamid.\x00"), ".id"),
            (a_status(status=None), ".status"),
            (a_status(timestamp=None), ".timestamp"),
            (a_status(timestamp=True), ".timestamp"),
            (a_status(timestamp=[]), ".timestamp"),
            (a_status(timestamp="yesterday"), ".timestamp"),
            (a_status(timestamp="2025-01-20T10:30:30"), ".timestamp"),
            (a_status(timestamp=1e300), ".timestamp"),
            (a_status(timestamp="9" * 30), ".timestamp"),
            (a_status(timestamp=1750030073000), ".timestamp"),
            (a_status(timestamp="0001-01-01T00:00:00+14:00"), ".timestamp"),
        ],
    )
    def test_a_broken_status_is_named_and_its_neighbours_live(
        self, broken: object, where: str
    ) -> None:
        body = of_statuses(a_status(id="before"), broken, a_status(id="after"))

        callback = parsed(body)

        assert ids_of(callback.events) == ["before", "after"]
        place = f"entry[0].changes[0].value.statuses[1]{where}"
        assert reasons_of(callback) == [(Reason.MALFORMED, place)]

    @pytest.mark.parametrize(
        ("broken", "where"),
        [
            (17, ""),
            (a_message(id=17), ".id"),
            (a_message(type=None), ".type"),
            (a_message(type="x" * 51), ".type"),
            (a_message(timestamp=""), ".timestamp"),
            (a_message(**{"from": None}), ".from"),
            (a_message(**{"from": 16505551234}), ".from"),
            (a_message(text=None), ".text"),
            (a_message(text="Hello"), ".text"),
            (a_message(type="image"), ".image"),
        ],
    )
    def test_a_broken_message_is_named_and_its_neighbours_live(
        self, broken: object, where: str
    ) -> None:
        body = of_messages(a_message(id="before"), broken, a_message(id="after"))

        callback = parsed(body)

        assert ids_of(callback.events) == ["before", "after"]
        place = f"entry[0].changes[0].value.messages[1]{where}"
        assert reasons_of(callback) == [(Reason.MALFORMED, place)]

    @pytest.mark.parametrize(
        ("change", "where"),
        [
            (None, ""),
            ([], ""),
            ({"field": "messages"}, ".value"),
            ({"field": "messages", "value": []}, ".value"),
            (a_change(statuses={}), ".value.statuses"),
            (a_change(messages="none"), ".value.messages"),
        ],
    )
    def test_a_broken_change_is_named_and_its_neighbours_live(
        self, change: object, where: str
    ) -> None:
        body = an_envelope(a_change(statuses=[a_status()]), change, a_change(statuses=[a_status()]))

        callback = parsed(body)

        assert len(callback.events) == 2
        assert reasons_of(callback) == [(Reason.MALFORMED, f"entry[0].changes[1]{where}")]

    @pytest.mark.parametrize(
        ("spoilt", "repaired"),
        [(rb'"\ud83d"', "?"), (b'"\xff"', "\N{REPLACEMENT CHARACTER}"), (b"1e400", float("inf"))],
    )
    def test_text_or_numbers_that_json_cannot_mean_do_not_spoil_the_body(
        self, spoilt: bytes, repaired: object
    ) -> None:
        body = encoded(of_messages(a_message(text={"body": "SPOILT"}), a_message(id="after")))

        callback = parse(body.replace(b'"SPOILT"', spoilt))

        broken, neighbour = callback.events
        assert isinstance(broken, MessageReceived)
        assert broken.content == {"body": repaired}
        assert neighbour.provider_message_id == "after"


class TestWhatIsNoCallback:
    @pytest.mark.parametrize(
        "body",
        [b"", b"nonsense", b"{", b"[]", b'"text"', b"17", b"null", b'{"object":NaN}', b"\x00\xff"],
    )
    def test_a_body_that_is_no_json_object_is_refused(self, body: bytes) -> None:
        with pytest.raises(MalformedCallback) as refused:
            parse(body)

        assert refused.value.field == "body"

    @pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
    def test_a_body_nested_without_end_is_refused(self, bracket: bytes) -> None:
        with pytest.raises(MalformedCallback):
            parse(bracket * 200_000)

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "messageId"),
            ({"entry": []}, "messageId"),
            (a_flat_status(messageId=17), "messageId"),
            (a_flat_status(status=None), "status"),
            (a_flat_status(timestamp="yesterday"), "timestamp"),
            ({"messageId": "wamid.A", "status": "read"}, "timestamp"),
        ],
    )
    def test_a_flat_status_with_a_wrong_field_is_refused_by_its_name(
        self, body: object, field: str
    ) -> None:
        with pytest.raises(MalformedCallback) as refused:
            parsed(body)

        assert refused.value.field == field
