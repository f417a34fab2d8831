"""What providers meet at our door: over real HTTP, with a real broker behind it."""

import json
from collections.abc import AsyncGenerator

import pytest

from providers.whatsapp.signature import sign
from schemas.topics.provider_events import MessageReceived
from tests.eventually import eventually, seconds
from tests.providers.whatsapp.bodies import (
    a_change,
    a_flat_status,
    a_message,
    a_status,
    an_envelope,
    encoded,
)
from tests.services.ingest_webhook.ingesters import (
    FLAT,
    GRAPH,
    SECRET,
    TEXT,
    VERIFY_TOKEN,
    RunningIngester,
    StartIngester,
    a_callback,
    a_provider_id,
    events_in_kafka,
    provider_ids,
    said,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


PROOF = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}


async def in_chunks(body: bytes) -> AsyncGenerator[bytes]:
    for start in range(0, len(body), 64 * 1_024):
        yield body[start : start + 64 * 1_024]


class TestTakingIn:
    async def test_after_the_ok_a_consumer_can_read_every_event(
        self, ingester: RunningIngester
    ) -> None:
        ids = [a_provider_id() for _ in range(1_000)]
        statuses = [a_status(id=provider_id) for provider_id in ids]
        body = encoded(an_envelope(a_change(statuses=statuses)))

        answer = await ingester.post(body)

        assert said(answer) == (200, TEXT, "OK")
        assert set(ids) <= set(await provider_ids(ingester))

    async def test_a_person_who_writes_to_us_is_heard(self, ingester: RunningIngester) -> None:
        provider_id = a_provider_id()
        words = {"body": "你好, does it come in another color?"}
        body = encoded(an_envelope(a_change(messages=[a_message(id=provider_id, text=words)])))

        answer = await ingester.post(body)

        assert answer.status_code == 200
        events = await events_in_kafka(ingester.bootstrap)
        heard = {e.provider_message_id: e.content for e in events if isinstance(e, MessageReceived)}
        assert heard[provider_id] == words

    @pytest.mark.parametrize(
        ("path", "content_type", "text"),
        [(GRAPH, TEXT, "OK"), (FLAT, "application/json", '{"code":200,"message":"success"}')],
    )
    async def test_both_addresses_take_both_shapes(
        self, ingester: RunningIngester, path: str, content_type: str, text: str
    ) -> None:
        flat, graph = a_provider_id(), a_provider_id()

        flat_answer = await ingester.post(encoded(a_flat_status(messageId=flat)), path=path)
        graph_answer = await ingester.post(a_callback(graph), path=path)

        assert said(flat_answer) == said(graph_answer) == (200, content_type, text)
        assert {flat, graph} <= set(await provider_ids(ingester))

    async def test_what_is_unknown_is_taken_and_counted(self, ingester: RunningIngester) -> None:
        sample = 'ingest_events_total{type="notice.received"}'
        before = await ingester.metric(sample)
        body = encoded(an_envelope(a_change(statuses=[a_status(status="played")])))

        answer = await ingester.post(body)

        assert said(answer) == (200, TEXT, "OK")
        assert await ingester.metric(sample) == before + 1


class TestRefusing:
    @pytest.mark.parametrize(
        ("path", "content_type", "text"),
        [
            (GRAPH, TEXT, "Forbidden"),
            (FLAT, "application/json", '{"code": 403, "message": "Forbidden", "data": null}'),
        ],
    )
    async def test_a_wrong_signature_is_forbidden_and_nothing_is_produced(
        self, ingester: RunningIngester, path: str, content_type: str, text: str
    ) -> None:
        forged, good = a_provider_id(), a_provider_id()
        by_another = sign(a_callback(forged), b"another secret")

        answer = await ingester.post(a_callback(forged), path=path, signature=by_another)

        assert said(answer) == (403, content_type, text)
        await ingester.post(a_callback(good))
        ids = await provider_ids(ingester)
        assert good in ids
        assert forged not in ids

    async def test_without_a_signature_nothing_is_read(self, ingester: RunningIngester) -> None:
        answer = await ingester.client.post(GRAPH, content=a_callback(a_provider_id()))

        assert said(answer) == (403, TEXT, "Forbidden")

    async def test_a_byte_changed_on_the_way_is_noticed(self, ingester: RunningIngester) -> None:
        body = a_callback(a_provider_id())
        changed = body.replace(b"delivered", b"delivereD")

        answer = await ingester.post(changed, signature=sign(body, SECRET.encode()))

        assert answer.status_code == 403

    @pytest.mark.parametrize("how", ["at once", "in chunks"])
    async def test_a_body_beyond_the_limit_is_too_large(
        self, ingester: RunningIngester, how: str
    ) -> None:
        body = b" " * (3 * 1_024 * 1_024) + b"{"

        answer = await ingester.client.post(
            GRAPH,
            content=body if how == "at once" else in_chunks(body),
            headers={"X-Hub-Signature-256": sign(body, SECRET.encode())},
        )

        assert said(answer) == (413, TEXT, "body: larger than 3145728 bytes")

    async def test_a_body_up_to_the_limit_is_taken(self, ingester: RunningIngester) -> None:
        provider_id = a_provider_id()
        body = a_callback(provider_id)

        answer = await ingester.post(b" " * (3 * 1_024 * 1_024 - len(body)) + body)

        assert answer.status_code == 200
        assert provider_id in await provider_ids(ingester)

    async def test_authentic_bytes_that_are_no_callback_are_refused_in_plain_words(
        self, ingester: RunningIngester
    ) -> None:
        answer = await ingester.post(b"nonsense")

        assert answer.status_code == 400
        assert answer.headers["content-type"] == TEXT
        assert answer.text.startswith("body: not JSON: ")

    async def test_a_flat_status_with_a_wrong_field_is_refused_by_its_name(
        self, ingester: RunningIngester
    ) -> None:
        answer = await ingester.post(encoded(a_flat_status(timestamp="yesterday")), path=FLAT)

        assert answer.status_code == 400
        assert json.loads(answer.text) == {
            "code": 400,
            "message": "timestamp: neither Unix seconds nor ISO 8601",
            "data": {"field": "timestamp"},
        }


