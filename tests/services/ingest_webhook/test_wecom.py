"""What WeCom meets at our door: over real HTTP, with a real broker behind it (IM-28, PC-11)."""

import json
import time
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from schemas.topics.provider_events import MessageReceived, NoticeReceived
from tests.providers.tencent.sealed import (
    ENCODING_AES_KEY,
    OTHER_KEY,
    encrypted,
    key_of,
    packed,
    padded,
    sealed,
)
from tests.providers.wecom.bodies import a_message, a_press, an_event, as_xml
from tests.services.ingest_webhook.ingesters import (
    TEXT,
    RunningIngester,
    StartIngester,
    events_in_kafka,
    said,
)
from tests.services.ingest_webhook.tencent_callers import (
    APPS,
    CORP,
    FORBIDDEN,
    OTHER_CORP,
    WECOM,
    a_msg_id,
    post_sealed,
    query,
    wecom_says,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

REPLAYED = 'ingest_callbacks_total{outcome="replayed"}'
OTHER_REFUSED = 'ingest_callbacks_total{outcome="forbidden"}'


@pytest.fixture
def ingester(tencent_ingester: RunningIngester) -> RunningIngester:
    """Return the one that hears them."""
    return tencent_ingester


async def messages_of(ingester: RunningIngester) -> dict[str, MessageReceived]:
    events = await events_in_kafka(ingester.bootstrap)
    return {e.provider_message_id: e for e in events if isinstance(e, MessageReceived)}


async def in_chunks(body: bytes) -> AsyncGenerator[bytes]:
    yield body[:100]
    yield body[100:]


class TestProvingTheAddress:
    async def test_the_echo_is_given_back_bare_and_at_once(self, ingester: RunningIngester) -> None:
        echo = sealed("1616140317555161061", CORP)
        began = time.monotonic()

        answer = await ingester.client.get(WECOM, params=query(echo) | {"echostr": echo})

        assert said(answer) == (200, TEXT, "1616140317555161061")
        assert time.monotonic() - began < 1

    async def test_each_company_proves_its_own(self, ingester: RunningIngester) -> None:
        echo = sealed("17", OTHER_CORP, key_of(OTHER_KEY))
        signed = query(echo, token="other")

        answer = await ingester.client.get(WECOM, params=signed | {"echostr": echo})

        assert said(answer) == (200, TEXT, "17")

    @pytest.mark.parametrize("missing", ["msg_signature", "timestamp", "nonce", "echostr"])
    async def test_a_question_that_lacks_something_is_forbidden(
        self, ingester: RunningIngester, missing: str
    ) -> None:
        echo = sealed("17", CORP)
        asked = query(echo) | {"echostr": echo}
        del asked[missing]

        answer = await ingester.client.get(WECOM, params=asked)

        assert said(answer) == (403, "application/json", FORBIDDEN)

    async def test_an_echo_of_another_signature_is_forbidden(
        self, ingester: RunningIngester
    ) -> None:
        signed, other = sealed("17", CORP), sealed("18", CORP)

        answer = await ingester.client.get(WECOM, params=query(signed) | {"echostr": other})

        assert said(answer) == (403, "application/json", FORBIDDEN)

    async def test_an_old_question_is_forbidden_and_counted(
        self, ingester: RunningIngester
    ) -> None:
        before = await ingester.metric(REPLAYED)
        echo = sealed("17", CORP)
        signed = query(echo, ago=timedelta(minutes=6))

        answer = await ingester.client.get(WECOM, params=signed | {"echostr": echo})

        assert said(answer) == (403, "application/json", FORBIDDEN)
        assert await ingester.metric(REPLAYED) == before + 1


class TestTakingIn:
    async def test_a_members_answer_is_in_kafka_before_the_empty_200(
        self, ingester: RunningIngester
    ) -> None:
        msg_id = a_msg_id()

        answer = await wecom_says(ingester, a_message(MsgId=msg_id, Content="修改"))

        assert (answer.status_code, answer.content) == (200, b"")
        heard = (await messages_of(ingester))[f"{CORP}:{msg_id}"]
        assert (heard.author, heard.choice, heard.sender_id) == ("zhangsan", "modify", f"{CORP}.1")

    async def test_the_json_form_is_taken_too(self, ingester: RunningIngester) -> None:
        msg_id = a_msg_id()
        secret = sealed(json.dumps(a_message(MsgId=msg_id)), CORP)
        body = {"tousername": CORP, "encrypt": secret, "agentid": "1"}

        answer = await ingester.client.post(WECOM, params=query(secret), json=body)

        assert (answer.status_code, answer.content) == (200, b"")
        assert f"{CORP}:{msg_id}" in await messages_of(ingester)

    async def test_another_company_is_heard_beside(self, ingester: RunningIngester) -> None:
        msg_id = a_msg_id()

        await wecom_says(ingester, a_message(MsgId=msg_id, AgentID=...), corp=OTHER_CORP)

        heard = (await messages_of(ingester))[f"{OTHER_CORP}:{msg_id}"]
        assert heard.sender_id == f"{OTHER_CORP}.7"

    async def test_a_pressed_button_and_an_event_are_heard(self, ingester: RunningIngester) -> None:
        task, customer = f"preview-{a_msg_id()}", f"wo{a_msg_id()}"

        await wecom_says(ingester, a_press(TaskId=task))
        await wecom_says(ingester, an_event(ExternalUserID=customer))

        assert task in {event.about for event in (await messages_of(ingester)).values()}
        events = await events_in_kafka(ingester.bootstrap)
        notices = {event.about: event for event in events if isinstance(event, NoticeReceived)}
        assert notices[customer].kind == "change_external_contact.del_follow_user"

    async def test_a_repetition_is_taken_and_is_the_same_event(
        self, ingester: RunningIngester
    ) -> None:
        customer = f"wo{a_msg_id()}"

        answers = [await wecom_says(ingester, an_event(ExternalUserID=customer)) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200] * 3
        events = await events_in_kafka(ingester.bootstrap)
        ids = [e.notice_id for e in events if isinstance(e, NoticeReceived) and e.about == customer]
        assert len(ids) == 3
        assert len(set(ids)) == 1


class TestRefusing:
    @pytest.mark.parametrize(
        "secret",
        [
            "",
            "nonsense",
            sealed(as_xml(a_message()), "ww_foreign"),
            sealed(as_xml(a_message()), CORP, key_of(OTHER_KEY)),
            sealed(as_xml(a_message()), CORP)[:-3],
            encrypted(packed(b"x" * 5) + b"\x00" * 32),
            encrypted(packed(b"x" * 4) + bytes([33]) * 33),
            encrypted(padded(packed(b"x" * 5, length=2**32 - 1), 32)),
            encrypted(padded(packed(b"\xff\xfe\xfd\xfc\xfb"), 32)),
        ],
        ids=[
            "nothing",
            "no Base64",
            "foreign company",
            "foreign key",
            "cut",
            "padding 0",
            "padding 33",
            "length",
            "not UTF-8",
        ],
    )
    async def test_a_hostile_text_under_a_right_signature_is_just_forbidden(
        self, ingester: RunningIngester, secret: str
    ) -> None:
        before = await ingester.metric(OTHER_REFUSED)

        answer = await post_sealed(ingester, secret)

        assert said(answer) == (403, "application/json", FORBIDDEN)
        assert await ingester.metric(OTHER_REFUSED) == before + 1

    async def test_a_forged_callback_is_forbidden_and_nothing_is_produced(
        self, ingester: RunningIngester
    ) -> None:
        forged, good = a_msg_id(), a_msg_id()
        secret = sealed(as_xml(a_message(MsgId=forged)), CORP)
        body = as_xml({"Encrypt": secret}).encode()

        answers = [
            await ingester.client.post(WECOM, params=signed, content=body)
            for signed in (query(secret, token="guess"), query("another text"), {})
        ]

        assert [said(one) for one in answers] == [(403, "application/json", FORBIDDEN)] * 3
        await wecom_says(ingester, a_message(MsgId=good))
        ids = await messages_of(ingester)
        assert f"{CORP}:{good}" in ids
        assert f"{CORP}:{forged}" not in ids

    @pytest.mark.parametrize("minutes", [6, -6, 60 * 24])
    async def test_what_was_signed_at_another_time_is_forbidden_and_counted(
        self, ingester: RunningIngester, minutes: int
    ) -> None:
        before = await ingester.metric(REPLAYED)
        msg_id = a_msg_id()

        answer = await wecom_says(ingester, a_message(MsgId=msg_id), ago=timedelta(minutes=minutes))

        assert said(answer) == (403, "application/json", FORBIDDEN)
        assert await ingester.metric(REPLAYED) == before + 1
        assert f"{CORP}:{msg_id}" not in await messages_of(ingester)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"nonsense",
            b"\xff",
            b"[" * 100_000,
            b"<xml>" * 50_000,
            b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>',
            b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/"><xml><Encrypt>a</Encrypt></xml>',
        ],
        ids=["empty", "nonsense", "no text", "deep JSON", "deep XML", "entities", "external"],
    )
    async def test_a_hostile_envelope_is_just_forbidden(
        self, ingester: RunningIngester, body: bytes
    ) -> None:
        answer = await ingester.client.post(WECOM, params=query("x"), content=body)

        assert said(answer) == (403, "application/json", FORBIDDEN)

    async def test_an_authentic_text_that_is_no_callback_is_refused_in_plain_words(
        self, ingester: RunningIngester
    ) -> None:
        garbage = await post_sealed(ingester, sealed("garbage", CORP))
        broken = await wecom_says(ingester, a_message(MsgId=...))

        assert garbage.status_code == broken.status_code == 400
        assert garbage.json()["data"] == {"field": "body"}
        assert broken.json() == {
            "code": 400,
            "message": "MsgId: must be a text of 1 to 64 characters",
            "data": {"field": "MsgId"},
        }

    @pytest.mark.parametrize("how", ["at once", "in chunks"])
    async def test_a_body_beyond_the_limit_is_too_large(
        self, ingester: RunningIngester, how: str
    ) -> None:
        body = b" " * (256 * 1_024 + 1)

        answer = await ingester.client.post(
            WECOM, params=query("x"), content=body if how == "at once" else in_chunks(body)
        )

        assert answer.status_code == 413
        assert answer.json()["message"] == "body: larger than 262144 bytes"


