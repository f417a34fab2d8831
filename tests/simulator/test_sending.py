"""What a send is answered with (sections 2.2 and 2.3; WA 2.3 and 2.4)."""

import asyncio
from typing import Any

import pytest

from simulator.media import FileOrder
from tests.simulator.product import (
    NUMBER,
    OTHER_NUMBER,
    READER,
    SOMEONE,
    Json,
    Product,
    a_product,
)


def a_template(name: str = "order_status_update", *texts: str, language: str = "en") -> Json:
    parameters = [{"type": "text", "text": text} for text in texts or ("A-17", "on its way")]
    return {
        "type": "template",
        "text": None,
        "template": {
            "name": name,
            "language": {"code": language},
            "components": [{"type": "body", "parameters": parameters}],
        },
    }


def interactive(kind: str, action: Json, body: str = "Choose") -> Json:
    held = {"type": kind, "body": {"text": body}, "action": action}
    return {"type": "interactive", "text": None, "interactive": held}


def buttons(count: int) -> Json:
    reply = [{"type": "reply", "reply": {"id": f"b{n}", "title": f"B{n}"}} for n in range(count)]
    return {"buttons": reply}


def rows(count: int) -> Json:
    found = [{"id": f"r{n}", "title": f"R{n}"} for n in range(count)]
    return {"button": "Open", "sections": [{"title": "All", "rows": found}]}


MEDIA = {"id": "1479537139650973"}
SENDABLE: dict[str, Json] = {
    "text": {},
    "template": a_template(),
    "image": {"type": "image", "text": None, "image": {**MEDIA, "caption": "Taj"}},
    "document": {"type": "document", "text": None, "document": {**MEDIA, "filename": "o.pdf"}},
    "audio": {"type": "audio", "text": None, "audio": {**MEDIA, "voice": True}},
    "video by link": {"type": "video", "text": None, "video": {"link": "https://example.com/v"}},
    "sticker": {"type": "sticker", "text": None, "sticker": MEDIA},
    "location": {
        "type": "location",
        "text": None,
        "location": {"latitude": "37.44", "longitude": -122.16, "name": "Philz"},
    },
    "contacts": {
        "type": "contacts",
        "text": None,
        "contacts": [{"name": {"formatted_name": "Barbara"}, "phones": []}],
    },
    "reaction": {
        "type": "reaction",
        "text": None,
        "reaction": {"message_id": "wamid.x", "emoji": "😀"},
    },
    "buttons": interactive("button", buttons(3)),
    "list": interactive("list", rows(10)),
    "link": interactive("cta_url", {"name": "cta_url", "parameters": {"url": "https://e.com"}}),
    "reply": {"context": {"message_id": "wamid.of.the.quoted"}},
}


@pytest.mark.parametrize("fields", SENDABLE.values(), ids=SENDABLE.keys())
async def test_every_kind_of_message_is_accepted(product: Product, fields: Json) -> None:
    product.simulator.world.account.media.put(MEDIA["id"], FileOrder())

    reply = await product.send(SOMEONE, **fields)

    assert reply.status == 200, reply.body
    assert reply.body["messaging_product"] == "whatsapp"
    assert reply.body["contacts"] == [{"input": SOMEONE, "wa_id": SOMEONE[1:]}]
    assert reply.message_id.startswith("wamid.HBg")


async def test_only_a_template_is_answered_with_a_message_status(product: Product) -> None:
    text = await product.send(SOMEONE)
    template = await product.send(SOMEONE, **a_template())

    assert "message_status" not in text.body["messages"][0]
    assert template.body["messages"][0]["message_status"] == "accepted"


async def test_a_user_id_may_stand_in_the_place_of_a_number(product: Product) -> None:
    user = "US.13491208655302741918"

    reply = await product.send(to=None, recipient=user)  # type: ignore[arg-type]

    assert reply.body["contacts"] == [{"input": user, "user_id": user}]
    told = await product.until_told(reply.message_id, "sent", "delivered", "read")
    assert {status["recipient_user_id"] for status in told} == {user}
    assert all("recipient_id" not in status for status in told)


