"""What each callback of WeCom becomes (PC-11, CF-27, WX 9, WX 10)."""

import json
from datetime import UTC, datetime

import pytest

from domain.answers import Choice
from providers.callbacks import MalformedCallback
from providers.wecom.callbacks import parse
from schemas.topics.provider_events import (
    CallbackEvent,
    InboundMedia,
    MessageReceived,
    NoticeReceived,
)
from tests.providers.tencent.sealed import an_app
from tests.providers.wecom.bodies import (
    CORP,
    MEMBER,
    Fields,
    a_message,
    a_press,
    an_event,
    as_xml,
    corp_app,
)


def the_event(fields: Fields, agent_id: str | None = None) -> CallbackEvent:
    """Return what both forms of a callback say; they have to say the same."""
    callback = parse(corp_app(agent_id), as_xml(fields))
    assert callback.ignored == ()
    (event,) = callback.events
    return event


def the_message(fields: Fields, agent_id: str | None = None) -> MessageReceived:
    event = the_event(fields, agent_id)
    assert isinstance(event, MessageReceived)
    return event


def the_notice(fields: Fields) -> NoticeReceived:
    event = the_event(fields)
    assert isinstance(event, NoticeReceived)
    return event


def id_of(fields: Fields) -> str:
    event = the_event(fields)
    return event.notice_id if isinstance(event, NoticeReceived) else event.provider_message_id


class TestMessages:
    def test_a_members_text_becomes_a_message(self) -> None:
        assert the_event(a_message()) == MessageReceived(
            channel="wecom",
            provider_message_id=f"{CORP}:1234567890123456",
            sender_id=f"{CORP}.1",
            author=MEMBER,
            message_type="text",
            content={"body": "确认"},
            occurred_at=datetime(2012, 9, 28, 11, 31, tzinfo=UTC),
            account_id=CORP,
            choice=Choice.CONFIRM,
        )

    def test_the_json_form_says_the_same(self) -> None:
        in_json = parse(corp_app(), json.dumps(a_message(), ensure_ascii=False))

        assert in_json == parse(corp_app(), as_xml(a_message()))

    @pytest.mark.parametrize(
        ("words", "choice"),
        [
            ("确认", Choice.CONFIRM),
            (" “确认”。", Choice.CONFIRM),
            ("修改", Choice.MODIFY),
            ("MODIFY!", Choice.MODIFY),
            ("确认一下时间", None),
            ("", None),
            ("x" * 5_000, None),
        ],
    )
    def test_the_answer_to_a_preview_is_understood(self, words: str, choice: Choice | None) -> None:
        event = the_message(a_message(Content=words))

        assert event.choice is choice
        assert event.content == {"body": words}

    @pytest.mark.parametrize(
        ("kind", "own", "media"),
        [
            ("image", {"PicUrl": "http://p/1", "MediaId": "m1"}, InboundMedia(id="m1")),
            (
                "voice",
                {"MediaId": "m2", "Format": "amr"},
                InboundMedia(id="m2", mime_type="audio/amr"),
            ),
            ("video", {"MediaId": "m3", "ThumbMediaId": "t3"}, InboundMedia(id="m3")),
            (
                "location",
                {"Location_X": "23.1", "Location_Y": "113.3", "Scale": "20", "Label": "位置"},
                None,
            ),
            (
                "link",
                {"Title": "t", "Description": "d", "Url": "http://u", "PicUrl": "http://p"},
                None,
            ),
            ("of_the_future", {"Anything": {"Deep": ["1", "2"]}}, None),
        ],
    )
    def test_other_types_keep_their_own_fields(
        self, kind: str, own: Fields, media: InboundMedia | None
    ) -> None:
        event = the_message(a_message(MsgType=kind, Content=..., **own))

        assert event.message_type == kind
        assert event.content == own
        assert event.media == media
        assert event.choice is None

    @pytest.mark.parametrize(
        ("told", "configured", "sender"),
        [
            (1000002, None, f"{CORP}.1000002"),
            (1000002, "7", f"{CORP}.1000002"),
            (..., "7", f"{CORP}.7"),
            (..., None, CORP),
            ("no number", "7", f"{CORP}.7"),
            ("9" * 21, None, CORP),
        ],
    )
    def test_the_sender_is_the_app_that_was_written_to(
        self, told: object, configured: str | None, sender: str
    ) -> None:
        event = the_message(a_message(AgentID=told), configured)

        assert event.sender_id == sender

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"MsgId": ...}, "MsgId"),
            ({"MsgId": ""}, "MsgId"),
            ({"MsgId": "1" * 65}, "MsgId"),
            ({"MsgId": [1, 2]}, "MsgId"),
            ({"FromUserName": ...}, "FromUserName"),
            ({"FromUserName": "x" * 256}, "FromUserName"),
            ({"CreateTime": ...}, "CreateTime"),
            ({"CreateTime": "yesterday"}, "CreateTime"),
            ({"CreateTime": "9" * 12}, "CreateTime"),
            ({"MsgType": ...}, "MsgType"),
            ({"MsgType": "x" * 51}, "MsgType"),
        ],
    )
    def test_a_message_that_cannot_be_told_apart_is_refused_by_its_field(
        self, wrong: Fields, field: str
    ) -> None:
        with pytest.raises(MalformedCallback) as refused:
            parse(corp_app(), as_xml(a_message(**wrong)))

        assert refused.value.field == field

    @pytest.mark.parametrize("value", [None, True, 1.5, 10**300, [], {}, {"a": 1}])
    def test_what_is_no_id_in_json_is_refused(self, value: object) -> None:
        with pytest.raises(MalformedCallback) as refused:
            parse(corp_app(), json.dumps(a_message(MsgId=value)))

        assert refused.value.field == "MsgId"

    @pytest.mark.parametrize("text", ["", "nonsense", "<xml/>", "{}", "[]", "null"])
    def test_garbage_is_refused(self, text: str) -> None:
        with pytest.raises(MalformedCallback):
            parse(corp_app(), text)


