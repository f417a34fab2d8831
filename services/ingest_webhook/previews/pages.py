"""What the pages of a preview show."""

from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import quote, urlsplit

from domain.answers import LONGEST_COMMENT, Choice
from schemas.http.previews import CONFIRM, PICTURE, PageContent, PreviewLink
from services.ingest_webhook.pages.look import DONE, STOP, Notice, alarm, document, notice_page
from services.ingest_webhook.previews.answers import Answer
from services.ingest_webhook.previews.words import Words

_FOLLOWED: Final = frozenset({"http", "https", "weixin"})
"""Other links, as those to mini-programs by name, are for WeChat's own eyes."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form and what is filled in."""

    link: PreviewLink
    token: str
    comment: str = ""
    content: PageContent | None = None
    """None: it is not known here."""


def question(words: Words, sheet: Sheet, problem: Notice | None = None) -> str:
    """Return the page that asks; with a problem, what became of the last try."""
    return document(
        words.language,
        words.title,
        f"""<main>
{alarm(problem)}<p class="kind">{escape(words.title)}</p>
<h1>{escape(sheet.link.task_name)}</h1>
{_content(words, sheet)}<p class="prompt">{escape(words.prompt)}</p>
<form method="post" action="{_relative(CONFIRM)}">
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
    about = answer.link.task_name
    return notice_page(words.language, words.received[answer.choice], DONE, about)


def refusal(words: Words, notice: Notice) -> str:
    """Return the page that says that there is nothing to answer, or not now."""
    return notice_page(words.language, notice, STOP)


def _content(words: Words, sheet: Sheet) -> str:
    """Return the message as its groups will get it, and when and how many they are."""
    content = sheet.content
    if content is None:
        return ""
    picture = f'<img src="{_relative(PICTURE)}?token={quote(sheet.token)}" alt="{words.picture}">'
    parts = [
        picture if content.has_picture else "",
        f'<p class="title">{escape(content.title)}</p>' if content.title else "",
        f'<p class="words">{_lines(content.words, content.link)}</p>' if content.words else "",
        _card(words, content),
    ]
    message = "\n".join(part for part in parts if part)
    about = [
        f'<p class="alarm">{escape(words.outdated)}</p>\n' if not content.is_current else "",
        f"<dl><dt>{words.at}</dt><dd>{escape(content.time)} ({escape(content.timezone)})</dd>\n",
        f"<dt>{words.groups}</dt><dd>{content.groups}</dd></dl>\n",
        f'<section aria-label="{words.content}">\n{message}\n</section>\n',
        f'<p class="hint">{words.feedback}</p>\n' if content.asks_feedback else "",
    ]
    return "".join(about)


def _lines(text: str, link: str | None) -> str:
    """Return a text whose line that is the link can be followed."""
    return "\n".join(
        f'<a href="{escape(line)}" target="_blank" rel="noopener noreferrer">{escape(line)}</a>'
        if line == link and urlsplit(line).scheme in _FOLLOWED
        else escape(line)
        for line in text.split("\n")
    )


def _card(words: Words, content: PageContent) -> str:
    card = content.miniprogram
    if card is None:
        return ""
    said = f"{escape(card.appid)} · {escape(card.page_path)}"
    return f'<p class="card"><strong>{words.card}</strong> {said}</p>'


def _relative(path: str) -> str:
    return path.rpartition("/")[2]


def _button(words: Words, choice: Choice) -> str:
    label = escape(words.choices[choice])
    return f'<button class="{choice}" name="response" value="{choice}">{label}</button>'