LONG = "x" * 4097
REFUSED: dict[str, tuple[Json, int, int, str]] = {
    "no product": ({"messaging_product": None}, 400, 100, "messaging_product"),
    "no recipient": ({"to": None}, 400, 131008, "to or recipient"),
    "recipient not a number": ({"to": "Ada"}, 400, 131009, "to"),
    "to itself": ({"to": "+15550783881"}, 400, 131021, "same number"),
    "unknown type": ({"type": "hologram"}, 400, 100, "hologram"),
    "type without its object": ({"text": None}, 400, 131008, "text"),
    "text without body": ({"text": {}}, 400, 131008, "$.text"),
    "body too long": ({"text": {"body": LONG}}, 400, 131009, "$.text.body"),
    "body not a text": ({"text": {"body": 7}}, 400, 100, "$.text.body"),
    "unknown field": ({"txet": {"body": "x"}}, 400, 100, "txet"),
    "opaque data too long": (
        {"biz_opaque_callback_data": "x" * 513},
        400,
        131009,
        "biz_opaque_callback_data",
    ),
    "caption too long": (
        {"type": "image", "image": {**MEDIA, "caption": "x" * 1025}},
        400,
        131009,
        "caption",
    ),
    "caption on audio": ({"type": "audio", "audio": {**MEDIA, "caption": "x"}}, 400, 100, "audio"),
    "id and link": ({"type": "image", "image": {**MEDIA, "link": "x"}}, 400, 131009, "image"),
    "four buttons": (interactive("button", buttons(4)), 400, 131009, "buttons"),
    "eleven rows": (interactive("list", rows(11)), 400, 131009, "rows"),
    "button body too long": (
        interactive("button", buttons(1), "x" * 1025),
        400,
        131009,
        "interactive.body",
    ),
    "no buttons at all": (interactive("button", {}), 400, 131008, "buttons"),
    "unknown template": (a_template("nobody_made_this"), 404, 132001, "nobody_made_this"),
    "other language": (a_template(language="en_US"), 404, 132001, "en_US"),
    "missing parameter": (a_template("order_status_update", "A-17"), 400, 132000, "(2)"),
    "too long after filling in": (
        a_template("order_status_update", "A" * 1024, "x"),
        400,
        132005,
        "long",
    ),
}


@pytest.mark.parametrize(
    ("fields", "status", "code", "named"), REFUSED.values(), ids=REFUSED.keys()
)
async def test_what_meta_would_refuse_is_refused_and_the_field_is_named(
    product: Product, fields: dict[str, Any], status: int, code: int, named: str
) -> None:
    reply = await product.send(**{"to": SOMEONE, **fields})

    assert (reply.status, reply.code) == (status, code)
    assert named in reply.body["error"]["error_data"]["details"]


async def test_a_refusal_has_the_shape_of_the_fact_sheet(product: Product) -> None:
    reply = await product.send("+16505559368")

    assert reply.status == 403
    error = reply.body["error"]
    trace = error.pop("fbtrace_id")
    assert 23 <= len(trace) <= 27
    assert error == {
        "message": "(#368) Temporarily blocked for policies violations",
        "type": "OAuthException",
        "code": 368,
        "error_data": {
            "messaging_product": "whatsapp",
            "details": "Refused with code 368 by order.",
        },
    }


async def test_a_call_without_a_token_or_with_a_wrong_one_is_refused_first(
    product: Product,
) -> None:
    missing = await product.call("POST", f"{NUMBER}/messages", b"not json", token=None)
    wrong = await product.call("POST", f"{NUMBER}/messages", b"not json", token="other")

    assert (missing.status, missing.code) == (401, 190)
    assert (wrong.status, wrong.code) == (401, 190)
    assert wrong.body["error"]["type"] == "OAuthException"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe"])
async def test_a_body_that_is_no_json_object_is_an_invalid_parameter(
    product: Product, body: bytes
) -> None:
    reply = await product.call("POST", f"{NUMBER}/messages", body)

    assert (reply.status, reply.code) == (400, 100)


