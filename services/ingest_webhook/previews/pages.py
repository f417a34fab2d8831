"""How the pages of a preview look: for a phone first, without scripts, images or other addresses.

Whatever comes from outside is escaped, and the headers would keep a browser from running it.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Final

from domain.answers import LONGEST_COMMENT, Choice
from schemas.http.previews import CONFIRM, PreviewLink
from services.ingest_webhook.previews.answers import Answer
from services.ingest_webhook.previews.words import Notice, Words

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

_DONE: Final = (
    '<svg class="done" viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="28"/>'
    '<path d="M20 33l8 8 16-17"/></svg>'
)
_STOP: Final = (
    '<svg viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="28"/>'
    '<path d="M32 18v18M32 45v.5"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form and what is filled in."""

    link: PreviewLink
    token: str
    comment: str = ""


def question(words: Words, sheet: Sheet, problem: Notice | None = None) -> str:
    """Return the page that asks; with a problem, what became of the last try."""
    alarm = "" if problem is None else _alarm(problem)
    return _document(
        words,
        words.title,
        f"""<main>
{alarm}<p class="kind">{escape(words.title)}</p>
<h1>{escape(sheet.link.task_name)}</h1>
<p>{escape(words.prompt)}</p>
<form method="post" action="{CONFIRM.rpartition("/")[2]}">
<input type="hidden" name="token" value="{escape(sheet.token)}">
<input type="hidden" name="previewId" value="{escape(sheet.link.preview_id)}">
<label for="comment">{escape(words.comment)}</label>
<textarea id="comment" name="comment" maxlength="{LONGEST_COMMENT}" aria-describedby="hint">
{escape(sheet.comment)}</textarea>
<p class="hint" id="hint">{escape(words.hint)}</p>
<div class="choices">
{_button(words, Choice.MODIFY)}
{_button(words, Choice.CONFIRM)}
</div>
</form>
</main>""",
    )


def received(words: Words, answer: Answer) -> str:
    """Return the page that says which answer was kept."""
    about = f'<p class="kind">{escape(answer.link.task_name)}</p>\n'
    return _notice(words, words.received[answer.choice], _DONE, about)


def refusal(words: Words, notice: Notice) -> str:
    """Return the page that says that there is nothing to answer, or not now."""
    return _notice(words, notice, _STOP)


def _notice(words: Words, notice: Notice, picture: str, about: str = "") -> str:
    return _document(
        words,
        notice.title,
        f"""<main class="notice">
{picture}
{about}<h1>{escape(notice.title)}</h1>
<p>{escape(notice.text)}</p>
</main>""",
    )


def _alarm(notice: Notice) -> str:
    title, text = escape(notice.title), escape(notice.text)
    return f'<div class="alarm" role="alert"><strong>{title}</strong>{text}</div>\n'


def _button(words: Words, choice: Choice) -> str:
    label = escape(words.choices[choice])
    return f'<button class="{choice}" name="response" value="{choice}">{label}</button>'


def _document(words: Words, title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="{words.language}">
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
