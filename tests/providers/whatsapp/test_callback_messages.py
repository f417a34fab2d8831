"""How an inbound message is read, also where it is not as documented (PC-06, PC-11, IN-01)."""

import pytest

from domain.answers import Choice
from providers.callbacks import Reason
from providers.whatsapp.callback_parts import DEEPEST_CONTENT, LARGEST_CONTENT
from schemas.topics.provider_events import InboundMedia
from tests.providers.whatsapp.bodies import Part, a_change, a_message, an_envelope
from tests.providers.whatsapp.reading import (
    ids_of,
    of_messages,
    parsed,
    reasons_of,
    the_message,
)

SHEENA: Part = {
    "profile": {"name": "Sheena Nelson"},
    "wa_id": "16505551234",
    "user_id": "US.13491208655302741918",
}
PABLO: Part = {"profile": {"name": "Pablo M."}, "wa_id": "12125557890", "user_id": "US.2"}


def nested(levels: int) -> object:
    """Return an object with so many levels."""
    value: object = {}
    for _ in range(levels - 1):
        value = {"deep": value}
    return value


class TestAuthors:
    @pytest.mark.parametrize(
        ("message", "author", "user_id", "name"),
        [
            ({"from": "16505551234"}, "16505551234", SHEENA["user_id"], "Sheena Nelson"),
            ({"from": None, "from_user_id": "US.2"}, "US.2", "US.2", "Pablo M."),
            ({"from": "1", "from_user_id": "US.2"}, "1", "US.2", "Pablo M."),
            ({"from": "1"}, "1", None, None),
        ],
    )
    def test_an_author_is_named_by_the_contact_with_one_of_the_ids(
        self, message: Part, author: str, user_id: str | None, name: str | None
    ) -> None:
        change = a_change(messages=[a_message(**message)], contacts=[PABLO, SHEENA])

        event = the_message(an_envelope(change))

        assert (event.author, event.author_user_id, event.author_name) == (author, user_id, name)

    def test_an_only_contact_beside_an_only_message_is_the_author(self) -> None:
        # The ids of Brazilian and Mexican numbers differ from the numbers.
        change = a_change(messages=[a_message(**{"from": "5511987654321"})], contacts=[SHEENA])

        event = the_message(an_envelope(change))

        assert (event.author, event.author_name) == ("5511987654321", "Sheena Nelson")

    def test_an_only_contact_beside_several_messages_is_nobodys_but_its_own(self) -> None:
        messages = [a_message(id="A"), a_message(id="B", **{"from": "12125557890"})]

        callback = parsed(an_envelope(a_change(messages=messages, contacts=[SHEENA])))

        names = [getattr(event, "author_name", None) for event in callback.events]
        assert names == ["Sheena Nelson", None]

    def test_who_is_named_by_the_contact_alone_is_known_by_it(self) -> None:
        change = a_change(messages=[a_message(**{"from": None})], contacts=[SHEENA])

        assert the_message(an_envelope(change)).author == SHEENA["wa_id"]

    @pytest.mark.parametrize(
        "contacts",
        [
            None,
            {},
            "Sheena",
            [None, "Sheena", [], {}],
            [{**SHEENA, "profile": None}],
            [{**SHEENA, "profile": {"name": ""}}],
            [{**SHEENA, "profile": {"name": "x" * 256}}],
            [{**SHEENA, "wa_id": {}, "profile": {"name": []}}],
        ],
    )
    def test_broken_contacts_name_nobody(self, contacts: object) -> None:
        event = the_message(an_envelope(a_change(messages=[a_message()], contacts=contacts)))

        assert event.author_name is None

    @pytest.mark.parametrize("number", [None, "", "x" * 65, "a b", "\u00e9", ".1", 17, []])
    def test_without_our_number_a_message_belongs_nowhere(self, number: object) -> None:
        metadata = {"phone_number_id": number}
        change = a_change(messages=[a_message(), a_message()], metadata=metadata)

        callback = parsed(an_envelope(change))

        assert callback.events == ()
        where = "entry[0].changes[0].value.metadata.phone_number_id"
        assert reasons_of(callback) == [(Reason.MALFORMED, where)] * 2


