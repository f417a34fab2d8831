"""Registering callbacks, and what can be looked up (section 2.1; WA 7.1 and 7.2)."""

import pytest

from tests.simulator.product import (
    APP,
    NUMBER,
    OTHER_NUMBER,
    READER,
    VERIFY_TOKEN,
    WABA,
    Product,
    Receiver,
    Reply,
    listening,
)


async def subscribe(product: Product, url: str, verify_token: str = VERIFY_TOKEN) -> Reply:
    query = f"object=whatsapp_business_account&callback_url={url}&verify_token={verify_token}"
    return await product.call("POST", f"{APP}/subscriptions?{query}&fields=messages")


async def test_an_app_is_subscribed_when_its_callback_returns_the_challenge(
    product: Product,
) -> None:
    other = Receiver()
    async with listening(other) as address:
        reply = await subscribe(product, f"{address}/hook")
        await product.send(READER)
        await product.order("POST", "clock", {"advance_s": 1})
        await product.order("POST", "flush")

        assert (reply.status, reply.body) == (200, {"success": True})
        assert len(other.taken) == 3
        assert product.taken == []


async def test_a_callback_that_refuses_the_token_is_not_registered(product: Product) -> None:
    async with listening(Receiver()) as address:
        reply = await subscribe(product, f"{address}/hook", "another")

    assert (reply.status, reply.code) == (400, 2200)
    assert "HTTP Status Code = 403" in reply.body["error"]["message"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook", "no-url-at-all"])
async def test_a_callback_that_cannot_be_reached_is_not_registered(
    product: Product, url: str
) -> None:
    reply = await subscribe(product, url)

    assert reply.code == 2200


async def test_number_account_and_app_have_their_own_callbacks_in_this_order(
    product: Product,
) -> None:
    account, number = Receiver(), Receiver()
    async with listening(account) as of_account, listening(number) as of_number:
        override = {"override_callback_uri": of_account, "verify_token": VERIFY_TOKEN}
        await product.call("POST", f"{WABA}/subscribed_apps", override)
        override = {"override_callback_uri": of_number, "verify_token": VERIFY_TOKEN}
        await product.call("POST", OTHER_NUMBER, {"webhook_configuration": override})

        await product.send("+16505559026", sender=NUMBER)
        await product.send("+16505559026", sender=OTHER_NUMBER)
        await product.order("POST", "clock", {"advance_s": 1})
        await product.order("POST", "flush")

        assert [len(taken) for taken in (number.taken, account.taken, product.taken)] == [1, 1, 0]


async def test_an_account_cannot_override_what_no_app_has_subscribed(product: Product) -> None:
    await product.order("PUT", "callback", {"url": None})

    override = {"override_callback_uri": "http://127.0.0.1:9/", "verify_token": "x"}
    reply = await product.call("POST", f"{WABA}/subscribed_apps", override)

    assert reply.code == 100
    assert reply.body["error"]["message"].startswith("(#100) Before override the current")


async def test_the_registration_of_the_input_documents_does_not_exist(product: Product) -> None:
    reply = await product.call("POST", f"{WABA}/subscriptions", {"callback_url": "x"})

    assert reply.code == 2500
    assert reply.body["error"]["message"] == "Unknown path components: /subscriptions"


async def test_a_number_can_be_looked_up_field_by_field(product: Product) -> None:
    everything = await product.call("GET", NUMBER)
    chosen = await product.call("GET", f"{NUMBER}?fields=throughput,quality_rating")
    unknown = await product.call("GET", f"{NUMBER}?fields=shoe_size")
    nobody = await product.call("GET", "999999999999999")

    assert everything.body["display_phone_number"] == "+15550783881"
    assert chosen.body.keys() == {"id", "throughput", "quality_rating"}
    assert (unknown.code, nobody.code) == (100, 100)


async def test_templates_are_listed_page_by_page(product: Product) -> None:
    first = await product.call("GET", f"{WABA}/message_templates?limit=1")
    after = first.body["paging"]["cursors"]["after"]
    second = await product.call("GET", f"{WABA}/message_templates?limit=1&after={after}")

    names = [page.body["data"][0]["name"] for page in (first, second)]
    assert names == ["order_status_update", "appointment_reminder"]
    assert "next" in first.body["paging"]
    assert "next" not in second.body["paging"]
    assert first.body["data"][0]["status"] == "APPROVED"
