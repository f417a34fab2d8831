"""Who does not know the secret is not heard (S1)."""

import pytest

from providers.whatsapp.signature import sign
from tests.services.ingest_webhook.ingesters import (
    GRAPH,
    SECRET,
    TEXT,
    RunningIngester,
    StartIngester,
    a_callback,
    a_provider_id,
    provider_ids,
    said,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


def signed(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": sign(body, SECRET.encode())}


class TestForging:
    @pytest.mark.parametrize(
        "forged_as",
        [
            pytest.param("", id="empty"),
            pytest.param("sha256={cut}", id="cut by a digit"),
            pytest.param("sha256=", id="no digits"),
            pytest.param("{digits}", id="no prefix"),
            pytest.param("sha256={digits}0", id="a digit more"),
            pytest.param("sha1={digits}", id="another hash"),
            pytest.param("sha256=" + "0" * 64, id="made up"),
            pytest.param("sha256={digits}, sha256={digits}", id="twice"),
        ],
    )
    async def test_nothing_but_the_right_signature_is_heard(
        self, ingester: RunningIngester, forged_as: str
    ) -> None:
        forged, good = a_provider_id(), a_provider_id()
        body = a_callback(forged)
        digits = sign(body, SECRET.encode()).removeprefix("sha256=")
        signature = forged_as.format(digits=digits, cut=digits[:-1])

        answer = await ingester.client.post(
            GRAPH, content=body, headers={"X-Hub-Signature-256": signature}
        )

        assert said(answer) == (403, TEXT, "Forbidden")
        await ingester.post(a_callback(good))
        ids = await provider_ids(ingester)
        assert good in ids
        assert forged not in ids

    async def test_no_byte_of_the_body_may_differ(self, ingester: RunningIngester) -> None:
        altered, good = a_provider_id(), a_provider_id()
        body = a_callback(altered)
        changed = [
            body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
            for place in range(0, len(body), 7)
        ]
        headers = signed(body)

        answers = [
            await ingester.client.post(GRAPH, content=one, headers=headers) for one in changed
        ]

        assert {answer.status_code for answer in answers} == {403}
        await ingester.post(a_callback(good))
        ids = await provider_ids(ingester)
        assert good in ids
        assert altered not in ids

    async def test_a_secret_that_was_removed_signs_no_more(
        self, an_ingester: StartIngester
    ) -> None:
        ingester = await an_ingester(WHATSAPP_APP_SECRET="new", WHATSAPP_APP_SECRET_PREVIOUS="")

        answer = await ingester.post(a_callback(a_provider_id()))

        assert answer.status_code == 403
