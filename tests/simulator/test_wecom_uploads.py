"""Files that are uploaded to WeCom: types, sizes, how long they are known (4.1; WX 7)."""

import pytest

from simulator.samples import SAMPLES
from tests.simulator.product import Product
from tests.simulator.wecom_calls import media_id_of, short, time_passes, token_of, uploaded

MB = 1024 * 1024
PNG, JPEG, AMR = SAMPLES["png"].data, SAMPLES["jpeg"].data, SAMPLES["amr"].data
FILM, PDF = SAMPLES["mp4"].data, SAMPLES["pdf"].data
SECOND = AMR.removeprefix(b"#!AMR\n")


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("image", PNG, 0),
        ("image", JPEG, 0),
        ("image", SAMPLES["webp"].data, 40005),
        ("image", PNG.ljust(10 * MB + 1, b"\0"), 45001),
        ("voice", b"#!AMR\n" + SECOND * 60, 0),
        ("voice", b"#!AMR\n" + SECOND * 61, 45007),
        ("voice", PDF, 40005),
        ("voice", AMR.ljust(2 * MB + 1, b"\0"), 45001),
        ("video", FILM, 0),
        ("video", PNG, 40005),
        ("file", PDF, 0),
        ("file", b"12345", 40006),
        ("file", b"123456", 0),
        ("file", bytes(20 * MB + 1), 45001),
        ("sticker", PNG, 40004),
        ("", PNG, 40004),
    ],
    ids=short,
)
async def test_an_upload_is_checked_by_its_type(
    product: Product, kind: str, data: bytes, code: int
) -> None:
    reply = await uploaded(product, data, type=kind)

    assert (reply.status, reply.body["errcode"]) == (200, code)
    if not code:
        assert reply.body["type"] == kind
        assert reply.body["created_at"].isdigit()


async def test_an_upload_can_be_fetched_until_it_expires(product: Product) -> None:
    await product.knobs(wx_media_expire=60)
    await time_passes(product, 0)
    asked = {
        "media_id": await media_id_of(product, PNG, "image"),
        "access_token": await token_of(product),
    }

    early = await product.wecom("media/get", **asked)
    await time_passes(product, 60)
    late = await product.wecom("media/get", **asked)

    assert (early.raw, early.headers["Content-Type"]) == (PNG, "image/png")
    assert late.body["errcode"] == 40007


async def test_a_form_needs_a_file_with_a_name(product: Product) -> None:
    token = await token_of(product)

    reply = await product.wecom("media/upload", b"not a form", access_token=token, type="file")

    assert reply.body["errcode"] == 44001


@pytest.mark.parametrize(
    ("data", "code"),
    [(PNG, 0), (PDF, 40005), (PNG.ljust(2 * MB + 1, b"\0"), 45001), (b"12345", 40006)],
    ids=short,
)
async def test_a_picture_gets_an_address(product: Product, data: bytes, code: int) -> None:
    reply = await uploaded(product, data, "media/uploadimg")

    assert reply.body["errcode"] == code
    assert ("url" in reply.body) == (code == 0)


async def test_a_thousand_pictures_a_day_are_the_most(product: Product) -> None:
    account = product.simulator.world.wecom
    now = product.simulator.world.clock.now()
    account.pictures |= {f"https://wework.qpic.cn/{number}": now for number in range(999)}

    codes = [(await uploaded(product, PNG, "media/uploadimg")).body["errcode"] for _ in range(2)]

    assert codes == [0, 45009]
