"""How bodies are taken apart, and which are no callbacks (PC-05, CF-09)."""

import sys

import pytest

from providers.callbacks import Callback, MalformedCallback, Reason
from providers.whatsapp.callback_parts import LARGEST_CONTENT
from providers.whatsapp.callbacks import parse
from schemas.topics.provider_events import PROVIDER_EVENTS, MessageReceived, NoticeReceived
from tests.given import NOON
from tests.providers.whatsapp.bodies import (
    Part,
    a_change,
    a_flat_status,
    a_message,
    a_status,
    a_value,
    an_echo,
    an_envelope,
    encoded,
    enveloped,
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
        ("body", "where"),
        [
            ({"object": "page", "entry": []}, "object"),
            ({"object": None}, "object"),
            (
                {"entry": [{"id": "1", "changes": [a_change(statuses=[a_status()])]}]},
                "entry[0].changes[0].object",
            ),
            (
                {"entry": [{"object": "page", "changes": [a_change(messages=[a_message()])]}]},
                "entry[0].changes[0].object",
            ),
        ],
    )
    def test_what_is_about_another_product_is_ignored_and_told(
        self, body: object, where: str
    ) -> None:
        callback = parsed(body)

        assert callback.events == ()
        assert reasons_of(callback) == [(Reason.UNKNOWN_OBJECT, where)]

    @pytest.mark.parametrize(
        "body",
        [
            {"object": "whatsapp_business_account"},
            {"object": "whatsapp_business_account", "entry": []},
            {"entry": []},
            {"object": "whatsapp_business_account", "entry": [{}, {"id": "1", "time": 17}]},
            an_envelope(),
            an_envelope(a_change()),
            an_envelope(a_change(statuses=[], messages=[])),
            an_envelope(a_change(statuses=[], contacts=[{"wa_id": "1"}])),
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
            (a_status(status=17), ".status"),
            (a_status(status=["sent"]), ".status"),
            (a_status(status=""), ".status"),
            (a_status(status="x" * 94), ".status"),
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
            (a_change(messages="none", metadata=None), ".value.messages"),
            (a_change(errors=17), ".value.errors"),
            (a_change(errors=["full"]), ".value.errors[0]"),
        ],
    )
    def test_a_broken_change_is_named_and_its_neighbours_live(
        self, change: object, where: str
    ) -> None:
        body = an_envelope(a_change(statuses=[a_status()]), change, a_change(statuses=[a_status()]))

        callback = parsed(body)

        assert len(callback.events) == 2
        assert reasons_of(callback) == [(Reason.MALFORMED, f"entry[0].changes[1]{where}")]

    def test_a_broken_entry_is_named_and_its_neighbours_live(self) -> None:
        good: Part = {"id": "1", "changes": [a_change(statuses=[a_status()])]}
        broken: Part = {"id": "1", "changes": {}}

        callback = parsed(enveloped(good, None, broken, good))

        assert len(callback.events) == 2
        assert reasons_of(callback) == [
            (Reason.MALFORMED, "entry[1]"),
            (Reason.MALFORMED, "entry[2].changes"),
        ]

    def test_a_thousand_updates_of_several_accounts_and_numbers_are_kept_apart(self) -> None:
        entries: list[Part] = []
        for account in range(5):
            changes = [
                a_change(
                    statuses=[a_status(id=f"s{n}") for n in range(50)],
                    messages=[a_message(id=f"m{n}") for n in range(50)],
                    metadata={"phone_number_id": f"number-{account}-{number}"},
                )
                for number in range(2)
            ]
            entries.append({"id": f"account-{account}", "changes": changes})

        callback = parsed(enveloped(*entries))

        assert len(callback.events) == 1_000
        assert callback.ignored == ()
        told = {
            (event.account_id, event.sender_id)
            for event in callback.events
            if not isinstance(event, NoticeReceived)
        }
        assert told == {
            (f"account-{account}", f"number-{account}-{number}")
            for account in range(5)
            for number in range(2)
        }


class TestSpoiltTexts:
    @pytest.mark.parametrize(
        ("spoilt", "repaired"),
        [
            (rb'"\ud83d"', "?"),
            (b'"\xff"', "\N{REPLACEMENT CHARACTER}"),
            (rb'"a\u0000\u0000b"', "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"),
            (rb'"\\\u0000"', "\\\N{REPLACEMENT CHARACTER}"),
            (rb'"\\u0000"', r"\u0000"),
            (b'"a\x00b"', "a\N{REPLACEMENT CHARACTER}b"),
            (b'"a\nb"', "a\nb"),
            (rb'"\u0000\ud83d"', "\N{REPLACEMENT CHARACTER}?"),
            (rb'{"\u0000":1}', {"\N{REPLACEMENT CHARACTER}": 1}),
            (b"1e400", "1e400"),
            (b"-1e400", "-1e400"),
            (b"1" * 5_000, "1" * 5_000),
        ],
    )
    def test_what_no_database_keeps_is_replaced_and_the_neighbours_live(
        self, spoilt: bytes, repaired: object
    ) -> None:
        body = encoded(of_messages(a_message(text={"body": "SPOILT"}), a_message(id="after")))

        callback = parse(body.replace(b'"SPOILT"', spoilt))

        broken, neighbour = callback.events
        assert isinstance(broken, MessageReceived)
        assert broken.content == {"body": repaired}
        record = PROVIDER_EVENTS.record(broken, source="/test", at=NOON)
        assert PROVIDER_EVENTS.decode(record.value) == broken
        assert ids_of([neighbour]) == ["after"]


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
            (a_flat_status(messageId=17), "messageId"),
            (a_flat_status(status=None), "status"),
            (a_flat_status(status=""), "status"),
            (a_flat_status(status="x" * 94), "status"),
            (a_flat_status(status="played", timestamp="yesterday"), "timestamp"),
            (a_flat_status(status="played", why="x" * LARGEST_CONTENT), "body"),
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


def test_an_object_that_is_no_word_is_told_without_its_content() -> None:
    (ignored,) = parse(b'{"object":' + b"[" * 900 + b"]" * 900 + b"}").ignored

    assert (ignored.reason, ignored.what) == (Reason.UNKNOWN_OBJECT, "no text")


def read_or_refused(body: bytes) -> Callback | None:
    try:
        return parse(body)
    except MalformedCallback:
        return None


class TestNesting:
    @pytest.mark.parametrize(
        "value",
        [
            a_change(messages=[a_message(text={"body": "NESTED"})]),
            a_change(statuses=[a_status(status="played", why="NESTED")]),
            {"field": "x", "value": {"why": "NESTED"}},
            {"field": "x", "value": a_value(message_echoes=[{"why": "NESTED"}, an_echo()])},
            {"field": "x", "value": a_value(message_echoes=[an_echo(), an_echo()], why="NESTED")},
            {
                "field": "history",
                "value": a_value(history=[{"threads": [{"messages": [{"why": "NESTED"}]}, {}]}]),
            },
        ],
        ids=["message", "status", "value", "echo", "beside echoes", "history"],
    )
    def test_no_depth_is_too_much_for_anything_but_the_part_or_the_body(self, value: Part) -> None:
        body = encoded(an_envelope(a_change(statuses=[a_status(id="neighbour")]), value))

        for levels in range(800, sys.getrecursionlimit() + 100):
            nested = body.replace(b'"NESTED"', b"[" * levels + b"]" * levels)
            callback = read_or_refused(nested)
            if callback is not None:
                assert "neighbour" in ids_of(callback.events)
                assert [part.reason for part in callback.ignored] in ([Reason.MALFORMED], [])