class TestPressedButtons:
    def test_a_pressed_button_is_an_answer(self) -> None:
        event = the_message(a_press())

        assert event.message_type == "button"
        assert event.content == {
            "payload": "confirm",
            "card_type": "button_interaction",
            "response_code": "RESPONSE",
        }
        assert event.choice is Choice.CONFIRM
        assert event.about == "preview-8f2c"
        assert event.author == MEMBER
        assert event.sender_id == f"{CORP}.1"
        assert event.occurred_at == datetime(2014, 6, 24, 11, 48, 33, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("key", "choice"),
        [("modify", Choice.MODIFY), ("修改", Choice.MODIFY), ("确认", Choice.CONFIRM), ("k", None)],
    )
    def test_the_buttons_key_is_the_choice(self, key: str, choice: Choice | None) -> None:
        event = the_message(a_press(EventKey=key, Event="template_card_menu_event"))

        assert event.content["payload"] == key
        assert event.choice is choice

    @pytest.mark.parametrize(
        ("items", "selected"),
        [
            (
                {"QuestionKey": "q1", "OptionIds": {"OptionId": "a"}},
                {"q1": ["a"]},
            ),
            (
                [
                    {"QuestionKey": "q1", "OptionIds": {"OptionId": ["a", "b"]}},
                    {"QuestionKey": "q2", "OptionIds": ""},
                    "broken",
                    {"OptionIds": {"OptionId": "c"}},
                ],
                {"q1": ["a", "b"], "q2": []},
            ),
        ],
    )
    def test_the_chosen_options_are_kept_by_question(self, items: object, selected: Fields) -> None:
        event = the_message(a_press(SelectedItems={"SelectedItem": items}))

        assert event.content["selected"] == selected

    def test_a_repeated_press_is_the_same_message(self) -> None:
        assert id_of(a_press()) == id_of(a_press(ResponseCode="ANOTHER"))

    @pytest.mark.parametrize(
        "other",
        [{"FromUserName": "lisi"}, {"CreateTime": 1403610514}, {"TaskId": "t"}, {"EventKey": "k"}],
    )
    def test_another_press_is_another_message(self, other: Fields) -> None:
        assert id_of(a_press(**other)) != id_of(a_press())

    def test_another_companys_press_is_another_message(self) -> None:
        (event,) = parse(an_app("ww_other"), as_xml(a_press())).events

        assert isinstance(event, MessageReceived)
        assert event.provider_message_id != id_of(a_press())

    @pytest.mark.parametrize("missing", ["FromUserName", "EventKey", "CreateTime"])
    def test_a_press_by_nobody_is_kept_as_a_notice(self, missing: str) -> None:
        notice = the_notice(a_press(**{missing: ...}))

        assert notice.kind == "template_card_event"
        assert notice.content["TaskId"] == "preview-8f2c"

    def test_a_task_whose_name_is_too_long_is_left_out(self) -> None:
        assert the_message(a_press(TaskId="x" * 129)).about is None


