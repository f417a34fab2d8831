"""How a page looks: for a phone first, without scripts or addresses other than ours.

Whatever comes from outside is escaped, and the headers would keep a browser from running it.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Final

_STYLE: Final = Path(__file__).with_name("page.css").read_text()

_DIGEST: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # The link is a key: it is told to nobody, and no shared phone or proxy keeps the page.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Vary": "Accept-Language",
}
"""What each page is sent with."""

WITH_PICTURES: Final[Mapping[str, str]] = {
    "Content-Security-Policy": f"{HEADERS['Content-Security-Policy']}; img-src 'self'"
}
"""What a page with pictures of ours is sent with instead."""

PICTURE_HEADERS: Final[Mapping[str, str]] = {
    name: HEADERS[name] for name in ("Cache-Control", "X-Robots-Tag", "X-Content-Type-Options")
} | {
    # Whatever it turns out to be, no browser runs it as a part of ours.
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What a picture of ours is sent with."""

DONE: Final = (
    '<svg class="done" viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="28"/>'
    '<path d="M20 33l8 8 16-17"/></svg>'
)
STOP: Final = (
    '<svg viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="28"/>'
    '<path d="M32 18v18M32 45v.5"/></svg>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A page that only says something."""

    title: str
    text: str


def notice_page(language: str, notice: Notice, picture: str, about: str = "") -> str:
    """Return a page that only says something; with the name of what it is about."""
    kind = f'<p class="kind">{escape(about)}</p>\n' if about else ""
    return document(
        language,
        notice.title,
        f"""<main class="notice">
{picture}
{kind}<h1>{escape(notice.title)}</h1>
<p>{escape(notice.text)}</p>
</main>""",
    )


def alarm(notice: Notice | None) -> str:
    """Return what stands above a form when the last try came to nothing."""
    if notice is None:
        return ""
    title, text = escape(notice.title), escape(notice.text)
    return f'<div class="alarm" role="alert"><strong>{title}</strong>{text}</div>\n'


def document(language: str, title: str, body: str) -> str:
    """Return the whole page; ``body`` is markup, everything else is escaped."""
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""
