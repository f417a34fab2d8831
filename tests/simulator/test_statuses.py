"""How an accepted message lives and what its statuses say (section 2.4; WA 8)."""

import pytest

from simulator.chance import Chance
from simulator.knobs import Knobs, patched
from simulator.profiles import PROFILES
from simulator.whatsapp.life import plan
from tests.simulator.product import NUMBER, SOMEONE, WABA, Product, a_product
from tests.simulator.test_sending import a_template


def lives(**knobs: object) -> list[tuple[str, ...]]:
    """Return the statuses of 400 messages, in the order in which they are told."""
    changes = {name.replace("_", ".", 1): value for name, value in knobs.items()}
    held = patched(PROFILES["perfect"], changes)
    plans = [plan(held, Chance("seed", "whatsapp", f"m-{n}"), "text") for n in range(400)]
    return [tuple(step.status for step in steps) for steps in plans]


def share(found: list[tuple[str, ...]], *life: str) -> float:
    return found.count(life) / len(found)


async def test_a_status_says_what_the_fact_sheet_says(product: Product) -> None:
    reply = await product.send(SOMEONE, biz_opaque_callback_data="m-1")

    sent, delivered, read = await product.until_told(reply.message_id, "sent", "delivered", "read")
    assert sent == {
        "id": reply.message_id,
        "status": "sent",
        "timestamp": sent["timestamp"],
        "recipient_id": SOMEONE[1:],
        "biz_opaque_callback_data": "m-1",
        "pricing": {
            "billable": False,
            "pricing_model": "PMP",
            "type": "free_customer_service",
            "category": "service",
        },
    }
    assert sent["timestamp"].isdigit()
    assert "pricing" in delivered
    assert "pricing" not in read


async def test_a_callback_says_whose_it_is(product: Product) -> None:
    reply = await product.send(SOMEONE)
    await product.until_told(reply.message_id, "sent", "delivered", "read")

    body = product.taken[0].json
    [entry] = body["entry"]
    [change] = entry["changes"]
    assert (body["object"], entry["id"]) == ("whatsapp_business_account", WABA)
    assert change["field"] == "messages"
    assert change["value"]["metadata"] == {
        "display_phone_number": "15550783881",
        "phone_number_id": NUMBER,
    }
    assert change["value"]["contacts"][0]["wa_id"] == SOMEONE[1:]


async def test_a_failure_carries_its_code_and_no_contacts(product: Product) -> None:
    reply = await product.send("+16505559049")

    [failed] = await product.until_told(reply.message_id, "failed")
    [error] = failed["errors"]
    assert error["code"] == 131049
    assert error["title"] == error["message"]
    assert error["error_data"]["details"]
    assert error["href"].startswith("/documentation/")
    assert "contacts" not in product.taken[0].changes[0]["value"]


async def test_opaque_data_comes_back_only_if_it_was_set(product: Product) -> None:
    reply = await product.send(SOMEONE)

    told = await product.until_told(reply.message_id, "sent", "delivered", "read")
    assert all("biz_opaque_callback_data" not in status for status in told)


async def test_a_template_is_charged_and_in_an_open_window_it_is_free(product: Product) -> None:
    charged = await product.send(SOMEONE, **a_template())
    await product.order("POST", "inbound", {"from": SOMEONE, "text": "hello"})
    free = await product.send(SOMEONE, **a_template())

    [sent, *_] = await product.until_told(charged.message_id, "sent", "delivered", "read")
    assert sent["pricing"] == {
        "billable": True,
        "pricing_model": "PMP",
        "type": "regular",
        "category": "utility",
    }
    [sent, *_] = await product.until_told(free.message_id, "sent", "delivered", "read")
    assert sent["pricing"]["type"] == "free_customer_service"


async def test_old_payloads_have_a_conversation_whose_expiry_stands_in_sent_only(
    product: Product,
) -> None:
    await product.knobs(wa_payload_version=20)

    reply = await product.send(SOMEONE)

    sent, delivered, read = await product.until_told(reply.message_id, "sent", "delivered", "read")
    assert len(sent["conversation"]["id"]) == 32
    assert int(sent["conversation"]["expiration_timestamp"]) == int(sent["timestamp"]) + 86_400
    assert "expiration_timestamp" not in delivered["conversation"]
    assert "conversation" not in read


async def test_of_a_reaction_only_sent_is_told(product: Product) -> None:
    reaction = {"message_id": "wamid.x", "emoji": ""}

    reply = await product.send(SOMEONE, type="reaction", text=None, reaction=reaction)
    await product.nothing_more_is_told()

    await product.until_told(reply.message_id, "sent")


