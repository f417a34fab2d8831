"""What the form for feedback shows."""

from dataclasses import dataclass
from html import escape

from domain.opinions import LONGEST_OPINION
from schemas.http.feedback import FEEDBACK
from services.ingest_webhook.feedback.words import Words
from services.ingest_webhook.pages.look import DONE, STOP, Notice, alarm, document, notice_page


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form and what is filled in."""

    task_name: str
    token: str
    user_id: str
    opinion: str = ""


def form(words: Words, sheet: Sheet, problem: Notice | None = None) -> str:
    """Return the page that asks; with a problem, what became of the last try."""
    return document(
        words.language,
        words.title,
        f"""<main>
{alarm(problem)}<p class="kind">{escape(words.title)}</p>
<h1>{escape(sheet.task_name)}</h1>
<p>{escape(words.prompt)}</p>
<form method="post" action="{FEEDBACK}">
<input type="hidden" name="token" value="{escape(sheet.token)}">
<input type="hidden" name="userId" value="{escape(sheet.user_id)}">
<label for="content">{escape(words.opinion)}</label>
<textarea id="content" name="content" maxlength="{LONGEST_OPINION}" required
 aria-describedby="hint">
{escape(sheet.opinion)}</textarea>
<p class="hint" id="hint">{escape(words.hint)}</p>
<div class="choices">
<button class="confirm">{escape(words.send)}</button>
</div>
</form>
</main>""",
    )


def received(words: Words, task_name: str) -> str:
    """Return the page that says that it is kept."""
    return notice_page(words.language, words.received, DONE, task_name)


def refusal(words: Words, notice: Notice) -> str:
    """Return the page that says that there is nothing to fill in, or not now."""
    return notice_page(words.language, notice, STOP)
