"""What is neither a status of ours nor inbound is kept as received (CF-09, WA 10)."""

import copy
from datetime import UTC, datetime

import pytest

from providers.callbacks import Reason
from providers.whatsapp.callback_parts import DEEPEST_CONTENT, LARGEST_CONTENT
from schemas.topics.provider_events import NoticeReceived
from tests.providers.whatsapp.bodies import (
    ACCOUNT_ID,
    METADATA,
    PHONE_NUMBER_ID,
    Part,
    a_change,
    a_message,
    a_notice,
    a_status,
    a_value,
    an_echo,
    an_envelope,
    enveloped,
)
from tests.providers.whatsapp.reading import notices, parsed, reasons_of, the_notice

APPROVED: Part = {"event": "APPROVED", "message_template_name": "order_confirmation"}


def a_contact(number: int, name: str = "Sheena") -> Part:
    return {"profile": {"name": name}, "wa_id": str(number)}


def a_history(*threads: object) -> Part:
    metadata = {"phase": 0, "chunk_order": 1, "progress": 55}
    return a_notice("history", a_value(history=[{"metadata": metadata, "threads": list(threads)}]))


def messages_in(notice: NoticeReceived) -> list[str]:
    (chunk,) = notice.content["history"]
    (thread,) = chunk["threads"]
    return [message["id"] for message in thread["messages"]]


