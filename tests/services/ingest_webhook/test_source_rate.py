"""One source's requests are bounded, whatever they ask for."""

import pytest

from tests.services.ingest_webhook.ingesters import (
    FLAT,
    GRAPH,
    TEXT,
    StartIngester,
    a_callback,
    a_provider_id,
    provider_ids,
    said,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        (GRAPH, (429, TEXT, "Too many requests")),
        (
            FLAT,
            (
                429,
                "application/json",
                '{"code": 429, "message": "Too many requests", "data": null}',
            ),
        ),
    ],
)
async def test_beyond_its_rate_a_source_is_told_when_to_come_again(
    an_ingester: StartIngester, path: str, shape: tuple[int, str, str]
) -> None:
    ingester = await an_ingester(INGEST_RATE_PER_SOURCE="0.05", INGEST_RATE_BURST="10")
    refused, good = a_provider_id(), a_provider_id()

    answers = [await ingester.post(a_callback(good), path=path) for _ in range(11)]
    last = await ingester.post(a_callback(refused), path=path)

    assert answers[0].status_code == 200
    assert said(last) == shape
    assert 0 < int(last.headers["retry-after"]) <= 20
    assert refused not in await provider_ids(ingester)


async def test_behind_a_trusted_proxy_each_caller_is_a_source(an_ingester: StartIngester) -> None:
    ingester = await an_ingester(
        INGEST_RATE_PER_SOURCE="0.05",
        INGEST_RATE_BURST="10",
        INGEST_TRUSTED_PROXIES="127.0.0.1",
    )

    async def asks(caller: str) -> int:
        headers = {"X-Forwarded-For": f"203.0.113.1, {caller}"}
        return (await ingester.client.get("/healthz", headers=headers)).status_code

    loud = [await asks("192.0.2.1") for _ in range(11)]

    assert loud[-1] == 429
    assert await asks("192.0.2.2") == 200
