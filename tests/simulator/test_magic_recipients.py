"""What the last four digits of +1 650 555 xxxx choose (section 6, second way)."""

import aiohttp
import pytest

from simulator.whatsapp import magic
from tests.simulator.product import Product, a_product

ALL = ("sent", "delivered", "read")

TOLD: dict[str, tuple[str, ...]] = {
    "0000": ALL,
    "5999": ALL,
    "6000": ("sent", "delivered"),
    "7000": ("sent", "read"),
    "7100": ("sent",),
    "7200": (),
    "7400": ("read", "delivered", "sent"),
    "7500": ALL,
    "8100": ALL,
    "9000": ("sent", "failed"),
    "9026": ("failed",),
    "9047": ("failed",),
    "9049": ("failed",),
    "9050": ("failed",),
    "9053": ("failed",),
    "9998": ALL,
}


@pytest.mark.parametrize(("tail", "names"), TOLD.items())
async def test_the_last_four_digits_choose_what_is_told(
    product: Product, tail: str, names: tuple[str, ...]
) -> None:
    await product.knobs(wa_webhook_workers=1)

    reply = await product.send(f"+1650555{tail}")
    await product.nothing_more_is_told()

    assert reply.status == 200
    told = await product.until_told(reply.message_id, *names)
    if tail.startswith("90"):
        assert told[-1]["errors"][0]["code"] == 131000 + int(tail[2:])


async def test_chance_has_no_say_in_what_becomes_of_them() -> None:
    async with a_product() as product:
        await product.knobs(wa_fail_async=1, wa_lost_ratio=1, wa_read_ratio=0, wa_dup_rate=1)

        reply = await product.send("+16505550001")

        await product.until_told(reply.message_id, *ALL)


async def test_7300_gets_every_status_twice(product: Product) -> None:
    await product.knobs(wa_dup_delay=[0.05, 0.05])

    reply = await product.send("+16505557300")

    await product.until_told(reply.message_id, *ALL, *ALL)
    first, second = product.told(reply.message_id)[:3], product.told(reply.message_id)[3:]
    assert first == second


async def test_7500_is_told_before_the_send_is_answered(product: Product) -> None:
    reply = await product.send("+16505557500")

    assert product.names_told(reply.message_id)[:1] == ["sent"]


async def test_7600_is_accepted_but_never_answered(product: Product) -> None:
    with pytest.raises(TimeoutError):
        await product.send_patiently("+16505557600", seconds=0.2, opaque="m-7600")

    [call] = await product.calls(opaque="m-7600")
    assert (call["decision"], call["fault"], call["answer"]) == ("accepted", "net.timeout_after", 0)
    [message] = (await product.order("GET", "ledger/messages?opaque=m-7600")).body["items"]
    await product.until_told(message["id"], *ALL)


async def test_7700_is_cut_off_before_it_is_accepted(product: Product) -> None:
    with pytest.raises(aiohttp.ClientError):
        await product.send("+16505557700", biz_opaque_callback_data="m-7700")

    [call] = await product.calls(opaque="m-7700")
    assert (call["decision"], call["fault"]) == ("unprocessed", "net.reset_before")


async def test_7800_fails_once_and_7900_twice_for_each_message(product: Product) -> None:
    broken = [await product.send("+16505557800", biz_opaque_callback_data="a") for _ in range(2)]
    busy = [await product.send("+16505557900", biz_opaque_callback_data="b") for _ in range(3)]
    other = await product.send("+16505557900", biz_opaque_callback_data="c")

    assert broken[0].status >= 500
    assert broken[1].status == 200
    assert [reply.status for reply in busy] == [400, 400, 200]
    assert busy[0].code == other.code == 130429


async def test_8000_is_refused_for_six_seconds(product: Product) -> None:
    at_once = await product.send("+16505558000")
    await product.order("POST", "clock", {"advance_s": 5})
    too_early = await product.send("+16505558000")
    await product.order("POST", "clock", {"advance_s": 1.1})
    later = await product.send("+16505558000")

    assert (at_once.code, too_early.code, later.status) == (131056, 131056, 200)


@pytest.mark.parametrize(
    ("tail", "status", "code"), [("9100", 400, 100), ("9190", 401, 190), ("9368", 403, 368)]
)
async def test_some_are_refused_at_once(
    product: Product, tail: str, status: int, code: int
) -> None:
    reply = await product.send(f"+1650555{tail}")

    assert (reply.status, reply.code) == (status, code)


async def test_9999_is_delivered_an_hour_after_sent(product: Product) -> None:
    reply = await product.send("+16505559999")
    await product.until_told(reply.message_id, "sent")

    await product.order("POST", "clock", {"advance_s": 3580})
    await product.nothing_more_is_told()
    assert product.names_told(reply.message_id) == ["sent"]
    await product.order("POST", "clock", {"advance_s": 20})

    sent, delivered, _ = await product.until_told(reply.message_id, *ALL)
    assert 3599 <= int(delivered["timestamp"]) - int(sent["timestamp"]) <= 3601


def test_numbers_elsewhere_are_not_magic() -> None:
    assert magic.row_of("16505560001") is None
    assert magic.row_of("4915112345678") is None
    assert magic.row_of("16505550001") == 0


def test_the_rows_neither_overlap_nor_stand_out_of_order() -> None:
    edges = [edge for row in magic.TABLE for edge in (row.first, row.last)]

    assert edges == sorted(edges)
