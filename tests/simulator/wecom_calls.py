"""Calls of WeCom as a careful product makes them: with its token, UTF-8 without escapes."""

import json
from io import BytesIO
from weakref import WeakKeyDictionary

import aiohttp

from tests.simulator.product import Json, Product, Reply
from tests.simulator.pushes import CORP_ID, WECOM_SECRET

CREDENTIALS = {"corpid": CORP_ID, "corpsecret": WECOM_SECRET}
AGENT = 1000002
CUSTOMERS = [f"wmSimulatedCustomer{number:013d}" for number in range(1, 201)]
CHATS = [f"wrSimulatedGroup{number:016d}" for number in range(1, 21)]


_TOKENS: WeakKeyDictionary[Product, str] = WeakKeyDictionary()
_STALE = frozenset({40014, 42001})


async def token_of(product: Product) -> str:
    return (await product.wecom("gettoken", **CREDENTIALS)).body["access_token"]


async def called(product: Product, name: str, /, **body: object) -> Json:
    """POST a call and return what it was answered; the token is kept while it lives."""
    sent = json.dumps(body, ensure_ascii=False).encode()
    while True:
        token = _TOKENS.get(product) or await token_of(product)
        _TOKENS[product] = token
        reply = await product.wecom(name, sent, access_token=token)
        assert reply.status == 200
        if reply.body.get("errcode") not in _STALE:
            return reply.body
        del _TOKENS[product]


async def code_of(product: Product, name: str, /, **body: object) -> int:
    """POST a call and return the code of its answer."""
    return (await called(product, name, **body))["errcode"]


async def uploaded(
    product: Product, data: bytes, name: str = "media/upload", **query: str
) -> Reply:
    """Upload a file the way forms do it."""
    form = aiohttp.FormData()
    form.add_field(
        "media", BytesIO(data), filename="file.bin", content_type="application/octet-stream"
    )
    url = f"{product.simulator.base_url}/wecom/cgi-bin/{name}"
    asked = {"access_token": await token_of(product), **query}
    async with product.session.post(url, data=form, params=asked) as answer:
        raw = await answer.read()
        return Reply(answer.status, json.loads(raw), dict(answer.headers), raw)


async def media_id_of(product: Product, data: bytes, kind: str) -> str:
    return (await uploaded(product, data, type=kind)).body["media_id"]


async def time_passes(product: Product, seconds: float) -> None:
    await product.order("POST", "clock", {"pause": True, "advance_s": seconds})


def short(value: object) -> str:
    """Return the name of a test's parameter, however large it is."""
    text = f"{len(value)} bytes" if isinstance(value, bytes) else str(value)
    return text[:60]
