"""Small files that are what they say: what people send when nobody says which file."""

import zlib
from base64 import b64decode
from collections.abc import Sequence
from typing import NamedTuple

_OGG_POLYNOMIAL = 0x04C11DB7
_FIRST_PAGE, _LAST_PAGE = 2, 4
_SILENCE = b"\xf8\xff\xfe"  # an Opus packet of 20 ms


class Sample(NamedTuple):
    """A file's type, the extension of its name, and its bytes."""

    mime_type: str
    extension: str
    data: bytes


def _png() -> bytes:
    """Return one grey pixel."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + name + data + check

    header = bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0])
    pixels = chunk(b"IDAT", zlib.compress(b"\x00\x80"))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def _jpeg() -> bytes:
    """Return 8 x 8 grey pixels: baseline, one block, Huffman tables with a single code."""

    def segment(marker: int, data: bytes) -> bytes:
        return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data

    one_code = bytes([1, *[0] * 15, 0])
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
            segment(0xDB, b"\x00" + b"\x01" * 64),
            segment(0xC0, bytes([8, 0, 8, 0, 8, 1, 1, 0x11, 0])),
            segment(0xC4, b"\x00" + one_code),
            segment(0xC4, b"\x10" + one_code),
            segment(0xDA, bytes([1, 1, 0, 0, 63, 0])),
            b"\x3f\xff\xd9",
        )
    )


def _pdf() -> bytes:
    """Return one empty page."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>",
    )
    body = b"%PDF-1.4\n"
    table = b"xref\n0 4\n0000000000 65535 f \n"
    for number, held in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(body)
        body += b"%d 0 obj%bendobj\n" % (number, held)
    end = b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + table + end


def _ogg() -> bytes:
    """Return 60 ms of silence in Opus, mono."""
    head = b"OpusHead\x01\x01\x00\x00\x80\xbb\x00\x00\x00\x00\x00"
    tags = b"OpusTags\x09\x00\x00\x00simulator\x00\x00\x00\x00"
    pages = (([head], 0, _FIRST_PAGE), ([tags], 0, 0), ([_SILENCE] * 3, 2880, _LAST_PAGE))
    return b"".join(_ogg_page(place, *page) for place, page in enumerate(pages))


def _ogg_page(place: int, packets: Sequence[bytes], samples: int, flags: int) -> bytes:
    lengths = bytes(len(packet) for packet in packets)
    start = b"OggS\x00" + bytes([flags]) + samples.to_bytes(8, "little")
    start += (1).to_bytes(4, "little") + place.to_bytes(4, "little")
    rest = bytes([len(lengths)]) + lengths + b"".join(packets)
    return start + _ogg_checksum(start + bytes(4) + rest).to_bytes(4, "little") + rest


def _ogg_checksum(page: bytes) -> int:
    check = 0
    for byte in page:
        check ^= byte << 24
        for _ in range(8):
            check = (check << 1) ^ (_OGG_POLYNOMIAL if check >> 31 else 0)
        check &= 0xFFFFFFFF
    return check


def _mp4() -> bytes:
    """Return a film without a track."""

    def box(name: bytes, data: bytes) -> bytes:
        return (len(data) + 8).to_bytes(4, "big") + name + data

    matrix = b"".join(
        number.to_bytes(4, "big") for number in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    )
    times = bytes(12) + (1000).to_bytes(4, "big") + bytes(4)
    header = times + b"\x00\x01\x00\x00\x01\x00" + bytes(10) + matrix + bytes(24)
    film = box(b"moov", box(b"mvhd", header + (1).to_bytes(4, "big")))
    return box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2mp41") + film


def _amr() -> bytes:
    """Return a second of silence."""
    return b"#!AMR\n" + (b"\x3c" + bytes(31)) * 50


SAMPLES: dict[str, Sample] = {
    "jpeg": Sample("image/jpeg", "jpg", _jpeg()),
    "png": Sample("image/png", "png", _png()),
    "pdf": Sample("application/pdf", "pdf", _pdf()),
    "ogg": Sample("audio/ogg; codecs=opus", "ogg", _ogg()),
    "mp4": Sample("video/mp4", "mp4", _mp4()),
    "webp": Sample(
        "image/webp", "webp", b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
    ),
    "amr": Sample("audio/amr", "amr", _amr()),
    "text": Sample("text/plain", "txt", b"Order A-17 is ready.\n"),
}
