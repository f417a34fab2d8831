"""How a file is written for an upload to WeCom: one part of a form, named ``media`` (WX 7)."""

import mimetypes
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

_UNKNOWN: Final = "application/octet-stream"
_UNQUOTED: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""What would end the name, as browsers write it in a form."""


@dataclass(frozen=True, slots=True)
class Form:
    """The body of an upload."""

    content_type: str
    content: bytes = field(repr=False)


def form_of(name: str, ending: str, data: bytes) -> Form:
    """Return the body. ``ending`` says what it is, whatever people see as its name."""
    boundary = uuid4().hex
    about = f'name="media"; filename="{name.translate(_UNQUOTED)}"; filelength={len(data)}'
    head = (
        f"--{boundary}",
        f"Content-Disposition: form-data; {about}",
        f"Content-Type: {mimetypes.guess_type(f'file.{ending}')[0] or _UNKNOWN}",
        "\r\n",
    )
    content = b"".join(("\r\n".join(head).encode(), data, f"\r\n--{boundary}--\r\n".encode()))
    return Form(f"multipart/form-data; boundary={boundary}", content)