class TestProvingTheAddress:
    async def test_the_right_token_gets_the_bare_challenge(self, ingester: RunningIngester) -> None:
        answer = await ingester.client.get(
            GRAPH,
            params={
                "hub.mode": "subscribe",
                "hub.verify_token": VERIFY_TOKEN,
                "hub.challenge": "1158201444",
            },
        )

        assert said(answer) == (200, TEXT, "1158201444")

    @pytest.mark.parametrize(
        ("mode", "token"),
        [
            ("subscribe", "wrong"),
            ("subscribe", ""),
            ("subscribe", "ünïcode"),
            ("unsubscribe", VERIFY_TOKEN),
            ("", VERIFY_TOKEN),
        ],
    )
    async def test_a_wrong_token_or_mode_is_forbidden(
        self, ingester: RunningIngester, mode: str, token: str
    ) -> None:
        answer = await ingester.client.get(
            GRAPH,
            params={"hub.mode": mode, "hub.verify_token": token, "hub.challenge": "1158201444"},
        )

        assert said(answer) == (403, TEXT, "Forbidden")

    async def test_a_question_without_anything_is_forbidden(
        self, ingester: RunningIngester
    ) -> None:
        answer = await ingester.client.get(GRAPH)

        assert said(answer) == (403, TEXT, "Forbidden")

    async def test_a_body_beside_the_question_is_not_read(self, ingester: RunningIngester) -> None:
        answer = await ingester.client.request("GET", GRAPH, content=b"\xff" * 100)

        assert answer.status_code == 403


class TestSettings:
    async def test_while_a_secret_is_changed_both_are_accepted(
        self, an_ingester: StartIngester
    ) -> None:
        ingester = await an_ingester(
            WHATSAPP_APP_SECRET="new", WHATSAPP_APP_SECRET_PREVIOUS=f"older, {SECRET}"
        )
        body = a_callback(a_provider_id())

        answers = [
            await ingester.post(body, signature=sign(body, secret.encode()))
            for secret in ("new", SECRET, "older", "never")
        ]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 403]

    async def test_each_app_signs_with_its_own_secret_and_proves_its_own_token(
        self, an_ingester: StartIngester
    ) -> None:
        ingester = await an_ingester(
            WHATSAPP_APP_SECRET="one, two", WHATSAPP_WEBHOOK_VERIFY_TOKEN="first,second"
        )
        body = a_callback(a_provider_id())

        taken = [
            await ingester.post(body, signature=sign(body, secret.encode()))
            for secret in ("one", "two", "one, two", "")
        ]
        proven = [
            await ingester.client.get(GRAPH, params=PROOF | {"hub.verify_token": token})
            for token in ("first", "second", "first,second", "")
        ]

        assert [answer.status_code for answer in taken] == [200, 200, 403, 403]
        assert [answer.status_code for answer in proven] == [200, 200, 403, 403]

    async def test_a_caller_who_trickles_takes_no_place_and_is_hung_up_on(
        self, an_ingester: StartIngester
    ) -> None:
        ingester = await an_ingester(INGEST_IN_FLIGHT="1", INGEST_BODY_WITHIN="PT0.5S")
        slow = await ingester.begin(a_callback(a_provider_id()), hold_back=1)

        answer = await ingester.post(a_callback(a_provider_id()))

        assert answer.status_code == 200
        assert await slow.answer() == b"HTTP/1.1 408 Request Timeout"

    async def test_a_caller_who_hangs_up_gives_its_bytes_back(
        self, an_ingester: StartIngester
    ) -> None:
        size = 2_048
        ingester = await an_ingester(INGEST_BODY_BYTES=f"{size}", INGEST_IN_FLIGHT_BYTES=f"{size}")
        gone = await ingester.begin(b" " * size, hold_back=1)

        async def has_no_room() -> bool:
            return (await ingester.post(a_callback(a_provider_id()))).status_code == 503

        async def has_room() -> bool:
            return not await has_no_room()

        await eventually(has_no_room, within=seconds(5))
        await gone.hang_up()

        await eventually(has_room, within=seconds(5))
