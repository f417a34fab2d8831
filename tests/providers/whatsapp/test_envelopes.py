"""How bodies are taken apart, and which are no callbacks (PC-05, CF-09)."""

import pytest

from providers.callbacks import Callback, MalformedCallback, Reason
from providers.whatsapp.callbacks import parse
from schemas.topics.provider_events import MessageReceived
from tests.providers.whatsapp.bodies import (
    a_change,
    a_flat_status,
    a_message,
    a_status,
    an_envelope,
    encoded,
)
from tests.providers.whatsapp.reading import (
    ids_of,
    of_messages,
    of_statuses,
    parsed,
    reasons_of,
)


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
        [(rb'"\ud83d"', "?"), (b'"\xff"', "\N{REPLACEMENT CHARACTER}"), (b"1e400", "1e400")],
    )
    def test_text_or_numbers_that_json_cannot_mean_do_not_spoil_the_body(
        self, spoilt: bytes, repaired: object
    ) -> None:
        body = encoded(of_messages(a_message(text={"body": "SPOILT"}), a_message(id="after")))

        callback = parse(body.replace(b'"SPOILT"', spoilt))

        broken, neighbour = callback.events
        assert isinstance(broken, MessageReceived)
        assert broken.content == {"body": repaired}
        assert ids_of((neighbour,)) == ["after"]


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