CUSTOMER = "woAJ2GCAAAXtWyujaWJHDDGi0mACH71w"


class TestNotices:
    @pytest.mark.parametrize(
        ("fields", "kind", "about"),
        [
            *(
                (an_event(ChangeType=change), f"change_external_contact.{change}", CUSTOMER)
                for change in (
                    "add_external_contact",
                    "add_half_external_contact",
                    "edit_external_contact",
                    "del_external_contact",
                    "del_follow_user",
                    "transfer_fail",
                    "msg_send_status",
                    "of_the_future",
                )
            ),
            *(
                (
                    an_event(
                        Event="change_external_chat",
                        ChangeType=change,
                        ExternalUserID=...,
                        ChatId="wrOgQhDgAAMYQiS5ol9G7gK9JVAAAA",
                        MemChangeList={"Item": ["a", "b"]},
                    ),
                    f"change_external_chat.{change}",
                    "wrOgQhDgAAMYQiS5ol9G7gK9JVAAAA",
                )
                for change in ("create", "update", "dismiss")
            ),
            *(
                (
                    an_event(
                        Event="change_external_tag",
                        ChangeType=change,
                        ExternalUserID=...,
                        Id="etAJ2GCAAAhW5x",
                        TagType="tag",
                    ),
                    f"change_external_tag.{change}",
                    "etAJ2GCAAAhW5x",
                )
                for change in ("create", "update", "delete", "shuffle")
            ),
            (
                an_event(
                    Event="kf_msg_or_event",
                    ChangeType=...,
                    ExternalUserID=...,
                    Token="ENCApHxnGDNAVNY4AaSJKj4Tb5mwsEMzxhFmHVGcra996NR",
                    OpenKfId="wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q",
                ),
                "kf_msg_or_event",
                "wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q",
            ),
            *(
                (an_event(Event=event, ChangeType=..., ExternalUserID=...), event, None)
                for event in (
                    "subscribe",
                    "enter_agent",
                    "inactive_alert",
                    "close_inactive_agent",
                    "reopen_inactive_agent",
                    "low_active_alert",
                    "low_active",
                    "active_restored",
                    "of_the_future",
                )
            ),
            (an_event(Event=..., ChangeType=..., ExternalUserID=...), "event", None),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_an_event_is_kept_in_the_providers_words(
        self, fields: Fields, kind: str, about: str | None
    ) -> None:
        notice = the_notice(fields)

        assert notice.kind == kind
        assert notice.about == about
        assert notice.account_id == CORP
        assert notice.channel == "wecom"
        assert notice.occurred_at == datetime(2014, 6, 24, 11, 48, 33, tzinfo=UTC)
        as_written = {name: value for name, value in fields.items() if value is not ...}
        assert notice.content == as_written | {"CreateTime": "1403610513"}

    def test_a_notice_without_a_time_is_kept(self) -> None:
        assert the_notice(an_event(CreateTime="soon")).occurred_at is None

    def test_a_long_word_is_cut(self) -> None:
        assert the_notice(an_event(Event="x" * 200, ChangeType="y" * 200)).kind == "x" * 100

    def test_a_repeated_event_is_the_same_notice(self) -> None:
        turned = dict(reversed(an_event().items()))

        assert id_of(an_event()) == id_of(turned)

    @pytest.mark.parametrize(
        "other",
        [
            {"CreateTime": 1403610514},
            {"Event": "e"},
            {"ChangeType": "c"},
            {"UserID": "lisi"},
            {"ExternalUserID": "x"},
        ],
    )
    def test_another_event_is_another_notice(self, other: Fields) -> None:
        assert id_of(an_event(**other)) != id_of(an_event())
