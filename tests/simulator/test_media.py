"""Files that users send: real bytes, an address for five minutes, and what goes wrong (WA 5)."""

import asyncio
from base64 import b64decode, b64encode
from hashlib import sha256

import aiohttp
import pytest

from simulator.samples import SAMPLES
from tests.simulator.product import NUMBER, READER, TOKEN, Json, Product


async def sent_file(product: Product, **order: object) -> Json:
    """Let a user send an image; return what its message says of it."""
    await product.order("POST", "inbound", {"from": READER, "type": "image", "file": order})
    await product.order("POST", "flush")
    return product.taken[-1].messages[0]["image"]


async def address_of(product: Product, media_id: str) -> str:
    return (await product.call("GET", media_id)).body["url"]


MAGIC = {
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "pdf": b"%PDF-1.4\n",
    "ogg": b"OggS\x00\x02",
    "mp4": b"\x00\x00\x00\x1cftypisom",
    "webp": b"RIFF\x1a\x00\x00\x00WEBPVP8L",
    "amr": b"#!AMR\n",
}


@pytest.mark.parametrize(("name", "magic"), MAGIC.items())
def test_a_sample_begins_as_its_type_does(name: str, magic: bytes) -> None:
    assert SAMPLES[name].data.startswith(magic)


async def test_a_file_of_a_user_is_looked_up_and_fetched_with_the_token(product: Product) -> None:
    image = await sent_file(product, sample="png")

    looked_up = await product.call("GET", image["id"])
    fetched = await product.fetch(looked_up.body["url"])
    direct = await product.fetch(image["url"])
    stranger = await product.fetch(looked_up.body["url"], token=None)

    data = SAMPLES["png"].data
    assert fetched.raw == direct.raw == data
    assert fetched.headers["Content-Type"] == image["mime_type"] == "image/png"
    assert b64decode(image["sha256"]) == sha256(data).digest()
    assert looked_up.body["sha256"] == sha256(data).hexdigest()
    assert looked_up.body["file_size"] == len(data)
    assert stranger.status == 401


async def test_an_address_works_for_five_minutes_and_the_id_for_seven_days(
    product: Product,
) -> None:
    image = await sent_file(product)
    address = await address_of(product, image["id"])

    await product.order("POST", "clock", {"advance_s": 301})
    late = await product.fetch(address)
    again = await product.fetch(await address_of(product, image["id"]))
    await product.order("POST", "clock", {"advance_s": 7 * 86_400})
    gone = await product.call("GET", image["id"])

    assert (late.status, again.status) == (404, 200)
    assert (gone.status, gone.code, gone.body["error"]["error_subcode"]) == (400, 100, 33)


async def test_an_address_that_was_changed_leads_nowhere(product: Product) -> None:
    one = await sent_file(product)
    other = await sent_file(product)

    address = await address_of(product, one["id"])

    assert (await product.fetch(address.replace(one["id"], other["id"]))).status == 404


async def test_an_upload_can_be_sent_fetched_and_deleted(product: Product) -> None:
    form = aiohttp.FormData()
    data = b"--\r\n\r\n" + SAMPLES["pdf"].data + b"\r\n"
    form.add_field("messaging_product", "whatsapp")
    form.add_field("type", "application/pdf")
    form.add_field("file", data, filename="offer.pdf", content_type="application/pdf")
    url = f"{product.simulator.base_url}/v24.0/{NUMBER}/media"
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async with product.session.post(url, data=form, headers=headers) as answer:
        media_id = (await answer.json(content_type=None))["id"]
    fetched = await product.fetch(await address_of(product, media_id))
    sent = await product.send(type="document", text=None, document={"id": media_id})
    deleted = await product.call("DELETE", media_id)
    unknown = await product.send(type="document", text=None, document={"id": media_id})

    assert fetched.raw == data
    assert sent.status == 200
    assert deleted.body == {"success": True}
    assert (unknown.status, unknown.code) == (400, 131053)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"type": "image/png"}, "messaging_product"),
        ({"messaging_product": "whatsapp", "type": "image/png"}, "file"),
        ({"messaging_product": "whatsapp", "type": "text/html", "file": "x"}, "types"),
    ],
)
async def test_an_upload_that_lacks_something_is_refused(
    product: Product, fields: dict[str, str], named: str
) -> None:
    form = aiohttp.FormData(fields, default_to_multipart=True)
    url = f"{product.simulator.base_url}/v24.0/{NUMBER}/media"
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async with product.session.post(url, data=form, headers=headers) as answer:
        error = (await answer.json(content_type=None))["error"]

    assert (answer.status, error["code"]) == (400, 100)
    assert named in error["error_data"]["details"]


async def test_a_file_may_lie_about_its_type_and_size(product: Product) -> None:
    given = b64encode(b"MZ\x90\x00 not a picture").decode()

    image = await sent_file(product, base64=given, mime_type="image/jpeg", file_size=7)
    large = await sent_file(product, sample="jpeg", size=6_000_000)

    looked_up = (await product.call("GET", image["id"])).body
    assert (looked_up["mime_type"], looked_up["file_size"]) == ("image/jpeg", 7)
    assert (await product.fetch(looked_up["url"])).raw.startswith(b"MZ")
    fetched = await product.fetch(await address_of(product, large["id"]))
    assert len(fetched.raw) == 6_000_000
    assert fetched.raw.startswith(SAMPLES["jpeg"].data)


@pytest.mark.parametrize(
    ("fault", "status"), [("download_404", 404), ("download_500", 500), ("redirect", 302)]
)
async def test_a_download_fails_as_often_as_ordered(
    product: Product, fault: str, status: int
) -> None:
    image = await sent_file(product, fault=fault, times=2)
    address = await address_of(product, image["id"])

    answers = [(await product.fetch(address)).status for _ in range(3)]

    assert answers == [status, status, 200]
    [first, second] = await product.calls(fault=f"media.{fault}")
    assert (first["answer"], second["answer"]) == (status, status)


async def test_a_look_up_fails_as_often_as_ordered(product: Product) -> None:
    image = await sent_file(product, fault="lookup_404", times=1)

    first = await product.call("GET", image["id"])
    second = await product.call("GET", image["id"])

    assert (first.status, second.status) == (404, 200)


async def test_a_token_that_follows_a_redirected_download_is_found_out(product: Product) -> None:
    image = await sent_file(product, fault="redirect")
    moved = await product.fetch(await address_of(product, image["id"]))

    await product.fetch(moved.headers["Location"])

    assert (await product.verdict())["token_stays_home"] == {"ok": False}


async def test_a_tampered_download_has_another_digest(product: Product) -> None:
    image = await sent_file(product, fault="tampered")

    fetched = await product.fetch(await address_of(product, image["id"]))

    assert len(fetched.raw) == len(SAMPLES["jpeg"].data)
    assert sha256(fetched.raw).digest() != b64decode(image["sha256"])


async def test_a_slow_download_takes_longer_than_anybody_waits(product: Product) -> None:
    image = await sent_file(product, fault="slow")
    address = await address_of(product, image["id"])

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.7):
            await product.fetch(address)


async def test_a_download_that_is_too_large_goes_on_beyond_what_was_announced(
    product: Product,
) -> None:
    image = await sent_file(product, fault="too_large")
    looked_up = (await product.call("GET", image["id"])).body
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async with product.session.get(looked_up["url"], headers=headers) as answer:
        assert answer.content_length is None
        taken = 0
        async for part in answer.content.iter_any():
            taken += len(part)
            if taken > 20_000_000:
                break

    assert looked_up["file_size"] < 1000
    assert taken > 20_000_000
