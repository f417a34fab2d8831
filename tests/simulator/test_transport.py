"""What can go wrong on the connection itself (section 7.1), as a client sees it."""

import asyncio
import time

import aiohttp
import httpx
import pytest

from simulator.app import running
from tests.eventually import eventually, seconds
from tests.simulator.product import NUMBER, SOMEONE, TOKEN, Json, Product, a_product, settings

ALL = ("sent", "delivered", "read")


async def the_only_message(product: Product) -> Json:
    [message] = (await product.order("GET", "ledger/messages")).body["items"]
    return message


async def test_a_reset_before_is_seen_as_such_and_nothing_was_accepted(product: Product) -> None:
    await product.knobs(net_reset_before=1)

    with pytest.raises(aiohttp.ClientOSError) as reset:
        await product.send(SOMEONE)

    assert isinstance(reset.value, ConnectionResetError | aiohttp.ClientOSError)
    counts = (await product.order("GET", "ledger")).body
    assert (counts["accepted_sends"], counts["faults"]) == (0, {"net.reset_before": 1})


async def test_a_reset_after_is_seen_as_such_and_the_message_lives(product: Product) -> None:
    await product.knobs(net_reset_after=1)

    with pytest.raises(aiohttp.ClientOSError):
        await product.send(SOMEONE)

    message = await the_only_message(product)
    await product.until_told(message["id"], *ALL)


async def test_other_clients_see_the_reset_too(product: Product) -> None:
    await product.knobs(net_reset_after=1)
    url = f"{product.simulator.base_url}/v24.0/{NUMBER}/messages"

    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ReadError):
            await client.post(url, json={})


async def test_a_timeout_before_gives_no_answer_and_accepts_nothing(product: Product) -> None:
    await product.knobs(net_timeout_before=1)

    with pytest.raises(TimeoutError):
        await product.send_patiently(SOMEONE, seconds=0.2, opaque="m-1")

    [call] = await product.calls(opaque="m-1")
    assert (call["decision"], call["answer"]) == ("unprocessed", 0)


async def test_a_timeout_after_gives_no_answer_but_accepts(product: Product) -> None:
    await product.knobs(net_timeout_after=1)

    with pytest.raises(TimeoutError):
        await product.send_patiently(SOMEONE, seconds=0.2, opaque="m-1")

    message = await the_only_message(product)
    await product.until_told(message["id"], *ALL)


async def test_a_held_call_is_freed_when_its_client_has_gone(product: Product) -> None:
    await product.knobs(net_timeout_after=1)
    held = asyncio.create_task(product.send(SOMEONE))
    tasks = product.simulator.server.calls_under_way
    await eventually(lambda: tasks() == 1, within=seconds(5))

    held.cancel()

    await eventually(lambda: tasks() == 0, within=seconds(5))


async def test_answers_are_slow_by_the_span_that_was_set(product: Product) -> None:
    await product.knobs(net_slow_ms=[150, 150])

    began = time.perf_counter()
    await product.send(SOMEONE)

    assert time.perf_counter() - began >= 0.15


async def test_a_dripping_answer_outlives_a_total_timeout_but_not_one_between_reads(
    product: Product,
) -> None:
    await product.knobs(net_slow_drip=1)
    url = f"{product.simulator.base_url}/v24.0/{NUMBER}"
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async with product.session.get(url, headers=headers) as response:
        first = await response.content.read(1)
        began = time.perf_counter()
        second = await response.content.read(1)

    assert (first, second) == (b"{", b'"')
    assert 0.3 <= time.perf_counter() - began < 2


async def test_server_errors_come_as_json_html_or_nothing(product: Product) -> None:
    await product.knobs(net_http_5xx=1)

    replies = [await product.send(SOMEONE, biz_opaque_callback_data=f"m-{n}") for n in range(24)]

    assert {reply.status for reply in replies} == {500, 502, 503, 504}
    kinds = {reply.headers.get("Content-Type", "").split(";")[0] for reply in replies}
    assert {"application/json", "text/html"} < kinds
    assert (await product.order("GET", "ledger")).body["accepted_sends"] == 0


