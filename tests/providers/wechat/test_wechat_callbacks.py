"""What each push of a WeChat app becomes (PC-11, CF-27, WX 14)."""

import json
from datetime import UTC, datetime

import pytest

from domain.answers import Choice
from domain.failures import ErrorCode, Origin
from providers.callbacks import Callback, MalformedCallback, Reason
from providers.tencent.sealing import NotAuthentic, signers
from providers.wechat.callbacks import open_push, parse
from providers.wechat.entries import entry_id
from schemas.topics.provider_events import (
    InboundMedia,
    MessageReceived,
    NoticeReceived,
    ProviderError,
    StatusReported,
)
from tests.providers.tencent.sealed import OTHER_KEY, an_app, key_of, proof, sealed
from tests.providers.wechat.bodies import (
    APP_ID,
    OPENID,
    Fields,
    a_sent,
    a_text,
    an_event,
    plain_app,
    sealing_app,
)
from tests.providers.wecom.bodies import as_xml

WHEN = datetime(2021, 5, 14, 6, 17, 25, tzinfo=UTC)


def parsed(fields: Fields) -> Callback:
    return parse(plain_app(), as_xml(fields))


def the_message(fields: Fields) -> MessageReceived:
    (event,) = parsed(fields).events
    assert isinstance(event, MessageReceived)
    return event


def the_notice(fields: Fields) -> NoticeReceived:
    (event,) = parsed(fields).events
    assert isinstance(event, NoticeReceived)
    return event


class TestMessages:
    def test_a_text_becomes_a_message(self) -> None:
        assert parsed(a_text()).events == (
            MessageReceived(
                channel="wechat",
                provider_message_id=f"{APP_ID}:23568243490745350",
                sender_id=APP_ID,
                author=OPENID,
                message_type="text",
                content={"body": "666"},
                occurred_at=datetime(2022, 3, 2, 12, 5, 24, tzinfo=UTC),
                account_id=APP_ID,
            ),
        )

    def test_the_json_form_says_the_same(self) -> None:
        assert parse(plain_app(), json.dumps(a_text())) == parsed(a_text())

    @pytest.mark.parametrize(
        ("entry", "words", "choice"),
        [
            ("confirm", "确认", Choice.CONFIRM),
            ("modify", "改一下", Choice.MODIFY),
            ("101", "修改", Choice.MODIFY),
            ("101", "满意", None),
        ],
    )
    def test_a_pressed_menu_entry_is_an_answer(
        self, entry: str, words: str, choice: Choice | None
    ) -> None:
        event = the_message(a_text(bizmsgmenuid=entry, Content=words))

        assert event.about == entry
        assert event.choice is choice
        assert event.content == {"body": words, "bizmsgmenuid": entry}

    def test_a_pressed_entry_of_ours_names_the_question(self) -> None:
        event = the_message(a_text(bizmsgmenuid=entry_id("confirm", "preview-8f2c"), Content="OK"))

        assert (event.choice, event.about) == (Choice.CONFIRM, "preview-8f2c")

    def test_a_written_answer_is_about_no_entry(self) -> None:
        event = the_message(a_text(Content="确认"))

        assert (event.choice, event.about) == (Choice.CONFIRM, None)

    @pytest.mark.parametrize(
        ("kind", "own", "media"),
        [
            ("image", {"PicUrl": "http://p", "MediaId": "m"}, InboundMedia(id="m")),
            ("miniprogrampage", {"Title": "t", "AppId": "wx", "PagePath": "p"}, None),
            ("of_the_future", {"Anything": "x"}, None),
        ],
    )
    def test_other_types_keep_their_own_fields(
        self, kind: str, own: Fields, media: InboundMedia | None
    ) -> None:
        event = the_message(a_text(MsgType=kind, Content=..., **own))

        assert (event.message_type, event.content, event.media) == (kind, own, media)

    @pytest.mark.parametrize("missing", ["MsgId", "FromUserName", "CreateTime", "MsgType"])
    def test_a_message_that_cannot_be_told_apart_is_refused_by_its_field(
        self, missing: str
    ) -> None:
        with pytest.raises(MalformedCallback) as refused:
            parsed(a_text(**{missing: ...}))

        assert refused.value.field == missing


