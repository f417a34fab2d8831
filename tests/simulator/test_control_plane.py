"""What can be ordered and asked under /_sim (sections 6, 8 and 9)."""

import pytest

from simulator.app import running
from tests.eventually import eventually, seconds
from tests.simulator.product import (
    NUMBER,
    OTHER_NUMBER,
    READER,
    SOMEONE,
    Json,
    Product,
    a_product,
    settings,
)

ALL = ("sent", "delivered", "read")


async def test_a_double_send_is_seen_and_named(product: Product) -> None:
    await product.send(SOMEONE, biz_opaque_callback_data="m-1")
    once = await product.verdict()

    await product.send(SOMEONE, biz_opaque_callback_data="m-1")
    await product.send(SOMEONE, biz_opaque_callback_data="m-2")
    twice = await product.verdict()

    assert (once["ok"], once["no_double_send"]["doubles"]) == (True, 0)
    assert twice["ok"] is False
    assert twice["no_double_send"]["examples"] == {"m-1": 2}
    accepted = (await product.order("GET", "ledger/accepted?opaque=m-1&opaque=m-3")).body
    assert accepted == {"accepted": {"m-1": 2, "m-3": 0}}
    at_least = (await product.order("GET", "ledger/accepted?at_least=2")).body
    assert at_least == {"total": 1, "accepted": {"m-1": 2}}


async def test_a_refused_send_is_no_double_send(product: Product) -> None:
    for _ in range(3):
        await product.send("+16505557900", biz_opaque_callback_data="m-1")

    assert (await product.verdict())["no_double_send"]["accepted_sends"] == 1


async def test_trying_again_after_a_permanent_error_is_seen(product: Product) -> None:
    await product.send("+16505559100", biz_opaque_callback_data="m-1")
    first = (await product.verdict())["no_retry_of_permanent_errors"]
    await product.send("+16505559100", biz_opaque_callback_data="m-1")
    second = (await product.verdict())["no_retry_of_permanent_errors"]

    assert (first["ok"], second["ok"]) == (True, False)
    assert second["examples"] == {"m-1": 1}


async def test_messages_are_counted_by_what_truly_became_of_them(product: Product) -> None:
    for tail in ("0001", "0002", "6000", "7100", "7200", "9026"):
        await product.send(f"+1650555{tail}")
    expected = {"read": 2, "delivered": 1, "sent": 1, "accepted": 1, "failed": 1}

    async def counted() -> bool:
        return (await product.verdict())["final"] == expected

    assert await eventually(counted, within=seconds(5))


async def test_the_ledger_is_filtered_and_paged(product: Product) -> None:
    for number in range(5):
        await product.send(SOMEONE, biz_opaque_callback_data=f"m-{number}")
    await product.send(SOMEONE, sender=OTHER_NUMBER, biz_opaque_callback_data="m-5")
    await product.send("+16505559368")

    page = (await product.order("GET", f"ledger/calls?sender={NUMBER}&offset=2&limit=2")).body
    [refused] = await product.calls(decision="refused")
    [message] = (await product.order("GET", "ledger/messages?opaque=m-5")).body["items"]

    assert page["total"] == 6
    assert [item["opaque"] for item in page["items"]] == ["m-2", "m-3"]
    assert (refused["code"], refused["answer"]) == (368, 403)
    assert (message["sender"], message["recipient"]) == (OTHER_NUMBER, SOMEONE[1:])


async def test_a_callback_is_kept_with_its_attempts(product: Product) -> None:
    product.receiver.answers.append(500)
    reply = await product.send("+16505559026")
    await product.until_told(reply.message_id, "failed", "failed")

    path = f"ledger/callbacks?message_id={reply.message_id}&state=delivered"

    async def settled() -> bool:
        return (await product.order("GET", path)).body["total"] == 1

    await eventually(settled, within=seconds(5))
    [callback] = (await product.order("GET", path)).body["items"]
    assert [attempt["status"] for attempt in callback["attempts"]] == [500, 200]


async def test_counts_only_still_finds_a_double_send_and_keeps_no_records() -> None:
    async with a_product(ledger="counts") as product:
        for _ in range(2):
            reply = await product.send(SOMEONE, biz_opaque_callback_data="m-1")
            await product.until_told(reply.message_id, *ALL)

        verdict = await product.verdict()
        assert verdict["no_double_send"]["examples"] == {"m-1": 2}
        assert verdict["final"] == {"read": 2}
        for kind in ("calls", "messages", "callbacks"):
            assert (await product.order("GET", f"ledger/{kind}")).body["total"] == 0