class TestSettings:
    async def test_without_apps_nobody_is_heard(self, an_ingester: StartIngester) -> None:
        ingester = await an_ingester()
        echo = sealed("17", CORP)

        answers = [
            await wecom_says(ingester, a_message()),
            await ingester.client.get(WECOM, params=query(echo) | {"echostr": echo}),
        ]

        assert [said(one) for one in answers] == [(403, "application/json", FORBIDDEN)] * 2

    async def test_while_token_and_key_are_changed_old_and_new_are_accepted(
        self, an_ingester: StartIngester
    ) -> None:
        ingester = await an_ingester(
            WECOM_CALLBACK_APPS=json.dumps(
                [
                    {"corpId": CORP, "token": "new", "encodingAesKey": OTHER_KEY},
                    {"corpId": CORP, "token": "old", "encodingAesKey": ENCODING_AES_KEY},
                ]
            )
        )

        async def status_of(token: str, key: str) -> int:
            secret = sealed(as_xml(a_message(MsgId=a_msg_id())), CORP, key_of(key))
            answer = await ingester.client.post(
                WECOM,
                params=query(secret, token=token),
                content=as_xml({"Encrypt": secret}).encode(),
            )
            return answer.status_code

        assert await status_of("new", OTHER_KEY) == 200
        assert await status_of("old", ENCODING_AES_KEY) == 200
        assert await status_of("old", OTHER_KEY) == 403
        assert await status_of("gone", ENCODING_AES_KEY) == 403

    async def test_the_replay_window_is_a_setting(self, an_ingester: StartIngester) -> None:
        ingester = await an_ingester(**APPS, INGEST_REPLAY_WINDOW="PT1H")

        answers = [
            await wecom_says(ingester, a_message(), ago=timedelta(minutes=minutes))
            for minutes in (50, 70)
        ]

        assert [answer.status_code for answer in answers] == [200, 403]

    async def test_while_kafka_is_away_the_provider_is_asked_to_come_again(
        self, an_ingester: StartIngester
    ) -> None:
        ingester = await an_ingester(
            **APPS, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1", ready_at="/healthz"
        )
        began = time.monotonic()

        answer = await wecom_says(ingester, a_message())

        assert answer.status_code == 503
        assert answer.json()["code"] == 503
        assert time.monotonic() - began < 2