class TestSubscribeMessages:
    EVENT = "subscribe_msg_sent_event"

    def forms_of(self, *entries: Fields) -> list[Callback]:
        """Return what each form of one event says."""
        in_json = an_event(self.EVENT, List=list(entries))
        around = an_event(self.EVENT, SubscribeMsgSentEvent={"List": list(entries)})
        return [
            parse(plain_app(), json.dumps(in_json)),
            parse(plain_app(), json.dumps(around)),
            parse(plain_app(), as_xml(around)),
        ]

    def test_each_sent_message_is_told(self) -> None:
        expected = tuple(
            StatusReported(
                channel="wechat",
                provider_message_id=f"{APP_ID}:{msg_id}",
                status="sent",
                occurred_at=WHEN,
                sender_id=APP_ID,
                account_id=APP_ID,
            )
            for msg_id in ("1700827132819554304", "2")
        )

        for callback in self.forms_of(a_sent(), a_sent(MsgID="2")):
            assert callback == Callback(expected)

    def test_one_entry_alone_is_no_list_in_json(self) -> None:
        alone = an_event(self.EVENT, List=a_sent(MsgID=1700827132819554304, ErrorCode=0))

        assert parse(plain_app(), json.dumps(alone)) == self.forms_of(a_sent())[0]

    @pytest.mark.parametrize(
        ("code", "ours"),
        [
            ("-1", ErrorCode.NETWORK_ERROR),
            ("40003", ErrorCode.INVALID_RECIPIENT),
            ("43107", ErrorCode.WA_ACCOUNT_ABNORMAL),
            ("40038", ErrorCode.DAILY_LIMIT_EXCEEDED),
            ("43108", ErrorCode.SEND_INTERVAL_LIMIT),
            ("43101", ErrorCode.UNKNOWN_ERROR),
            ("99999", ErrorCode.UNKNOWN_ERROR),
        ],
    )
    def test_a_failed_message_has_its_reason(self, code: str, ours: ErrorCode) -> None:
        entry = a_sent(ErrorCode=code, ErrorStatus="why")

        for callback in self.forms_of(entry):
            (event,) = callback.events
            assert isinstance(event, StatusReported)
            assert event.status == "failed"
            assert event.failure is not None
            assert (event.failure.code, event.failure.provider_code) == (ours, code)
            assert event.failure.origin is Origin.PROVIDER
            assert (event.failure.detail or "").endswith("why")
            assert event.errors == (ProviderError(code=code, title="why"),)

    @pytest.mark.parametrize(
        ("broken", "field"),
        [
            (a_sent(MsgID=""), "MsgID"),
            (a_sent(MsgID={}), "MsgID"),
            (a_sent(ErrorCode=[1]), "ErrorCode"),
            (a_sent(ErrorCode=None), "ErrorCode"),
            ("words", "entry"),
            (None, "entry"),
        ],
    )
    def test_a_broken_entry_is_told_and_its_neighbours_live(
        self, broken: object, field: str
    ) -> None:
        entries = [a_sent(MsgID="1"), broken, a_sent(MsgID="2")]

        callback = parse(plain_app(), json.dumps(an_event(self.EVENT, List=entries)))

        assert len(callback.events) == 2
        (ignored,) = callback.ignored
        assert (ignored.reason, ignored.where) == (Reason.MALFORMED, f"List[1].{field}")

    def test_an_event_without_entries_is_kept(self) -> None:
        assert the_notice(an_event(self.EVENT)).kind == self.EVENT

    @pytest.mark.parametrize(
        ("event", "holder"),
        [
            ("subscribe_msg_popup_event", "SubscribeMsgPopupEvent"),
            ("subscribe_msg_change_event", "SubscribeMsgChangeEvent"),
        ],
    )
    def test_each_consent_is_a_notice_of_its_own(self, event: str, holder: str) -> None:
        entries = [
            {"TemplateId": "one", "SubscribeStatusString": "accept", "PopupScene": "0"},
            {"TemplateId": "two", "SubscribeStatusString": "reject", "PopupScene": "0"},
        ]

        in_xml = parse(plain_app(), as_xml(an_event(event, **{holder: {"List": entries}})))
        in_json = parse(plain_app(), json.dumps(an_event(event, List=entries)))

        assert in_xml == in_json
        for notice, entry in zip(in_xml.events, entries, strict=True):
            assert isinstance(notice, NoticeReceived)
            assert (notice.kind, notice.about) == (event, OPENID)
            assert notice.occurred_at == WHEN
            assert notice.content == {
                "FromUserName": OPENID,
                "CreateTime": "1620973045",
                "Event": event,
                "List": entry,
            }


