"""What WeChat meets at our door: over real HTTP, with a real broker behind it (PC-11, WX 14.4)."""

import json
from datetime import timedelta

import pytest

from schemas.topics.provider_events import MessageReceived, NoticeReceived, StatusReported
from tests.providers.tencent.sealed import TOKEN, sealed
from tests.providers.wechat.bodies import a_sent, a_text, an_event
from tests.providers.wecom.bodies import as_xml
from tests.services.ingest_webhook.ingesters import (
    TEXT,
    RunningIngester,
    StartIngester,
    events_in_kafka,
    said,
)
from tests.services.ingest_webhook.tencent_callers import (
    APPS,
    FORBIDDEN,
    PLAIN_APP,
    SEALING_APP,
    WECHAT,
    a_msg_id,
    query,
    wechat_says,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

REPLAYED = 'ingest_callbacks_total{outcome="replayed"}'


@pytest.fixture
def ingester(tencent_ingester: RunningIngester) -> RunningIngester:
    """Return the one that hears them."""
    return tencent_ingester


async def ids_in_kafka(ingester: RunningIngester) -> set[str]:
    events = await events_in_kafka(ingester.bootstrap)
    told = [event for event in events if isinstance(event, MessageReceived | StatusReported)]
    return {event.provider_message_id for event in told}


class TestProvingTheAddress:
    @pytest.mark.parametrize("token", [TOKEN, "plain"])
    async def test_the_echo_is_given_back_as_it_is(
        self, ingester: RunningIngester, token: str
    ) -> None:
        signed = query(token=token, name="signature")

        answer = await ingester.client.get(WECHAT, params=signed | {"echostr": "a+b/c=<x>"})

        assert said(answer) == (200, TEXT, "a+b/c=<x>")

    async def test_a_wrong_signature_is_forbidden(self, ingester: RunningIngester) -> None:
        answers = [
            await ingester.client.get(WECHAT, params=params | {"echostr": "17"})
            for params in (query(token="guess", name="signature"), query(token="plain"), {})
        ]

        assert [said(one) for one in answers] == [(403, "application/json", FORBIDDEN)] * 3

    async def test_an_old_question_is_forbidden_and_counted(
        self, ingester: RunningIngester
    ) -> None:
        before = await ingester.metric(REPLAYED)
        signed = query(token="plain", name="signature", ago=timedelta(minutes=6))

        answer = await ingester.client.get(WECHAT, params=signed | {"echostr": "17"})

        assert said(answer) == (403, "application/json", FORBIDDEN)
        assert await ingester.metric(REPLAYED) == before + 1


class TestTakingIn:
    @pytest.mark.parametrize("app_id", [PLAIN_APP, SEALING_APP])
    async def test_an_answer_is_in_kafka_before_success(
        self, ingester: RunningIngester, app_id: str
    ) -> None:
        msg_id = a_msg_id()
        pressed = a_text(MsgId=msg_id, Content="确认", bizmsgmenuid="101")

        answer = await wechat_says(ingester, pressed, app_id=app_id)

        assert said(answer) == (200, TEXT, "success")
        events = await events_in_kafka(ingester.bootstrap)
        heard = {e.provider_message_id: e for e in events if isinstance(e, MessageReceived)}
        event = heard[f"{app_id}:{msg_id}"]
        assert (event.sender_id, event.choice, event.about) == (app_id, "confirm", "101")

    async def test_the_json_forms_are_taken_too(self, ingester: RunningIngester) -> None:
        plain, secret_one = a_msg_id(), a_msg_id()
        secret = sealed(json.dumps(a_text(MsgId=secret_one)), SEALING_APP)
        signed = query(name="signature") | query(secret) | {"encrypt_type": "aes"}

        answers = [
            await ingester.client.post(
                WECHAT, params=query(token="plain", name="signature"), json=a_text(MsgId=plain)
            ),
            await ingester.client.post(
                WECHAT, params=signed, json={"ToUserName": "gh_1", "Encrypt": secret}
            ),
        ]

        assert [said(one) for one in answers] == [(200, TEXT, "success")] * 2
        wanted = {f"{PLAIN_APP}:{plain}", f"{SEALING_APP}:{secret_one}"}
        assert wanted <= await ids_in_kafka(ingester)

    async def test_each_result_of_a_subscribe_message_is_a_fact(
        self, ingester: RunningIngester
    ) -> None:
        sent, failed = str(a_msg_id()), str(a_msg_id())
        entries = [a_sent(MsgID=sent), a_sent(MsgID=failed, ErrorCode="43101")]
        told = an_event("subscribe_msg_sent_event", SubscribeMsgSentEvent={"List": entries})

        await wechat_says(ingester, told)

        events = await events_in_kafka(ingester.bootstrap)
        statuses = {e.provider_message_id: e for e in events if isinstance(e, StatusReported)}
        assert statuses[f"{PLAIN_APP}:{sent}"].status == "sent"
        assert statuses[f"{PLAIN_APP}:{failed}"].status == "failed"

    async def test_an_event_is_kept_as_a_notice(self, ingester: RunningIngester) -> None:
        person = f"o{a_msg_id()}"

        await wechat_says(ingester, an_event("user_enter_tempsession", FromUserName=person))

        events = await events_in_kafka(ingester.bootstrap)
        notices = {event.about: event for event in events if isinstance(event, NoticeReceived)}
        assert notices[person].kind == "user_enter_tempsession"


class TestRefusing:
    async def test_a_forged_push_is_forbidden_and_nothing_is_produced(
        self, ingester: RunningIngester
    ) -> None:
        forged, good = a_msg_id(), a_msg_id()
        body = as_xml(a_text(MsgId=forged)).encode()

        answers = [
            await ingester.client.post(WECHAT, params=signed, content=body)
            for signed in (query(token="guess", name="signature"), query(token="plain"), {})
        ]

        assert [said(one) for one in answers] == [(403, "application/json", FORBIDDEN)] * 3
        await wechat_says(ingester, a_text(MsgId=good))
        ids = await ids_in_kafka(ingester)
        assert f"{PLAIN_APP}:{good}" in ids
        assert f"{PLAIN_APP}:{forged}" not in ids

    async def test_an_app_with_a_key_is_not_heard_in_plain(self, ingester: RunningIngester) -> None:
        body = as_xml(a_text()).encode()

        answer = await ingester.client.post(WECHAT, params=query(name="signature"), content=body)

        assert said(answer) == (403, "application/json", FORBIDDEN)

    async def test_a_text_sealed_for_another_app_is_forbidden(
        self, ingester: RunningIngester
    ) -> None:
        secret = sealed(as_xml(a_text()), "wx_foreign")
        signed = query(name="signature") | query(secret)

        answer = await ingester.client.post(
            WECHAT, params=signed, content=as_xml({"Encrypt": secret}).encode()
        )

        assert said(answer) == (403, "application/json", FORBIDDEN)

    @pytest.mark.parametrize("app_id", [PLAIN_APP, SEALING_APP])
    @pytest.mark.parametrize("minutes", [6, -6])
    async def test_what_was_signed_at_another_time_is_forbidden_and_counted(
        self, ingester: RunningIngester, app_id: str, minutes: int
    ) -> None:
        before = await ingester.metric(REPLAYED)

        answer = await wechat_says(
            ingester, a_text(), app_id=app_id, ago=timedelta(minutes=minutes)
        )

        assert said(answer) == (403, "application/json", FORBIDDEN)
        assert await ingester.metric(REPLAYED) == before + 1

    @pytest.mark.parametrize(
        "body", [b"", b"nonsense", b"\xff", b"[" * 100_000, b'<!DOCTYPE x [<!ENTITY a "b">]><xml/>']
    )
    async def test_what_is_no_push_is_refused_in_plain_words(
        self, ingester: RunningIngester, body: bytes
    ) -> None:
        signed = query(token="plain", name="signature")

        answer = await ingester.client.post(WECHAT, params=signed, content=body)

        assert answer.status_code == 400
        assert answer.json()["data"] == {"field": "body"}

    async def test_without_apps_nobody_is_heard(self, an_ingester: StartIngester) -> None:
        ingester = await an_ingester()

        answer = await wechat_says(ingester, a_text())

        assert said(answer) == (403, "application/json", FORBIDDEN)

    async def test_while_kafka_is_away_the_provider_is_asked_to_come_again(
        self, an_ingester: StartIngester
    ) -> None:
        ingester = await an_ingester(
            **APPS, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1", ready_at="/healthz"
        )

        answer = await wechat_says(ingester, a_text())

        assert answer.status_code == 503
        assert answer.json()["code"] == 503