MATCHES: dict[str, tuple[Json, Json]] = {
    "recipient": ({"recipient": SOMEONE[1:]}, {}),
    "prefix": ({"recipient_prefix": "4915"}, {}),
    "suffix": ({"recipient_suffix": "678"}, {}),
    "sender": ({"sender": NUMBER}, {}),
    "text": ({"text_contains": "A-17"}, {}),
    "opaque": ({"opaque": "m-1"}, {"biz_opaque_callback_data": "m-1"}),
    "opaque prefix": ({"opaque_prefix": "job-7/"}, {"biz_opaque_callback_data": "job-7/1"}),
    "call": ({"call": "send"}, {}),
    "first call": ({"nth": 1}, {}),
}


@pytest.mark.parametrize(("match", "fields"), MATCHES.values(), ids=MATCHES.keys())
async def test_a_rule_fires_for_what_it_matches_and_as_often_as_it_may(
    product: Product, match: Json, fields: Json
) -> None:
    rule = {"match": match, "knobs": {"wa.refuse": 131016}, "count": 1}
    await product.order("POST", "rules", rule)

    other = await product.send(
        READER, sender=OTHER_NUMBER, text={"body": "else"}, biz_opaque_callback_data="else"
    )
    hit = await product.send(SOMEONE, **fields)
    used_up = await product.send(SOMEONE, **fields)

    if match not in ({"call": "send"}, {"nth": 1}):
        assert (other.status, hit.code) == (200, 131016)
    assert used_up.status == 200
    [listed] = (await product.order("GET", "rules")).body["rules"]
    assert listed["fired"] == 1


async def test_a_rule_is_stronger_than_a_magic_recipient_and_can_be_removed(
    product: Product,
) -> None:
    rule = {"match": {"recipient": "16505559100"}, "knobs": {"wa.refuse": 0}}
    rule_id = (await product.order("POST", "rules", rule)).body["id"]
    ruled = await product.send("+16505559100")

    removed = await product.order("DELETE", f"rules/{rule_id}")
    again = await product.order("DELETE", f"rules/{rule_id}")

    assert ruled.status == 200
    assert (removed.status, again.status) == (200, 404)
    assert (await product.send("+16505559100")).code == 100


async def test_a_rule_ends_with_its_time(product: Product) -> None:
    await product.order("POST", "rules", {"knobs": {"wa.refuse": 131016}, "for_s": 60})
    during = await product.send(SOMEONE)
    await product.order("POST", "clock", {"advance_s": 61})

    assert during.code == 131016
    assert (await product.send(SOMEONE)).status == 200


async def test_knobs_of_a_sender_leave_the_others_alone(product: Product) -> None:
    await product.order("PATCH", f"knobs?sender={NUMBER}", {"wa.account_state": 131031})

    assert (await product.send(SOMEONE)).code == 131031
    assert (await product.send(SOMEONE, sender=OTHER_NUMBER)).status == 200
    shown = (await product.order("GET", f"knobs?sender={NUMBER}")).body
    assert shown["wa.account_state"] == 131031


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"wa.no_such": 1}, "wa.no_such"),
        ({"wa.dup_rate": 2}, "wa.dup_rate"),
        ({"wa.batch_max": 0}, "wa.batch_max"),
        ({"net.outage": "sometimes"}, "net.outage"),
    ],
)
async def test_a_knob_that_cannot_be_is_refused_by_name(
    product: Product, changes: Json, named: str
) -> None:
    reply = await product.order("PATCH", "knobs", changes)
    in_rule = await product.order("POST", "rules", {"knobs": changes})

    assert reply.status == in_rule.status == 422
    assert named in reply.body["error"]


async def test_knobs_set_for_a_span_go_back(product: Product) -> None:
    await product.order("PATCH", "knobs?for_s=10", {"wa.read_ratio": 0, "wa.batch_max": 7})
    during = (await product.order("GET", "knobs")).body
    await product.order("POST", "clock", {"advance_s": 11})
    after = (await product.order("GET", "knobs")).body

    assert (during["wa.read_ratio"], during["wa.batch_max"]) == (0, 7)
    assert (after["wa.read_ratio"], after["wa.batch_max"]) == (1, 1)


async def test_what_was_set_for_a_span_does_not_come_back_after_another_profile(
    product: Product,
) -> None:
    await product.order("PATCH", "knobs?for_s=10", {"wa.batch_max": 7})
    await product.order("PUT", "profile", {"name": "bench"})
    await product.order("POST", "clock", {"advance_s": 11})

    assert (await product.order("GET", "knobs")).body["wa.batch_max"] == 200


