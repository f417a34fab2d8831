"""How callbacks are signed, grouped, repeated and spoilt (section 3)."""

import asyncio

import pytest

from simulator.whatsapp.retry_plans import PLANS, next_wait
from simulator.whatsapp.signature import sign
from tests.eventually import eventually, seconds
from tests.simulator.product import APP_SECRET, OTHER_NUMBER, SOMEONE, Product, Taken

ALL = ("sent", "delivered", "read")


def is_signed(taken: Taken) -> bool:
    return taken.headers.get("X-Hub-Signature-256") == sign(APP_SECRET.encode(), taken.raw)


async def send_many(product: Product, count: int, opaque: str | None = None) -> list[str]:
    replies = await asyncio.gather(
        *(product.send(f"+1650555{n:04d}", biz_opaque_callback_data=opaque) for n in range(count))
    )
    return [reply.message_id for reply in replies]


async def test_every_callback_is_signed_over_its_raw_bytes(product: Product) -> None:
    await product.knobs(wa_unknown_fields=1)

    [message_id] = await send_many(product, 1, "a/b 中")
    told = await eventually(lambda: len(product.told(message_id)) >= 3, within=seconds(5))

    assert told
    assert all(is_signed(taken) for taken in product.taken)
    assert all(taken.headers["Content-Type"] == "application/json" for taken in product.taken)
    assert all(taken.raw.isascii() for taken in product.taken)
    assert rb"a\/b \u4e2d" in product.taken[0].raw


@pytest.mark.parametrize("failure", [500, 503, 404, 403, 201, 204, 302])
async def test_a_callback_is_sent_again_until_it_is_answered_200(
    product: Product, failure: int
) -> None:
    await product.knobs(wa_retry_plan="fast", wa_webhook_workers=1)
    await product.order("POST", "clock", {"scale": 20})
    product.receiver.answers.extend([failure, failure])

    reply = await product.send("+16505559026")

    await product.until_told(reply.message_id, "failed", "failed", "failed")
    assert len({(taken.raw, taken.headers["X-Hub-Signature-256"]) for taken in product.taken}) == 1
    await eventually(lambda: product.simulator.outbox.pending == 0, within=seconds(2))
    judged = (await product.verdict())["callbacks"]
    assert judged["answers"] == {str(failure): 2, "200": 1}
    assert (judged["retries"], judged["states"]) == (2, {"delivered": 1})


async def test_a_receiver_that_is_away_gets_everything_when_it_is_back(product: Product) -> None:
    port = product.simulator.world.account.subscriptions.app
    await product.order("PUT", "callback", {"url": "http://127.0.0.1:9/away"})
    await product.knobs(wa_retry_plan="none")
    lost = await product.send("+16505559026")
    await eventually(
        lambda: product.simulator.world.ledger.tally.callback_states["dropped"] == 1,
        within=seconds(5),
    )

    await product.order("PUT", "callback", {"url": port})
    replayed = await product.order("POST", "replay", {"message_id": lost.message_id})

    assert replayed.body == {"replayed": [1]}
    assert (await product.verdict())["callbacks"]["answers"].get("0") >= 1


async def test_days_of_retries_pass_on_command(product: Product) -> None:
    product.receiver.always = 503
    reply = await product.send("+16505559026")
    await eventually(lambda: len(product.taken) == 2, within=seconds(5))

    for hours in (1, 24, 24 * 7):
        await product.order("POST", "clock", {"advance_s": hours * 3600})
        await product.order("POST", "flush")

    judged = (await product.verdict())["callbacks"]
    assert judged["states"] == {"dropped": 1}
    assert judged["pending"] == 0
    assert set(product.names_told(reply.message_id)) == {"failed"}


def test_retries_begin_at_once_and_become_rarer_until_the_horizon() -> None:
    waits = [next_wait(PLANS["7d"], failures, 0) for failures in range(1, 13)]

    assert waits[:5] == [0, 60, 120, 240, 480]
    assert waits[-1] == 6 * 3600
    assert next_wait(PLANS["7d"], 30, 7 * 86_400) is None
    assert next_wait(PLANS["36h"], 30, 36 * 3600) is None
    assert next_wait(PLANS["none"], 1, 0) is None
    assert [next_wait(PLANS["fast"], n, 0) for n in (1, 2, 3, 4, 5)] == [0.25, 0.5, 1, 2, 2]


async def test_updates_travel_together_up_to_the_size_of_a_batch(product: Product) -> None:
    await product.knobs(wa_batch_max=50, wa_batch_wait_ms=40, wa_webhook_workers=1)

    ids = await send_many(product, 40)

    for message_id in ids:
        await eventually(
            lambda sought=message_id: len(product.told(sought)) == 3, within=seconds(5)
        )
    sizes = [len(taken.statuses) for taken in product.taken]
    assert sum(sizes) == 120
    assert max(sizes) > 10
    assert max(sizes) <= 50


async def test_a_batch_has_a_change_for_each_number(product: Product) -> None:
    await product.knobs(wa_batch_max=10, wa_webhook_burst=3600)

    first = await product.send(SOMEONE)
    second = await product.send(SOMEONE, sender=OTHER_NUMBER)
    await product.order("POST", "clock", {"advance_s": 1})
    await product.order("POST", "flush")

    await product.until_told(first.message_id, *ALL)
    await product.until_told(second.message_id, *ALL)
    assert len(product.taken) == 1
    assert [len(change["value"]["statuses"]) for change in product.taken[0].changes] == [3, 3]


