"""What the pages of a preview show."""

from dataclasses import dataclass
from html import escape

from domain.answers import LONGEST_COMMENT, Choice
from schemas.http.previews import CONFIRM, PreviewLink
from services.ingest_webhook.pages.look import DONE, STOP, Notice, alarm, document, notice_page
from services.ingest_webhook.previews.answers import Answer
from services.ingest_webhook.previews.words import Words


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form and what is filled in."""

    link: PreviewLink
    token: str
    comment: str = ""


def question(words: Words, sheet: Sheet, problem: Notice | None = None) -> str:
    """Return the page that asks; with a problem, what became of the last try."""
    return document(
        words.language,
        words.title,
        f"""<main>
{alarm(problem)}<p class="kind">{escape(words.title)}</p>
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
    about = answer.link.task_name
    return notice_page(words.language, words.received[answer.choice], DONE, about)


def refusal(words: Words, notice: Notice) -> str:
    """Return the page that says that there is nothing to answer, or not now."""
    return notice_page(words.language, notice, STOP)


def _button(words: Words, choice: Choice) -> str:
    label = escape(words.choices[choice])
    return f'<button class="{choice}" name="response" value="{choice}">{label}</button>'