class TestSplitting:
    def test_each_echo_is_a_notice_with_its_contact_and_time(self) -> None:
        echoes = [an_echo(id=f"wamid.{number}", to=str(number)) for number in range(3)]
        contacts = [a_contact(number) for number in (2, 1, 7)]
        value = a_value(message_echoes=echoes, contacts=contacts)

        events = notices(a_notice("smb_message_echoes", value))

        assert [event.about for event in events] == ["wamid.0", "wamid.1", "wamid.2"]
        assert [event.content for event in events] == [
            a_value(message_echoes=[echoes[0]]),
            a_value(message_echoes=[echoes[1]], contacts=[a_contact(1)]),
            a_value(message_echoes=[echoes[2]], contacts=[a_contact(2)]),
        ]
        moment = datetime(2025, 2, 12, 0, 43, 44, tzinfo=UTC)
        assert {event.occurred_at for event in events} == {moment}

    @pytest.mark.parametrize("field", ["smb_message_echoes", "history", "standby", None])
    @pytest.mark.parametrize("name", ["message_echoes", "messages", "statuses"])
    def test_outside_the_field_messages_nothing_is_a_message_or_status(
        self, field: str | None, name: str
    ) -> None:
        change = {"field": field, "value": a_value(**{name: [a_message(), a_status()]})}

        events = notices(an_envelope(change))

        assert len(events) == 2

    def test_a_history_is_split_by_conversation(self) -> None:
        threads = [{"id": str(number), "messages": [an_echo(), an_echo()]} for number in range(2)]

        events = notices(a_history(*threads))

        assert [event.about for event in events] == ["0", "1"]
        assert [event.content["history"][0]["threads"] for event in events] == [
            [threads[0]],
            [threads[1]],
        ]
        assert {event.content["history"][0]["metadata"]["progress"] for event in events} == {55}
        assert {event.content["metadata"]["phone_number_id"] for event in events} == {
            PHONE_NUMBER_ID
        }

    def test_a_conversation_too_long_for_a_record_is_split_in_its_order(self) -> None:
        long = {"body": "x" * (LARGEST_CONTENT // 8)}
        messages = [an_echo(id=f"wamid.{number}", text=long) for number in range(20)]

        events = notices(a_history({"id": "16505551234", "messages": messages}))

        assert len(events) > 1
        assert {event.about for event in events} == {"16505551234"}
        told = [message for event in events for message in messages_in(event)]
        assert told == [message["id"] for message in messages]

    def test_a_conversation_of_somebody_who_hides_the_number_is_about_the_user_id(self) -> None:
        thread = {"context": {"user_id": "US.2"}, "messages": [an_echo()]}

        assert the_notice(a_history(thread)).about == "US.2"

    @pytest.mark.parametrize("threads", [None, [], {}, "none", [None], [[]], [{"messages": {}}]])
    def test_a_history_of_another_shape_is_kept_whole(self, threads: object) -> None:
        value = a_value(history=[{"threads": threads}])

        assert the_notice(a_notice("history", value)).content == value

    def test_what_stands_beside_many_items_is_not_repeated_without_end(self) -> None:
        value = a_value(message_echoes=[an_echo(), an_echo()], legend="x" * 2_000)

        events = notices(a_notice("smb_message_echoes", value))

        assert [event.content for event in events] == [{"message_echoes": [an_echo()]}] * 2

    def test_a_single_item_keeps_everything_beside_it(self) -> None:
        contacts = [a_contact(number, "x" * 100) for number in range(100)]
        value = a_value(message_echoes=[an_echo()], contacts=contacts)

        assert the_notice(a_notice("smb_message_echoes", value)).content == value

    @pytest.mark.parametrize(
        "broken", [{"body": "x" * LARGEST_CONTENT}, "DEEP"], ids=["too large", "too deep"]
    )
    def test_an_item_that_no_consumer_reads_is_named_and_its_neighbours_live(
        self, broken: object
    ) -> None:
        for _ in range(DEEPEST_CONTENT if broken == "DEEP" else 0):
            broken = [broken]
        echoes = [an_echo(id="before"), an_echo(text=broken), an_echo(id="after")]

        callback = parsed(a_notice("smb_message_echoes", a_value(message_echoes=echoes)))

        assert [getattr(event, "about", None) for event in callback.events] == ["before", "after"]
        where = "entry[0].changes[0].value.message_echoes[1]"
        assert reasons_of(callback) == [(Reason.MALFORMED, where)]


class TestAccountErrors:
    def test_each_error_of_an_account_is_a_notice_about_our_number(self) -> None:
        errors: list[Part] = [{"code": 130429, "title": "Rate limit hit"}, {"code": 131000}]

        first, second = notices(an_envelope(a_change(errors=errors)))

        assert (first.kind, first.content) == ("account_error", errors[0])
        assert (second.kind, second.content) == ("account_error", errors[1])
        assert first.about == second.about == PHONE_NUMBER_ID
        assert first.occurred_at is None


class TestPlaces:
    @pytest.mark.parametrize(
        "body",
        [
            enveloped(
                {"id": ACCOUNT_ID, "changes": [{"value": APPROVED}], "field": "account_update"}
            ),
            enveloped(
                {"id": ACCOUNT_ID, "changes": [{"value": {**APPROVED, "field": "account_update"}}]}
            ),
            {
                "entry": [
                    {
                        "id": ACCOUNT_ID,
                        "changes": [{"value": APPROVED}],
                        "field": "account_update",
                        "object": "whatsapp_business_account",
                    }
                ]
            },
            {
                "entry": [
                    {
                        "id": ACCOUNT_ID,
                        "changes": [
                            {
                                "value": {
                                    **APPROVED,
                                    "field": "account_update",
                                    "object": "whatsapp_business_account",
                                }
                            }
                        ],
                    }
                ]
            },
        ],
        ids=["beside the changes", "in the value", "both beside the changes", "both in the value"],
    )
    def test_field_and_object_may_stand_where_metas_examples_have_them(self, body: object) -> None:
        event = the_notice(body)

        assert (event.kind, event.about) == ("account_update", "order_confirmation")

    @pytest.mark.parametrize(
        ("change", "kind", "content"),
        [
            ({"value": {"event": "X"}}, "unknown", {"event": "X"}),
            ({"field": None, "value": {"event": "X"}}, "unknown", {"event": "X"}),
            ({"field": "x", "value": {}}, "x", {}),
            ({"field": "x", "value": [1]}, "x", {"field": "x", "value": [1]}),
            ({"field": "x"}, "x", {"field": "x"}),
            ({}, "unknown", {}),
            (a_change(new_parts=[1]), "messages", a_value(new_parts=[1])),
        ],
    )
    def test_a_change_of_which_nothing_is_known_is_kept_whole(
        self, change: Part, kind: str, content: Part
    ) -> None:
        event = the_notice(an_envelope(change))

        assert (event.kind, event.content) == (kind, content)

    def test_an_entry_of_which_nothing_is_known_is_kept_whole(self) -> None:
        entry = {"id": ACCOUNT_ID, "time": 1739321024, "messaging": [{"text": "hi"}]}

        event = the_notice(enveloped(entry))

        assert (event.kind, event.content, event.account_id) == ("unknown", entry, ACCOUNT_ID)
        assert event.occurred_at == datetime(2025, 2, 12, 0, 43, 44, tzinfo=UTC)

    @pytest.mark.parametrize("field", ["x" * 101, 17, ["messages"]])
    def test_a_field_that_is_no_word_is_malformed(self, field: object) -> None:
        callback = parsed(an_envelope({"field": field, "value": {}}))

        assert reasons_of(callback) == [(Reason.MALFORMED, "entry[0].changes[0].field")]

    @pytest.mark.parametrize(
        ("account", "metadata", "told"),
        [
            (ACCOUNT_ID, METADATA, ACCOUNT_ID),
            (None, METADATA, PHONE_NUMBER_ID),
            ("x" * 65, METADATA, PHONE_NUMBER_ID),
            (None, None, "unknown"),
        ],
    )
    def test_a_notice_without_its_account_is_kept(
        self, account: object, metadata: object, told: str
    ) -> None:
        value = {**APPROVED, "metadata": metadata}
        entry = {"id": account, "changes": [{"field": "x", "value": value}]}

        assert the_notice(enveloped(entry)).account_id == told

    @pytest.mark.parametrize("time", [None, "soon", True, [], 1e300, "9" * 5_000])
    def test_a_notice_without_its_time_is_kept(self, time: object) -> None:
        assert the_notice(a_notice("account_update", APPROVED, time=time)).occurred_at is None


class TestIds:
    def test_a_repetition_is_the_same_notice_whatever_the_order_of_its_members(self) -> None:
        turned = dict(reversed(APPROVED.items()))

        first, again = the_notice(a_notice("x", APPROVED)), the_notice(a_notice("x", turned))

        assert first == again
        assert len(first.notice_id) <= 64

    def test_whatever_differs_makes_another_notice(self) -> None:
        body = a_notice("x", APPROVED)
        other_account = copy.deepcopy(body)
        other_account["entry"][0]["id"] = "17"
        bodies = [
            body,
            other_account,
            a_notice("y", APPROVED),
            a_notice("x", APPROVED, time=1751247549),
            a_notice("x", APPROVED, time=None),
            a_notice("x", {**APPROVED, "event": "REJECTED"}),
        ]

        ids = [the_notice(body).notice_id for body in bodies]

        assert len(set(ids)) == len(bodies)