async def test_an_unknown_phone_number_id_is_a_graph_method_error(product: Product) -> None:
    reply = await product.send(sender="999999999999999")

    error = reply.body["error"]
    assert reply.status == 400
    assert (error["code"], error["error_subcode"]) == (100, 33)
    assert error["type"] == "GraphMethodException"
    assert "999999999999999" in error["message"]


async def test_an_unknown_path_is_named(product: Product) -> None:
    reply = await product.call("POST", f"{NUMBER}/mesages", {})

    assert (reply.status, reply.code) == (400, 2500)
    assert reply.body["error"]["message"] == "Unknown path components: /mesages"


@pytest.mark.parametrize(
    ("version", "mode", "status"),
    [
        ("v26.0", "serve", 200),
        ("v21.0", "refuse", 200),
        ("v18.0", "serve", 200),
        ("v18.0", "refuse", 400),
        ("v99.0", "serve", 400),
    ],
)
async def test_an_expired_version_is_served_or_refused_an_unknown_one_never_exists(
    product: Product, version: str, mode: str, status: int
) -> None:
    await product.knobs(wa_expired_version=mode)

    reply = await product.call("POST", f"../{version}/{NUMBER}/messages", WELL_FORMED)

    assert reply.status == status
    if status != 200:
        assert reply.body["error"]["message"] == f"Unknown path components: /{version}"
    elif version == "v18.0":
        counts = (await product.order("GET", "ledger")).body
        assert counts["warnings"] == {"expired version v18.0": 1}


WELL_FORMED: Json = {"messaging_product": "whatsapp", "to": READER, "text": {"body": "hi"}}


@pytest.mark.parametrize(
    ("to", "wa_id"),
    [
        ("+1 (650) 555-0001", "16505550001"),
        ("6505550001", "16505550001"),
        ("+4915112345678", "4915112345678"),
        ("4915112345678", "4915112345678"),
    ],
)
async def test_a_number_is_tolerated_in_many_forms(product: Product, to: str, wa_id: str) -> None:
    reply = await product.send(to)

    assert reply.body["contacts"] == [{"input": to, "wa_id": wa_id}]


async def test_above_its_rate_a_number_is_throttled_and_another_is_not(product: Product) -> None:
    await product.knobs(wa_rate=5)
    await product.order("POST", "clock", {"pause": True})

    replies = [await product.send(SOMEONE) for _ in range(6)]
    other = await product.send(SOMEONE, sender=OTHER_NUMBER)

    assert [reply.status for reply in replies] == [200] * 5 + [400]
    assert replies[-1].code == 130429
    assert other.status == 200


async def test_a_burst_to_one_user_is_paid_back_by_waiting(product: Product) -> None:
    await product.knobs(wa_pair=[6, 3], wa_throttle_http=429)
    await product.order("POST", "clock", {"pause": True})

    burst = [await product.send(SOMEONE) for _ in range(4)]
    await product.order("POST", "clock", {"advance_s": 17.9})
    too_early = await product.send(SOMEONE)
    elsewhere = await product.send("+4915112345679")
    await product.order("POST", "clock", {"advance_s": 0.2})
    paid_back = await product.send(SOMEONE)

    assert [reply.status for reply in burst] == [200, 200, 200, 429]
    assert (burst[-1].code, too_early.code) == (131056, 131056)
    assert (elsewhere.status, paid_back.status) == (200, 200)


@pytest.mark.parametrize("code", [368, 131031, 131042, 131037, 133010])
async def test_the_state_of_the_account_refuses_every_send(product: Product, code: int) -> None:
    await product.knobs(wa_account_state=code)

    reply = await product.send(SOMEONE)

    assert reply.code == code
    assert reply.status == (403 if code in (368, 131031) else 400)