async def test_a_user_writes_to_one_of_our_numbers(product: Product) -> None:
    asked = {"from": READER, "text": "hello", "to": OTHER_NUMBER, "context": "wamid.x"}

    inbound = (await product.order("POST", "inbound", asked)).body["id"]

    taken = await product.first_taken()
    [message] = taken.messages
    assert message["from"] == READER[1:]
    assert (message["id"], message["type"]) == (inbound, "text")
    assert message["text"] == {"body": "hello"}
    assert message["context"] == {"from": "15550783882", "id": "wamid.x"}
    value = taken.changes[0]["value"]
    assert value["metadata"]["phone_number_id"] == OTHER_NUMBER
    assert value["contacts"][0]["wa_id"] == READER[1:]


async def test_a_user_may_send_any_other_type(product: Product) -> None:
    content = {"latitude": 37.46, "longitude": -122.21}

    await product.order("POST", "inbound", {"from": READER, "type": "location", "content": content})

    taken = await product.first_taken()
    assert taken.messages[0]["location"] == content


async def test_a_person_may_order_the_statuses_of_a_message(product: Product) -> None:
    reply = await product.send("+16505557200")

    for order in (
        {"status": "sent"},
        {"status": "delivered"},
        {"status": "failed", "code": 131050},
    ):
        path = f"messages/{reply.message_id}/status"
        assert (await product.order("POST", path, order)).status == 200
        await product.order("POST", "flush")

    told = await product.until_told(reply.message_id, "sent", "delivered", "failed")
    assert told[-1]["errors"][0]["code"] == 131050
    unknown = await product.order("POST", "messages/wamid.nobody/status", {"status": "read"})
    assert unknown.status == 404


async def test_flush_answers_when_everything_due_was_told(product: Product) -> None:
    await product.knobs(wa_webhook_burst=3600)
    reply = await product.send("+16505559026")
    await product.order("POST", "clock", {"advance_s": 1})

    flushed = await product.order("POST", "flush")

    assert flushed.body == {"quiet": True, "pending": 0}
    assert product.names_told(reply.message_id) == ["failed"]


async def test_a_replay_sends_the_same_bytes_again(product: Product) -> None:
    reply = await product.send("+16505559026")
    await product.until_told(reply.message_id, "failed")

    await product.order("POST", "replay", {"last": 1})

    await product.until_told(reply.message_id, "failed", "failed")
    assert product.taken[0].raw == product.taken[1].raw
    assert (await product.order("POST", "replay", {"message_id": "wamid.x"})).status == 404


async def test_time_stands_still_while_paused(product: Product) -> None:
    await product.order("POST", "clock", {"pause": True})
    before = (await product.order("POST", "clock", {})).body
    reply = await product.send(SOMEONE)
    after = (await product.order("POST", "clock", {})).body

    assert before == after
    assert product.names_told(reply.message_id) == []
    await product.order("POST", "clock", {"scale": 1})
    await product.until_told(reply.message_id, *ALL)


async def test_a_reset_forgets_everything_but_the_subscriptions(product: Product) -> None:
    await product.knobs(wa_refuse=100)
    await product.order("POST", "rules", {"knobs": {"wa.refuse": 100}})
    await product.send(SOMEONE, biz_opaque_callback_data="m-1")

    await product.order("POST", "reset")

    assert (await product.order("GET", "ledger")).body["decisions"] == {}
    reply = await product.send(SOMEONE, biz_opaque_callback_data="m-1")
    await product.until_told(reply.message_id, *ALL)


async def test_a_profile_can_be_changed(product: Product) -> None:
    chosen = await product.order("PUT", "profile", {"name": "chaos"})
    unknown = await product.order("PUT", "profile", {"name": "calm"})

    assert (chosen.status, unknown.status) == (200, 404)
    assert (await product.order("GET", "knobs")).body["wa.token_ttl"] == 120


async def test_health_metrics_and_page_are_there(product: Product) -> None:
    await product.send("+16505559026")
    base = f"{product.simulator.base_url}/_sim"

    async with product.session.get(f"{base}/health") as response:
        health = await response.json()
    async with product.session.get(f"{base}/metrics") as response:
        metrics = await response.text()
    async with product.session.get(f"{base}/") as response:
        page = await response.text()

    assert (health["status"], health["profile"]) == ("ok", "perfect")
    assert 'simulator_calls_total{decision="accepted"} 1' in metrics
    assert "<title>" in page


async def test_without_a_subscription_updates_are_counted_and_dropped() -> None:
    async with running(settings()) as simulator, a_product() as product:
        product.simulator = simulator

        await product.send("+16505559026")

        tally = simulator.world.ledger.tally
        await eventually(lambda: tally.unsubscribed == 1, within=seconds(5))
        assert product.taken == []