class TestContent:
    @pytest.mark.parametrize("kind", ["unsupported", "interactive", "hologram"])
    def test_a_message_without_its_typed_part_is_kept_with_whatever_else_it_brings(
        self, kind: str
    ) -> None:
        event = the_message(of_messages(a_message(type=kind, text=None, holograms=[1, 2])))

        assert event.content == {"text": None, "holograms": [1, 2]}

    @pytest.mark.parametrize("member", ["context", "referral"])
    @pytest.mark.parametrize("told", [None, "ad", [], {}, 17])
    def test_what_explains_a_message_is_left_out_where_it_is_no_object(
        self, member: str, told: object
    ) -> None:
        event = the_message(of_messages(a_message(**{member: told})))

        assert getattr(event, member) is None

    @pytest.mark.parametrize(
        ("file", "media"),
        [
            ({}, None),
            ({"id": ""}, None),
            ({"id": 1003383421387256}, None),
            ({"id": "1", "mime_type": [], "sha256": "x" * 101}, InboundMedia(id="1")),
            ({"id": "1", "filename": "x" * 256}, InboundMedia(id="1")),
            ({"id": "1", "filename": "a.pdf"}, InboundMedia(id="1", file_name="a.pdf")),
        ],
    )
    def test_a_file_is_named_as_far_as_it_makes_sense(
        self, file: Part, media: InboundMedia | None
    ) -> None:
        event = the_message(of_messages(a_message(type="document", document=file)))

        assert event.media == media
        assert event.content == file

    def test_only_types_with_a_file_have_one(self) -> None:
        event = the_message(of_messages(a_message(type="order", order={"id": "1"})))

        assert event.media is None

    def test_what_no_broker_would_take_is_left_out(self) -> None:
        largest = {"body": "x" * (LARGEST_CONTENT - len('[{"body":""},null,null]'))}
        too_large = {"body": largest["body"] + "x"}
        body = of_messages(
            a_message(id="wamid.1", text=largest),
            a_message(text=too_large),
            a_message(context=too_large),
            a_message(referral=too_large),
        )

        callback = parsed(body)

        assert ids_of(callback.events) == ["wamid.1"]
        assert [part.reason for part in callback.ignored] == [Reason.MALFORMED] * 3

    def test_what_is_nested_deeper_than_consumers_read_is_left_out(self) -> None:
        deepest, too_deep = nested(DEEPEST_CONTENT - 1), nested(DEEPEST_CONTENT)
        body = of_messages(
            a_message(id="wamid.1", text=deepest), a_message(text=too_deep), a_message(id="wamid.2")
        )

        callback = parsed(body)

        assert ids_of(callback.events) == ["wamid.1", "wamid.2"]
        where = "entry[0].changes[0].value.messages[1].text"
        assert reasons_of(callback) == [(Reason.MALFORMED, where)]


class TestChoices:
    @pytest.mark.parametrize(
        ("message", "choice"),
        [
            ({"text": {"body": " “确认”。"}}, Choice.CONFIRM),
            ({"text": {"body": "修改"}}, Choice.MODIFY),
            ({"text": {"body": "确认一下时间"}}, None),
            ({"text": {"body": ["确认"]}}, None),
            ({"text": {}}, None),
            ({"type": "button", "button": {"text": "确认", "payload": "1"}}, Choice.CONFIRM),
            ({"type": "button", "button": {"text": "好", "payload": "modify"}}, Choice.MODIFY),
            (
                {
                    "type": "interactive",
                    "interactive": {
                        "type": "button_reply",
                        "button_reply": {"id": "modify", "title": "✏️"},
                    },
                },
                Choice.MODIFY,
            ),
            (
                {
                    "type": "interactive",
                    "interactive": {
                        "type": "list_reply",
                        "list_reply": {"id": "1", "title": "Confirm"},
                    },
                },
                Choice.CONFIRM,
            ),
            (
                {
                    "type": "interactive",
                    "interactive": {"type": "nfm_reply", "nfm_reply": {"body": "confirm"}},
                },
                None,
            ),
            ({"type": "interactive", "interactive": {"type": ["button_reply"]}}, None),
            ({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": 1}}, None),
            ({"type": "reaction", "reaction": {"emoji": "确认"}}, None),
        ],
    )
    def test_words_and_buttons_may_decide(self, message: Part, choice: Choice | None) -> None:
        assert the_message(of_messages(a_message(**message))).choice == choice
