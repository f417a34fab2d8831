"""What is left of a picture that is written anew, and what is none (CF-49; peers, S6)."""

import struct
import tracemalloc
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from services.scheduler.media.pictures import LARGEST, BadPicture, rewritten
from tests.services.scheduler.previewing import a_picture

PNG = a_picture()
JPEG = a_picture("JPEG")


def read(data: bytes) -> Image.Image:
    picture = Image.open(BytesIO(data))
    picture.load()
    return picture


def noise(side: int, kind: str) -> bytes:
    out = BytesIO()
    Image.effect_noise((side, side), 90).convert("RGB").save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(("data", "mime_type"), [(PNG, "image/png"), (JPEG, "image/jpeg")])
def test_a_picture_stays_what_it_is(data: bytes, mime_type: str) -> None:
    picture = rewritten(data)

    assert picture.mime_type == mime_type
    assert read(picture.data).size == (40, 30)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_what_a_camera_noted_is_gone_and_the_picture_stands_upright(kind: str) -> None:
    noted = Image.Exif()
    noted[0x010E] = "taken at home"
    noted[0x0112] = 6  # to be turned by a quarter

    picture = rewritten(a_picture(kind, exif=noted))

    assert b"taken at home" not in picture.data
    assert read(picture.data).size == (30, 40)
    assert not read(picture.data).getexif()


def test_what_stands_behind_the_end_is_gone() -> None:
    page = b"<script>alert(1)</script>"

    for data in (PNG, JPEG):
        assert page not in rewritten(data + page).data


def test_a_picture_that_is_too_large_is_made_to_fit() -> None:
    picture = rewritten(noise(400, "PNG"), largest=30_000)

    assert (picture.mime_type, len(picture.data) <= 30_000) == ("image/jpeg", True)
    assert read(picture.data).width < 400


def test_what_can_be_seen_through_stays_so() -> None:
    out = BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 128)).save(out, "PNG")

    assert read(rewritten(out.getvalue()).data).mode == "RGBA"


def a_png_that_claims(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)


def test_one_that_claims_to_be_huge_is_refused_by_its_first_bytes() -> None:
    bomb = a_png_that_claims(50_000, 50_000)
    tracemalloc.start()

    with pytest.raises(BadPicture, match="pixels"):
        rewritten(bomb)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        PNG[: len(PNG) // 2],
        JPEG[: len(JPEG) // 2],
        a_png_that_claims(4_000, 4_000),
    ],
)
def test_what_is_none_or_only_half_of_one_is_refused(data: bytes) -> None:
    with pytest.raises(BadPicture):
        rewritten(data)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([PNG, JPEG]), st.data())
def test_a_damaged_one_is_refused_or_read_and_never_crashes(
    whole: bytes, chosen: st.DataObject
) -> None:
    data = bytearray(whole)
    for at in chosen.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=8)):
        data[at] = chosen.draw(st.integers(0, 255))

    try:
        picture = rewritten(bytes(data))
    except BadPicture:
        return
    assert len(picture.data) <= LARGEST
