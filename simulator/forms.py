"""What stands in a multipart form: how files are uploaded."""

import re
from typing import NamedTuple

_KIND = "multipart/form-data"
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_NAME = re.compile(rb'[; ]name="([^"]*)"')
_FILENAME = re.compile(rb'filename="([^"]*)"')


class Part(NamedTuple):
    """One part of a form."""

    content: bytes
    filename: str


def parts_of(content_type: str, body: bytes) -> dict[str, Part] | None:
    r"""Return the parts by their names; none where the body is no form.

    >>> body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nhello\r\n--x--'
    >>> parts_of("multipart/form-data; boundary=x", body)
    {'a': Part(content=b'hello', filename='')}
    """
    found = _BOUNDARY.search(content_type)
    if found is None or not content_type.startswith(_KIND):
        return None
    form: dict[str, Part] = {}
    for piece in body.split(b"--" + found[1].encode())[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        if name := _NAME.search(head):
            filename = _FILENAME.search(head)
            text = filename[1].decode(errors="replace") if filename else ""
            form[name[1].decode(errors="replace")] = Part(content.removesuffix(b"\r\n"), text)
    return form
