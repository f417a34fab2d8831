"""How a template has to be filled in: header, links, files (WA 2.2, 3.4)."""

import pytest

from tests.simulator.product import SOMEONE, WABA, Json, Product

SALE: Json = {"name": "sale", "body": "Now for {{1}}", "parameters": ["1"]}
BODY: Json = {"type": "body", "parameters": [{"type": "text", "text": "5 EUR"}]}
LINK: Json = {"link": "https://example.com/a.png"}


def header(**parameter: object) -> Json:
    return {"type": "header", "parameters": [parameter]}


def button(kind: str, index: int, **parameter: object) -> Json:
    return {"type": "button", "sub_type": kind, "index": index, "parameters": [parameter]}


def a_use(*components: Json) -> Json:
    template = {"name": "sale", "language": {"code": "en"}, "components": [BODY, *components]}
    return {"type": "template", "text": None, "template": template}


@pytest.mark.parametrize(
    ("template", "component"),
    [
        ({"header": "TEXT"}, header(type="text", text="Ada")),
        ({"header": "IMAGE"}, header(type="image", image=LINK)),
        ({"header": "VIDEO"}, header(type="video", video=LINK)),
        ({"header": "DOCUMENT"}, header(type="document", document={**LINK, "filename": "a.pdf"})),
        (
            {"header": "LOCATION"},
            header(type="location", location={"latitude": "1", "longitude": "2", "name": "Shop"}),
        ),
        ({"links": ["Track"]}, button("url", 0, type="text", text="A-17")),
        ({"buttons": ["Yes"], "links": ["Track"]}, button("url", 1, type="text", text="A-17")),
        ({"buttons": ["Yes"]}, button("quick_reply", 0, type="payload", payload="y")),
        ({"buttons": ["Copy"]}, button("copy_code", 0, type="coupon_code", coupon_code="25OFF")),
    ],
)
async def test_what_a_template_asks_for_is_accepted(
    product: Product, template: Json, component: Json
) -> None:
    await product.order("PUT", "templates", {**SALE, **template})

    reply = await product.send(SOMEONE, **a_use(component))

    assert reply.status == 200, reply.body


@pytest.mark.parametrize(
    ("template", "components", "code"),
    [
        ({"header": "IMAGE"}, [], 132012),
        ({"header": "IMAGE"}, [header(type="text", text="Ada")], 132012),
        ({"header": "IMAGE"}, [header(type="image")], 132012),
        ({"header": "TEXT"}, [], 132000),
        ({}, [header(type="text", text="Ada")], 132000),
        ({"header": "IMAGE"}, [header(type="image", image={"id": "1"})], 131053),
        ({"links": ["Track"]}, [], 131008),
        (
            {"buttons": ["Yes"], "links": ["Track"]},
            [button("url", 0, text="x", type="text")],
            131008,
        ),
        ({}, [button("url", 0, type="text", text="A-17")], 132000),
        ({}, [header(type="text", text="Ada", colour="red")], 100),
    ],
)
async def test_what_does_not_fit_the_template_is_refused(
    product: Product, template: Json, components: list[Json], code: int
) -> None:
    await product.order("PUT", "templates", {**SALE, **template})

    reply = await product.send(SOMEONE, **a_use(*components))

    assert reply.code == code


async def test_header_and_links_are_listed(product: Product) -> None:
    template = {**SALE, "header": "TEXT", "buttons": ["Yes"], "links": ["Track"]}
    await product.order("PUT", "templates", template)

    listed = await product.call("GET", f"{WABA}/message_templates?name=sale")

    head, body, buttons = listed.body["data"][0]["components"]
    assert (head["type"], head["format"], head["text"]) == ("HEADER", "TEXT", "News of {{1}}")
    assert body["text"] == SALE["body"]
    assert [button["type"] for button in buttons["buttons"]] == ["QUICK_REPLY", "URL"]


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        (
            "button",
            {"buttons": [{"type": "reply", "reply": {"id": "1", "title": t}} for t in "ab"]},
        ),
        (
            "list",
            {
                "button": "Open",
                "sections": [{"title": t, "rows": [{"id": "1", "title": t}]} for t in "ab"],
            },
        ),
    ],
)
async def test_two_choices_with_one_id_are_refused(
    product: Product, kind: str, action: Json
) -> None:
    held = {"type": kind, "body": {"text": "Choose"}, "action": action}

    reply = await product.send(SOMEONE, type="interactive", text=None, interactive=held)

    assert reply.code == 131009
