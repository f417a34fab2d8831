"""A picture written anew: what is seen of it and nothing else, small enough for every provider.

What a camera noted, what stands behind the picture's end and what only calls itself a picture do
not pass (CF-49; peers, S6). Blocks, for up to a second with the largest.
"""

from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps

from runtime.file_types import HEAD, pixels_of

LARGEST: Final = 2 * 1_024 * 1_024
"""Bytes; what WeCom's robots take, and the seeds allow (PV-03)."""
MOST_PIXELS: Final = 25_000_000
"""Decoded they take 100 MB. What claims more is refused by its first bytes."""
LONGEST_SIDE: Final = 4_096
"""Pixels; larger ones are made smaller. No phone shows more."""

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"

_QUALITIES: Final = (90, 80, 65)
_SMALLER: Final = 0.7
"""Of each side, until it fits."""


class BadPicture(ValueError):
    """It cannot be sent; the argument says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG or PNG of ours."""

    mime_type: str
    data: bytes = field(repr=False)


def rewritten(data: bytes, *, largest: int = LARGEST) -> Picture:
    """Return the picture with at most ``largest`` bytes. Raises `BadPicture`."""
    claimed = pixels_of(data[:HEAD])
    if claimed is not None and claimed > MOST_PIXELS:
        raise BadPicture(f"has more than {MOST_PIXELS} pixels")
    try:
        seen, is_png = _decoded(data)
    except BadPicture:
        raise
    except Exception as error:  # a decoder may raise anything for bytes that nobody foresaw
        raise BadPicture("is damaged, or no JPEG or PNG picture") from error
    return _fitted(seen, largest, is_png=is_png)


def _decoded(data: bytes) -> tuple[Image.Image, bool]:
    with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as found:
        if found.width * found.height > MOST_PIXELS:
            raise BadPicture(f"has more than {MOST_PIXELS} pixels")
        is_png = found.format == "PNG"
        found.load()
        upright = ImageOps.exif_transpose(found)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    bare = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    # Else it would be saved with what a camera noted.
    bare.info.clear()
    return bare, is_png


def _fitted(seen: Image.Image, largest: int, *, is_png: bool) -> Picture:
    if is_png or seen.mode == "RGBA":
        written = _saved(seen, "PNG")
        if len(written) <= largest:
            return Picture(PNG, written)
    flat = _on_white(seen)
    while True:
        for quality in _QUALITIES:
            written = _saved(flat, "JPEG", quality=quality, optimize=True)
            if len(written) <= largest:
                return Picture(JPEG, written)
        flat = _smaller(flat)


def _smaller(seen: Image.Image) -> Image.Image:
    smaller = seen.copy()
    smaller.thumbnail((max(1, int(seen.width * _SMALLER)), max(1, int(seen.height * _SMALLER))))
    return smaller


def _on_white(seen: Image.Image) -> Image.Image:
    if seen.mode == "RGB":
        return seen
    white = Image.new("RGB", seen.size, "white")
    white.paste(seen, mask=seen.getchannel("A"))
    return white


def _saved(seen: Image.Image, kind: str, **how: object) -> bytes:
    out = BytesIO()
    seen.save(out, kind, **how)
    return out.getvalue()
