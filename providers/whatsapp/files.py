"""Which files of our store WhatsApp takes: by ending, with the largest sizes (WA 5). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_KB: Final = 1_024
_MB: Final = 1_024 * _KB

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."


@dataclass(frozen=True, slots=True)
class FileType:
    """What the API is told of a file, and how large it may be."""

    mime_type: str
    largest: int
    """Bytes."""


_IMAGES: Final = {
    "jpg": FileType("image/jpeg", 5 * _MB),
    "jpeg": FileType("image/jpeg", 5 * _MB),
    "png": FileType("image/png", 5 * _MB),
}
# Only an animated one may be so large; a still one has 100 KB, which the API checks.
_STICKERS: Final = {"webp": FileType("image/webp", 500 * _KB)}
_VOICE: Final = {
    "ogg": FileType("audio/ogg", 16 * _MB),
    "oga": FileType("audio/ogg", 16 * _MB),
    "opus": FileType("audio/ogg", 16 * _MB),
}
_AUDIO: Final = _VOICE | {
    "aac": FileType("audio/aac", 16 * _MB),
    "amr": FileType("audio/amr", 16 * _MB),
    "mp3": FileType("audio/mpeg", 16 * _MB),
    "m4a": FileType("audio/mp4", 16 * _MB),
}
_VIDEOS: Final = {
    "mp4": FileType("video/mp4", 16 * _MB),
    "3gp": FileType("video/3gpp", 16 * _MB),
}
_DOCUMENTS: Final = {
    "pdf": FileType("application/pdf", 100 * _MB),
    "txt": FileType("text/plain", 100 * _MB),
    "doc": FileType("application/msword", 100 * _MB),
    "xls": FileType("application/vnd.ms-excel", 100 * _MB),
    "ppt": FileType("application/vnd.ms-powerpoint", 100 * _MB),
    "docx": FileType(f"{_OFFICE}wordprocessingml.document", 100 * _MB),
    "xlsx": FileType(f"{_OFFICE}spreadsheetml.sheet", 100 * _MB),
    "pptx": FileType(f"{_OFFICE}presentationml.presentation", 100 * _MB),
}

TYPES: Final[Mapping[str, FileType]] = _IMAGES | _STICKERS | _AUDIO | _VIDEOS | _DOCUMENTS
"""Type by ending."""

ENDINGS: Final[Mapping[str, frozenset[str]]] = {
    "image": frozenset(_IMAGES),
    "sticker": frozenset(_STICKERS),
    "voice": frozenset(_VOICE),
    "audio": frozenset(_AUDIO),
    "video": frozenset(_VIDEOS),
    "document": frozenset(_DOCUMENTS),
}
"""Endings by the kind of message, or of header, that carries such files."""

LARGEST: Final = max(kind.largest for kind in TYPES.values())