async def test_an_expired_token_is_refused_until_it_is_replaced(product: Product) -> None:
    await product.knobs(wa_token_ttl=120)
    before = await product.send(SOMEONE)
    await product.order("POST", "clock", {"advance_s": 121})

    expired = await product.send(SOMEONE)
    await product.order("POST", "token", {"token": "the-next"})
    old = await product.send(SOMEONE)
    new = await product.call("POST", f"{NUMBER}/messages", WELL_FORMED, token="the-next")

    assert [before.status, expired.status, old.status, new.status] == [200, 401, 401, 200]
    assert (expired.code, expired.body["error"]["error_subcode"]) == (190, 463)
    assert expired.body["error"]["message"].startswith("Error validating access token: Session")


@pytest.mark.parametrize(("status", "code"), [("PAUSED", 132015), ("DISABLED", 132016)])
async def test_a_template_that_is_not_approved_is_refused(
    product: Product, status: str, code: int
) -> None:
    template = {"name": "winter_sale", "body": "Hi {{1}}", "parameters": ["1"]}
    await product.order("PUT", "templates", {**template, "status": status})

    reply = await product.send(SOMEONE, **a_template("winter_sale", "Ada"))

    assert (reply.status, reply.code) == (400, code)


async def test_a_named_template_wants_its_names(product: Product) -> None:
    template = {"name": "named", "body": "Hi {{who}}", "parameters": ["who"]}
    await product.order("PUT", "templates", template)
    fields = a_template("named", "Ada")

    without = await product.send(SOMEONE, **fields)
    fields["template"]["components"][0]["parameters"][0]["parameter_name"] = "who"
    with_name = await product.send(SOMEONE, **fields)

    assert (without.code, with_name.status) == (132012, 200)


async def test_the_window_of_24_hours_is_kept_where_it_is_on(product: Product) -> None:
    await product.knobs(wa_window="refuse")

    closed = await product.send(SOMEONE)
    template = await product.send(SOMEONE, **a_template())
    await product.order("POST", "inbound", {"from": SOMEONE, "text": "hello"})
    opened = await product.send(SOMEONE)
    await product.knobs(wa_window="async")
    late = await product.send("+4915112345679")

    assert (closed.status, closed.code) == (400, 131047)
    assert (template.status, opened.status, late.status) == (200, 200, 200)
    [failed] = await product.until_told(late.message_id, "failed")
    assert failed["errors"][0]["code"] == 131047


async def test_marking_as_read_wants_the_id_of_an_inbound_message(product: Product) -> None:
    inbound = (await product.order("POST", "inbound", {"from": READER, "text": "hello"})).body["id"]
    mark = {"messaging_product": "whatsapp", "status": "read"}

    marked = await product.call("POST", f"{NUMBER}/messages", {**mark, "message_id": inbound})
    typing = {**mark, "message_id": inbound, "typing_indicator": {"type": "text"}}
    typed = await product.call("POST", f"{NUMBER}/messages", typing)
    unknown = await product.call("POST", f"{NUMBER}/messages", {**mark, "message_id": "wamid.x"})

    assert (marked.status, marked.body) == (200, {"success": True})
    assert (typed.status, typed.body) == (200, {"success": True})
    assert (unknown.status, unknown.code) == (400, 131009)


async def test_ids_are_long_where_the_knob_asks_for_it(product: Product) -> None:
    await product.knobs(wa_long_ids=True)

    reply = await product.send(SOMEONE)

    assert len(reply.message_id) == 200
    await product.until_told(reply.message_id, "sent", "delivered", "read")


async def test_the_same_seed_and_calls_give_the_same_ids_whatever_their_order() -> None:
    async def ids_of(seed: str, names: list[str]) -> dict[str, str]:
        async with a_product(seed=seed) as product:
            replies = await asyncio.gather(
                *(product.send(SOMEONE, biz_opaque_callback_data=name) for name in names)
            )
            return {name: reply.message_id for name, reply in zip(names, replies, strict=True)}

    names = [f"m-{n}" for n in range(20)]

    first = await ids_of("north", names)

    assert await ids_of("north", names[::-1]) == first
    assert await ids_of("south", names) != first
