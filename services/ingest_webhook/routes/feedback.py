"""Where people say what they think of a push: the form, and what it and programs send (NF-04)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic, perf_counter
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from domain.opinions import LONGEST_OPINION
from runtime.errors import InvalidInput, TryAgainLater
from runtime.http_errors import headers_of, noted_problem
from runtime.sources import Network
from schemas.http.feedback import FEEDBACK, FORM, FeedbackLink
from schemas.topics.provider_events import ProviderEvent
from services.ingest_webhook import account
from services.ingest_webhook.account import IgnoredPart
from services.ingest_webhook.door import Door
from services.ingest_webhook.feedback import pages
from services.ingest_webhook.feedback.opinions import Desk, feedback_of, user_of
from services.ingest_webhook.feedback.pages import Sheet
from services.ingest_webhook.feedback.words import Words, words_for
from services.ingest_webhook.fields import FORM as FORM_TYPE
from services.ingest_webhook.fields import Fields, fields_of_form, fields_of_json, is_form
from services.ingest_webhook.handlers import Intake, tell
from services.ingest_webhook.pages.look import Notice
from services.ingest_webhook.rate import source_in
from services.ingest_webhook.refusals import FormClosed, TooMany, UnknownForm
from services.ingest_webhook.routes.callback_route import (
    FORBIDDEN,
    REFUSALS,
    TOO_MANY,
    Description,
    open_address,
)
from services.ingest_webhook.routes.page_route import PAGE_CONTENT, page_of

LARGEST_BODY: Final = 24 * 1_024
"""Bytes. An opinion of 1,000 characters has up to 12,000 in a form, a link's token some 300."""
COOKIE: Final = "feedback_user"
REMEMBERED: Final = 365 * 24 * 3_600
"""Seconds for which a browser that comes again is the same one."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An opinion that the broker has."""

    link: FeedbackLink
    events: Sequence[ProviderEvent]
    ignored: Sequence[IgnoredPart] = ()


@dataclass(slots=True)
class Filling:
    """How far the reading came: what a page can show when it goes no further."""

    fields: Fields = field(default_factory=dict[str, object])
    link: FeedbackLink | None = None

    def written(self, name: str) -> str:
        """Return what was written into a field."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""


def add_routes(
    app: FastAPI, door: Door, intake: Intake, desk: Desk, trusted: tuple[Network, ...]
) -> None:
    """Open the form's address and the one that it is sent to."""
    smaller = door.narrowed(LARGEST_BODY)

    async def receive(request: Request, read: Callable[[bytes], Fields], filling: Filling) -> Taken:
        def look(request: Request) -> Callable[[bytes], Awaitable[Taken]]:
            wait = desk.buckets.take(source_in(request.scope, trusted), monotonic())
            if wait is not None:
                raise TooMany(wait)
            return take

        async def take(body: bytes) -> Taken:
            filling.fields = read(body)
            filling.link = desk.opened(filling.fields.get("token"))
            event = feedback_of(filling.link, filling.fields, at=intake.clock())
            await tell(intake, [event])
            return Taken(filling.link, [event])

        return await smaller.receive(request, look)

    async def show_form(request: Request) -> Response:
        began = perf_counter()
        token, words = request.query_params.get("token", ""), _words(request)
        try:
            link = desk.opened(token)
        except (UnknownForm, FormClosed) as error:
            account.refused(error, perf_counter() - began)
            return _failure(request, Filling(), error)
        named = request.query_params.get("user") or request.cookies.get(COOKIE)
        user_id = user_of(named)
        page = page_of(pages.form(words, Sheet(link.task_name, token, user_id)))
        page.set_cookie(
            COOKIE,
            user_id,
            max_age=REMEMBERED,
            path=FEEDBACK,
            secure=True,
            httponly=True,
            samesite="lax",
        )
        return page

    async def give_feedback(request: Request) -> Response:
        filling = Filling()
        if not is_form(request):
            await receive(request, fields_of_json, filling)
            return JSONResponse({"message": "Feedback received"})
        try:
            taken = await receive(request, fields_of_form, filling)
        except (HTTPException, InvalidInput, TryAgainLater) as error:
            return _failure(request, filling, error)
        return page_of(pages.received(_words(request), taken.link.task_name))

    open_address(app, "GET", FORM, show_form, _SHOWN)
    open_address(app, "POST", FEEDBACK, give_feedback, _GIVEN)


def _words(request: Request) -> Words:
    return words_for(request.headers.get("accept-language"))


def _failure(request: Request, filling: Filling, error: Exception) -> Response:
    """Return the page that says so; the form again, as filled in, where another try may help."""
    words, problem = _words(request), noted_problem(request, error)
    notice = _notice(words, error)
    if filling.link is None:
        text = pages.refusal(words, notice)
    else:
        filled = (filling.written(name) for name in ("token", "userId", "content"))
        text = pages.form(words, Sheet(filling.link.task_name, *filled), notice)
    return page_of(text, problem.status, headers_of(error))


def _notice(words: Words, error: Exception) -> Notice:
    match error:
        case UnknownForm():
            return words.unknown
        case FormClosed():
            return words.closed
        case TryAgainLater() | TooMany():
            return words.not_now
        case _:
            return words.not_taken


_LINK_TOKEN: Final = {"type": "string", "description": "Of the link in the push."}
_USER_ID: Final = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_.@:-]{1,64}$",
    "description": "Who answers, as the mini-program knows them: the openid.",
}
_FEEDBACK: Final = {
    "title": "Feedback",
    "type": "object",
    "required": ["token", "userId", "content"],
    "properties": {
        "token": _LINK_TOKEN,
        "userId": _USER_ID,
        "content": {"type": "string", "minLength": 1, "maxLength": LONGEST_OPINION},
    },
}
_RECEIVED: Final = {
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"type": "string", "const": "Feedback received"}},
}
_UNKNOWN: Final = (HTTPStatus.NOT_FOUND, "The link is none of ours.")
_CLOSED: Final = (HTTPStatus.GONE, "The link's time is over.")

_SHOWN: Final = Description(
    tag="feedback",
    summary="Show the form on which a push is answered",
    parameters=(
        {"name": "token", "in": "query", "required": True, "schema": _LINK_TOKEN},
        {"name": "user", "in": "query", "required": False, "schema": _USER_ID},
    ),
    taken_as="The form.",
    taken=PAGE_CONTENT,
    refusals=dict((_UNKNOWN, _CLOSED, TOO_MANY)),
    refused_as=PAGE_CONTENT,
)
_GIVEN: Final = Description(
    tag="feedback",
    summary="Say what one thinks of a push",
    parameters=(),
    body={
        "required": True,
        "content": {"application/json": {"schema": _FEEDBACK}, FORM_TYPE: {"schema": _FEEDBACK}},
    },
    taken_as="Kafka has it. Of several answers of one person to one push the last counts.",
    taken={"application/json": {"schema": _RECEIVED}, **PAGE_CONTENT},
    refusals={
        **{status: why for status, why in REFUSALS.items() if status != FORBIDDEN[0]},
        HTTPStatus.BAD_REQUEST: "The wrong field is named.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"The body is larger than {LARGEST_BODY} bytes.",
        **dict((_UNKNOWN, _CLOSED)),
    },
    refused_as=PAGE_CONTENT,
)
