"""What is this file, by its bytes, and may it be kept? Pure (IM-27; peers, S6).

Whoever sends a file also says what it is, and is not believed. What has a type outside the list is
not kept: markup runs in a browser, a program on a machine, an archive may hold either.
"""

import codecs
import re
from collections.abc import Mapping
from typing import Final

import filetype

HEAD: Final = 64 * 1_024
"""How many bytes from the beginning decide."""

LARGEST_PICTURE: Final = 100_000_000
"""Pixels. A camera makes less; a few kilobytes can claim 50,000 times 50,000, which take whoever
looks at them ten gigabytes."""

LONGEST_NAME: Final = 255

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "image/jpeg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "audio/aac": ("aac",),
    "audio/amr": ("amr",),
    "audio/mpeg": ("mp3",),
    "audio/mp4": ("m4a", "mp4"),
    "audio/ogg": ("ogg", "oga", "opus"),
    "video/mp4": ("mp4", "m4v"),
    "video/3gpp": ("3gp",),
    "application/pdf": ("pdf",),
    "text/plain": ("txt", "csv", "log", "md"),
    "application/msword": ("doc",),
    "application/vnd.ms-excel": ("xls",),
    "application/vnd.ms-powerpoint": ("ppt",),
    f"{_OFFICE}wordprocessingml.document": ("docx",),
    f"{_OFFICE}spreadsheetml.sheet": ("xlsx",),
    f"{_OFFICE}presentationml.presentation": ("pptx",),
}
"""What WhatsApp carries (WA 5), each with the endings that suit it, ours first."""

_SAME: Final = {"image/apng": "image/png", "video/x-m4v": "video/mp4"}
_IN_OLE: Final = ("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint")
_IN_ZIP: Final = {
    b"word/": f"{_OFFICE}wordprocessingml.document",
    b"xl/": f"{_OFFICE}spreadsheetml.sheet",
    b"ppt/": f"{_OFFICE}presentationml.presentation",
}
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP: Final = b"PK\x03\x04"
_ZIP_ENTRY: Final = re.compile(rb"PK\x03\x04.{26}(word/|xl/|ppt/)", re.DOTALL)
_PLAIN: Final = re.compile(r"[^\x00-\x08\x0b\x0e-\x1f\x7f]*")
_MARKUP: Final = re.compile(rb"<(?:script|html|svg|iframe|!doctype html|\?php)", re.IGNORECASE)
LONGEST_MARKUP: Final = len(b"<!doctype html")


def type_of(head: bytes, announced: str | None) -> str | None:
    """Return the MIME type that the file's first bytes show; None where it is not to be kept.

    What was announced counts only between types that have the same container.
    """
    shown = _shown(head, (announced or "").partition(";")[0].strip().lower())
    return shown if shown in _KEPT else None


def extension_of(mime_type: str) -> str:
    """Return the ending of a kept type."""
    return _KEPT[mime_type][0]


def has_markup(piece: bytes) -> bool:
    """Tell whether a browser might find a page in it. No camera or microphone writes such."""
    return _MARKUP.search(piece) is not None


def is_recording(mime_type: str) -> bool:
    """Tell whether it is a picture, a sound or a film."""
    return mime_type.partition("/")[0] in {"image", "audio", "video"}


def pixels_of(head: bytes) -> int | None:
    """Return how many pixels a picture claims to have; None where its beginning does not say."""
    if head.startswith(b"\x89PNG") and len(head) >= 24:  # noqa: PLR2004 - where IHDR's sizes end
        return _number(head[16:20]) * _number(head[20:24])
    if head[8:16] == b"WEBPVP8X" and len(head) >= 30:  # noqa: PLR2004 - the extended header's end
        width, height = head[24:27], head[27:30]
        return (int.from_bytes(width, "little") + 1) * (int.from_bytes(height, "little") + 1)
    if head.startswith(b"\xff\xd8"):
        return _pixels_of_jpeg(head)
    return None


def safe_name(name: str | None, mime_type: str) -> str | None:
    """Return a file's name without folders and tricks, with an ending that suits what it is.

    >>> safe_name("../my photo.exe", "image/png")
    'my photo.exe.png'
    """
    last = re.split(r"[/\\]", name or "")[-1]
    shown = "".join(char for char in last if char.isprintable()).strip(" .")
    if not shown:
        return None
    stem, dot, ending = shown.rpartition(".")
    if dot and ending.lower() in _KEPT[mime_type]:
        return f"{stem[: LONGEST_NAME - 1 - len(ending)]}.{ending}"
    ours = extension_of(mime_type)
    return f"{shown[: LONGEST_NAME - 1 - len(ours)]}.{ours}"


def _shown(head: bytes, announced: str) -> str | None:
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if (text := _text(head)) is not None:
        return None if text.lstrip("\ufeff \t\r\n\f").startswith(("<", "#!")) else "text/plain"
    if head.startswith(_ZIP):
        entry = _ZIP_ENTRY.search(head)
        return _IN_ZIP[entry[1]] if entry else None
    if head.startswith(_OLE):
        # Which of them it is may stand anywhere in the file; each opens in its own program only.
        return announced if announced in _IN_OLE else None
    if head[4:8] == b"ftyp":
        return _in_mp4(head[8:12], announced, filetype.guess_mime(head))
    guessed = filetype.guess_mime(head)
    return _SAME.get(guessed, guessed) if guessed else None


def _in_mp4(brand: bytes, announced: str, guessed: str | None) -> str | None:
    if brand.startswith((b"3gp", b"3g2")):
        return "video/3gpp"
    known = _SAME.get(guessed, guessed) if guessed else None
    return "audio/mp4" if known == "video/mp4" and announced.startswith("audio/") else known


def _text(head: bytes) -> str | None:
    """Return the head as text, None where it is none; its last character may be cut off."""
    encodings = ("utf-16",) if head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else ()
    for encoding in (*encodings, "utf-8", "gb18030"):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(head)
        except UnicodeDecodeError:
            continue
        if text and _PLAIN.fullmatch(text):
            return text
    return None


def _pixels_of_jpeg(head: bytes) -> int | None:
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:  # noqa: PLR2004 - every marker begins with it
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004 - frames
            return _number(head[at + 5 : at + 7]) * _number(head[at + 7 : at + 9])
        at += 2 + _number(head[at + 2 : at + 4])
    return None


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