class TestNotices:
    @pytest.mark.parametrize(
        "event",
        ["user_enter_tempsession", "subscribe", "TEMPLATESENDJOBFINISH", "of_the_future"],
    )
    def test_an_event_is_kept_in_the_providers_words(self, event: str) -> None:
        fields = an_event(event, SessionFrom="menu", MsgID="17")

        notice = the_notice(fields)

        assert (notice.channel, notice.kind, notice.about) == ("wechat", event, OPENID)
        assert notice.account_id == APP_ID
        assert notice.content == fields | {"CreateTime": "1620973045"}

    def test_a_repetition_is_the_same_notice_though_encrypted_anew_beside(self) -> None:
        once = the_notice(an_event("user_enter_tempsession", Encrypt="AAAA"))
        again = the_notice(an_event("user_enter_tempsession", Encrypt="BBBB"))

        assert once == again


class TestOpening:
    BODY = as_xml(a_text())

    def envelope(self, secret: str) -> bytes:
        return as_xml({"ToUserName": "gh_bb7bff7fd6bd", "Encrypt": secret}).encode()

    def test_a_plain_push_is_opened(self) -> None:
        app = plain_app()

        assert open_push([app], None, self.BODY.encode()) == (app, self.BODY)

    def test_an_encrypted_push_is_opened(self) -> None:
        app, secret = sealing_app(), sealed(self.BODY, APP_ID)

        assert open_push([app], proof(secret), self.envelope(secret)) == (app, self.BODY)

    def test_an_app_with_a_key_is_not_heard_in_plain(self) -> None:
        for over_sealed in (None, proof()):
            with pytest.raises(NotAuthentic):
                open_push([sealing_app()], over_sealed, self.BODY.encode())

    @pytest.mark.parametrize(
        "secret",
        [
            sealed(BODY, "wx_another_app"),
            sealed(BODY, APP_ID, key_of(OTHER_KEY)),
            sealed(BODY, APP_ID)[:-4],
            "",
        ],
        ids=["another app", "another key", "cut", "nothing"],
    )
    def test_what_is_not_for_us_is_nobodys(self, secret: str) -> None:
        with pytest.raises(NotAuthentic):
            open_push([sealing_app()], proof(secret), self.envelope(secret))

    def test_another_text_under_the_same_signature_is_nobodys(self) -> None:
        signed, other = sealed(self.BODY, APP_ID), sealed(as_xml(a_text(Content="修改")), APP_ID)

        with pytest.raises(NotAuthentic):
            open_push([sealing_app()], proof(signed), self.envelope(other))

    def test_in_the_compatible_mode_an_app_without_a_key_is_heard_in_plain(self) -> None:
        secret = sealed(self.BODY, APP_ID)
        both = as_xml(a_text(Encrypt=secret))

        app, text = open_push([plain_app()], proof(secret), both.encode())

        assert parse(app, text) == parsed(a_text())

    def test_while_encryption_is_introduced_both_are_heard(self) -> None:
        apps, secret = [sealing_app(), plain_app()], sealed(self.BODY, APP_ID)

        assert open_push(apps, None, self.BODY.encode())[0] == plain_app()
        assert open_push(apps, proof(secret), self.envelope(secret))[0] == sealing_app()

    def test_what_claims_to_be_encrypted_is_never_read_in_plain(self) -> None:
        apps, secret = [sealing_app(), plain_app()], sealed(self.BODY, APP_ID)

        with pytest.raises(NotAuthentic):
            open_push(apps, proof("another text"), self.envelope(secret))

    def test_a_byte_that_is_no_text_does_not_cost_the_message(self) -> None:
        body = self.BODY.encode().replace(b"666", b"6\xff6")

        app, text = open_push([plain_app()], None, body)

        (event,) = parse(app, text).events
        assert isinstance(event, MessageReceived)
        assert event.content == {"body": "6\N{REPLACEMENT CHARACTER}6"}

    def test_the_query_is_signed_without_the_body(self) -> None:
        mine, other = plain_app(), an_app("wx_other", token="other", key=None)

        assert signers([mine, other], proof()) == [mine]