async def test_a_bad_body_hides_an_acceptance(product: Product) -> None:
    await product.knobs(net_bad_body=1)
    url = f"{product.simulator.base_url}/v24.0/{NUMBER}/messages"
    body = {"messaging_product": "whatsapp", "to": SOMEONE, "text": {"body": "hi"}}
    found: set[bytes] = set()

    for number in range(12):
        send = {**body, "biz_opaque_callback_data": f"m-{number}"}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with product.session.post(url, json=send, headers=headers) as response:
            assert response.status == 200
            found.add((await response.read())[:2])

    assert found == {b'{"', b"ok", b"{}"}
    assert (await product.order("GET", "ledger")).body["accepted_sends"] == 12


@pytest.mark.parametrize("value", ["0", "86400", "soon"])
async def test_retry_after_has_the_value_that_was_set(product: Product, value: str) -> None:
    await product.knobs(net_retry_after=value, wa_refuse=130429)

    throttled = await product.send(SOMEONE)
    await product.knobs(net_http_5xx=1)
    broken = await product.send(SOMEONE)

    assert throttled.headers["Retry-After"] == broken.headers["Retry-After"] == value


async def test_retry_after_may_be_a_date_and_is_not_there_by_default(product: Product) -> None:
    await product.knobs(wa_refuse=130429)
    without = await product.send(SOMEONE)
    await product.knobs(net_retry_after="date")
    dated = await product.send(SOMEONE)

    assert "Retry-After" not in without.headers
    assert dated.headers["Retry-After"].endswith("GMT")


@pytest.mark.parametrize("kind", ["5xx", "reset", "timeout"])
async def test_in_an_outage_every_call_fails_until_its_span_is_over(
    product: Product, kind: str
) -> None:
    await product.order("PATCH", "knobs?for_s=60", {"net.outage": kind})

    if kind == "5xx":
        assert (await product.send(SOMEONE)).status >= 500
    else:
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            await product.send_patiently(SOMEONE, seconds=0.2, opaque="m-1")
    await product.order("POST", "clock", {"advance_s": 61})

    assert (await product.send(SOMEONE)).status == 200


async def test_a_redirect_leads_to_another_host_where_no_token_may_go(product: Product) -> None:
    await product.knobs(net_redirect=1)
    url = f"{product.simulator.base_url}/v24.0/{NUMBER}/messages"

    async with httpx.AsyncClient() as client:
        answer = await client.post(url, json={})
        target = answer.headers["location"]
        await client.post(target, json={})
        careful = await product.verdict()
        await client.post(target, json={}, headers={"Authorization": "Bearer x"})
        careless = await product.verdict()

    assert answer.status_code == 302
    assert httpx.URL(target).host != httpx.URL(url).host
    assert careful["token_stays_home"] == {"ok": True}
    assert careless["token_stays_home"] == {"ok": False}


async def test_the_port_is_closed_for_a_while_and_opens_again(product: Product) -> None:
    await product.knobs(net_refuse=0.3)

    async def is_refused() -> bool:
        try:
            await product.send(SOMEONE)
        except aiohttp.ClientConnectorError as error:
            return isinstance(error.os_error, ConnectionRefusedError)
        except aiohttp.ClientError:
            return False
        return False

    async def is_back() -> bool:
        return not await is_refused()

    assert await eventually(is_refused, within=seconds(2))
    assert await eventually(is_back, within=seconds(2))
    assert (await product.order("GET", "knobs")).body["net.refuse"] == 0


async def test_two_simulators_live_side_by_side() -> None:
    async with a_product() as product, running(settings()) as other:
        await product.send(SOMEONE)

        assert product.simulator.base_url != other.base_url
        assert not other.world.ledger.messages