async def test_the_providers_clock_may_be_wrong(product: Product) -> None:
    await product.knobs(wa_clock_skew_s=7200)

    reply = await product.send(SOMEONE)

    [sent, *_] = await product.until_told(reply.message_id, "sent", "delivered", "read")
    ahead = int(sent["timestamp"]) - product.simulator.world.clock.now()
    assert 7190 < ahead < 7210


async def test_demo_times_hold_within_their_bounds_and_at_a_hundredfold_pace() -> None:
    async with a_product(profile="demo", time_scale=100) as product:
        replies = [await product.send(f"+1650555{n:04d}") for n in range(20)]

        for reply in replies:
            await product.until_told(reply.message_id, "sent", "delivered", "read")
    for message in product.simulator.world.ledger.messages.values():
        (_, sent), (_, delivered), _ = message.life
        assert 0.15 <= sent - message.accepted_at <= 1
        assert 0 <= delivered - sent <= 5


def test_without_chance_every_message_is_read() -> None:
    assert share(lives(), "sent", "delivered", "read") == 1


@pytest.mark.parametrize(
    ("knobs", "life", "low", "high"),
    [
        ({"wa_read_ratio": 0.7}, ("sent", "delivered", "read"), 0.63, 0.77),
        ({"wa_receipts_off": 1}, ("sent", "delivered"), 1, 1),
        ({"wa_skip_delivered": 0.3}, ("sent", "read"), 0.23, 0.37),
        ({"wa_delivered_ratio": 0.8}, ("sent",), 0.14, 0.26),
        ({"wa_lost_ratio": 0.2}, (), 0.14, 0.26),
        ({"wa_fail_async": 1, "wa_fail_after_sent": 0}, ("failed",), 1, 1),
        ({"wa_fail_async": 0.2, "wa_fail_after_sent": 1}, ("sent", "failed"), 0.14, 0.26),
        (
            {"wa_fail_async": 1, "wa_fail_after_sent": 1, "wa_success_after_failed": 1},
            ("sent", "failed", "delivered"),
            1,
            1,
        ),
        ({"wa_reverse": True}, ("read", "delivered", "sent"), 1, 1),
    ],
)
def test_a_ratio_decides_which_statuses_come(
    knobs: dict[str, object], life: tuple[str, ...], low: float, high: float
) -> None:
    assert low <= share(lives(**knobs), *life) <= high


def test_shuffled_messages_have_their_statuses_in_another_order() -> None:
    found = set(lives(wa_shuffle=1))

    assert ("sent", "delivered", "read") not in found
    assert {tuple(sorted(life)) for life in found} == {("delivered", "read", "sent")}
    assert len(found) >= 2


def test_nothing_is_told_before_it_happened_even_when_disordered() -> None:
    for name in ("wa.shuffle", "wa.reverse"):
        knobs = patched(Knobs(), {name: 1 if name == "wa.shuffle" else True})
        for number in range(100):
            steps = plan(knobs, Chance("seed", "whatsapp", f"m-{number}"), "text")
            assert all(step.told_s >= step.happens_s for step in steps)


def test_repetitions_come_after_their_delay() -> None:
    knobs = patched(PROFILES["perfect"], {"wa.dup_rate": 1, "wa.dup_delay": [60, 60]})

    steps = plan(knobs, Chance("seed", "whatsapp", "m-1"), "text")

    assert [step.status for step in steps] == ["sent", "delivered", "read"] * 2
    assert all(
        later.told_s == pytest.approx(earlier.told_s + 60)
        for earlier, later in zip(steps[:3], steps[3:], strict=True)
    )


def test_sent_and_delivered_may_happen_in_the_same_second() -> None:
    knobs = patched(Knobs(), {"wa.same_second": 1, "wa.fail_async": 0})

    for number in range(50):
        steps = plan(knobs, Chance("seed", "whatsapp", f"m-{number}"), "text")
        happens = {step.status: step.happens_s for step in steps}
        if "delivered" in happens:
            assert happens["delivered"] == happens["sent"]


def test_the_codes_of_failures_are_drawn_or_given() -> None:
    drawn = {
        plan(patched(Knobs(), {"wa.fail_async": 1}), Chance("s", "w", f"m-{n}"), "text")[-1].code
        for n in range(200)
    }
    given = patched(Knobs(), {"wa.fail_async": 1, "wa.fail_code": 131042})

    assert {131026, 131049, 131053} <= drawn
    assert plan(given, Chance("s", "w", "m"), "text")[-1].code == 131042