async def test_a_burst_holds_everything_and_delivers_it_at_once(product: Product) -> None:
    await product.knobs(wa_webhook_burst=3600, wa_batch_max=100)
    ids = await send_many(product, 5)
    tally = product.simulator.world.ledger.tally
    await eventually(lambda: tally.final["read"] == 5, within=seconds(5))

    assert product.taken == []
    await product.order("POST", "clock", {"advance_s": 3600})

    for message_id in ids:
        await product.until_told(message_id, *ALL)
    assert len(product.taken) == 1


async def test_a_mixed_batch_has_a_malformed_and_a_foreign_status_among_the_good(
    product: Product,
) -> None:
    await product.knobs(wa_mixed_batch=True)

    reply = await product.send("+16505559026")

    await product.until_told(reply.message_id, "failed")
    [taken] = product.taken
    assert len(taken.statuses) == 3
    assert {"id": 7, "status": None} in taken.statuses
    assert is_signed(taken)


async def test_a_forged_callback_must_be_refused_and_does_not_touch_the_true_one(
    product: Product,
) -> None:
    await product.knobs(wa_bad_signature=1, wa_webhook_workers=1)
    product.receiver.answers.extend([200, 403])

    await product.send("+16505559026")
    await eventually(lambda: len(product.taken) == 2, within=seconds(5))
    true, forged = product.taken
    verdict = await product.verdict()

    assert is_signed(true)
    assert not is_signed(forged)
    assert b'"read"' in forged.raw
    assert verdict["forged_callbacks_refused"] == {"ok": True, "answers": {"403": 1}}


async def test_a_product_that_takes_a_forged_callback_is_found_out(product: Product) -> None:
    await product.knobs(wa_bad_signature=1)

    for number in range(8):
        await product.send("+16505559026", biz_opaque_callback_data=f"m-{number}")
    await eventually(lambda: len(product.taken) == 16, within=seconds(5))

    assert (await product.verdict())["ok"] is False
    signatures = {taken.headers.get("X-Hub-Signature-256") for taken in product.taken}
    assert None in signatures


async def test_foreign_statuses_are_about_messages_we_never_sent(product: Product) -> None:
    await product.knobs(wa_foreign_ratio=1)

    reply = await product.send("+16505559026")
    await eventually(lambda: len(product.taken) == 2, within=seconds(5))

    others = [status for taken in product.taken for status in taken.statuses]
    foreign = [status for status in others if status["id"] != reply.message_id]
    assert len(foreign) == 1
    assert foreign[0]["id"] not in product.simulator.world.ledger.messages


async def test_content_of_the_future_takes_several_forms(product: Product) -> None:
    await product.knobs(wa_unknown_fields=1)

    await send_many(product, 8)
    await eventually(lambda: len(product.taken) == 24, within=seconds(5))

    bodies = b"".join(taken.raw for taken in product.taken)
    for sign_of_it in (b"future_feature", b'"warning"', b"future_events", b"hologram"):
        assert sign_of_it in bodies


async def test_flat_callbacks_go_to_the_flat_path(product: Product) -> None:
    await product.knobs(wa_flat_callbacks=True, wa_webhook_workers=1)

    read = await product.send(SOMEONE)
    await eventually(lambda: len(product.taken) == 3, within=seconds(5))
    failed = await product.send("+16505559026")
    await eventually(lambda: len(product.taken) == 4, within=seconds(5))

    first, *_, last = product.taken
    assert first.path == "/api/v1/webhooks/whatsapp/status"
    assert is_signed(first)
    assert first.json.keys() == {"messageId", "status", "timestamp"}
    assert (first.json["messageId"], first.json["status"]) == (read.message_id, "sent")
    assert first.json["timestamp"].endswith("Z")
    assert last.json["messageId"] == failed.message_id
    assert last.json["error"]["code"] == 131026


@pytest.mark.parametrize("workers", [1, 3])
async def test_workers_post_in_parallel_up_to_their_number(product: Product, workers: int) -> None:
    await product.knobs(wa_webhook_workers=workers)
    product.receiver.gate.clear()

    await send_many(product, 10)
    await eventually(lambda: product.receiver.inside == workers, within=seconds(5))
    product.receiver.gate.set()
    await eventually(lambda: len(product.taken) == 30, within=seconds(5))

    assert product.receiver.most_at_once == workers


async def test_a_slow_receiver_is_seen_in_the_verdict(product: Product) -> None:
    product.receiver.gate.clear()
    await product.send("+16505559026")
    await eventually(lambda: product.receiver.inside == 1, within=seconds(5))

    product.receiver.gate.set()
    await eventually(lambda: len(product.taken) == 1, within=seconds(5))

    await eventually(lambda: product.simulator.outbox.pending == 0, within=seconds(5))
    judged = (await product.verdict())["callbacks"]
    assert judged["answered_share"] == 1
    assert judged["p50_ms"] == judged["p99_ms"] > 10
