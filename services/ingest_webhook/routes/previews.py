"""Where a preview is answered: its page, and what that page and programs send (PV-06…PV-09)."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from domain.answers import LONGEST_COMMENT, Choice
from providers.callbacks import Callback
from runtime.errors import InvalidInput, TryAgainLater
from runtime.http_errors import headers_of, noted_problem
from schemas.http.previews import CONFIRM, PAGE, PICTURE, PICTURES, PageContent, PreviewLink
from schemas.topics.provider_events import ProviderEvent
from services.ingest_webhook import account
from services.ingest_webhook.account import IgnoredPart
from services.ingest_webhook.door import Door
from services.ingest_webhook.fields import FORM, Fields, fields_of_form, fields_of_json, is_form
from services.ingest_webhook.handlers import Intake, publish
from services.ingest_webhook.pages.look import PICTURE_HEADERS, WITH_PICTURES, Notice
from services.ingest_webhook.previews import pages
from services.ingest_webhook.previews.answers import (
    Answer,
    Desk,
    answer_of,
)
from services.ingest_webhook.previews.pages import Sheet
from services.ingest_webhook.previews.source import Source
from services.ingest_webhook.previews.words import Words, words_for
from services.ingest_webhook.refusals import ContentAway, LinkExpired, Refused, UnknownPreview
from services.ingest_webhook.routes.callback_route import (
    FORBIDDEN,
    REFUSALS,
    TOO_MANY,
    Description,
    open_address,
)
from services.ingest_webhook.routes.page_route import PAGE_CONTENT, page_of

LARGEST_BODY: Final = 16 * 1_024
"""Bytes. A comment of 500 characters has up to 6,000 in a form, a link's token some 400."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer that the broker has."""

    answer: Answer
    events: Sequence[ProviderEvent]
    ignored: Sequence[IgnoredPart] = ()


@dataclass(slots=True)
class Filling:
    """How far the reading of an answer came: what a page can show when it goes no further."""

    fields: Fields = field(default_factory=dict[str, object])
    link: PreviewLink | None = None


def add_routes(app: FastAPI, door: Door, intake: Intake, desk: Desk, source: Source) -> None:
    """Open the addresses of the page and its picture, and the one that answers are sent to."""
    smaller = door.narrowed(LARGEST_BODY)

    async def receive(request: Request, read: Callable[[bytes], Fields], filling: Filling) -> Taken:
        async def take(body: bytes) -> Taken:
            filling.fields = read(body)
            filling.link = desk.opened(filling.fields.get("token"))
            answer = answer_of(filling.link, filling.fields)
            event = answer.as_event(intake.clock())
            told = await publish(intake, lambda: Callback((event,)))
            return Taken(answer, told.events)

        return await smaller.receive(request, lambda _: take)

    async def show_preview(request: Request) -> Response:
        began = perf_counter()
        token = request.query_params.get("token", "")
        try:
            link = desk.opened(token)
            content = await source.content(token)
        except (Refused, ContentAway) as error:
            account.refused(error, perf_counter() - began)
            return _failure(request, Filling(), error)
        text = pages.question(_words(request), Sheet(link, token, content=content))
        return page_of(text, more=WITH_PICTURES)

    async def show_picture(request: Request) -> Response:
        token = request.query_params.get("token", "")
        desk.opened(token)
        picture = await source.picture(token)
        return Response(picture.data, media_type=picture.mime_type, headers=PICTURE_HEADERS)

    async def confirm_preview(request: Request) -> Response:
        filling = Filling()
        if not is_form(request):
            await receive(request, fields_of_json, filling)
            return JSONResponse({"message": "Preview confirmed"})
        try:
            taken = await receive(request, fields_of_form, filling)
        except (HTTPException, InvalidInput, TryAgainLater) as error:
            return _failure(request, filling, error, await _content(filling, source))
        return page_of(pages.received(_words(request), taken.answer))

    open_address(app, "GET", PAGE, show_preview, _SHOWN)
    open_address(app, "GET", PICTURE, show_picture, _PICTURED)
    open_address(app, "POST", CONFIRM, confirm_preview, _ANSWERED)


def _words(request: Request) -> Words:
    return words_for(request.headers.get("accept-language"))


async def _content(filling: Filling, source: Source) -> PageContent | None:
    """Return what stands above a form that is shown again; it is, also where that is not known."""
    if filling.link is None:
        return None
    with suppress(Refused, ContentAway):
        return await source.content(str(filling.fields.get("token")))
    return None


def _failure(
    request: Request, filling: Filling, error: Exception, content: PageContent | None = None
) -> Response:
    """Return the page that says so; the form again, as filled in, where another try may help."""
    words, problem = _words(request), noted_problem(request, error)
    notice, comment = _notice(words, error), filling.fields.get("comment")
    if filling.link is None or isinstance(error, Refused):
        return page_of(pages.refusal(words, notice), problem.status, headers_of(error))
    token = str(filling.fields.get("token"))
    written = comment if isinstance(comment, str) else ""
    text = pages.question(words, Sheet(filling.link, token, written, content), notice)
    return page_of(text, problem.status, {**WITH_PICTURES, **headers_of(error)})


def _notice(words: Words, error: Exception) -> Notice:
    match error:
        case UnknownPreview():
            return words.unknown
        case LinkExpired():
            return words.expired
        case ContentAway():
            return words.not_shown
        case TryAgainLater():
            return words.not_now
        case _:
            return words.not_taken


_LINK_TOKEN: Final = {"type": "string", "description": "Of the link in the notification."}

_ANSWER: Final = {
    "title": "Answer to a preview",
    "type": "object",
    "required": ["previewId", "response", "token"],
    "properties": {
        "previewId": {"type": "string"},
        "response": {"type": "string", "enum": [choice.value for choice in Choice]},
        "comment": {"type": ["string", "null"], "maxLength": LONGEST_COMMENT},
        "token": _LINK_TOKEN,
    },
}
_CONFIRMED: Final = {
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"type": "string", "const": "Preview confirmed"}},
}
_UNKNOWN: Final = (HTTPStatus.NOT_FOUND, "The link is none of ours, or to another preview.")
_EXPIRED: Final = (HTTPStatus.GONE, "The link's time is over.")
_AWAY: Final = (HTTPStatus.SERVICE_UNAVAILABLE, "What it shows cannot be had now.")

_SHOWN: Final = Description(
    tag="previews",
    summary="Show the page on which a preview is answered",
    parameters=({"name": "token", "in": "query", "required": True, "schema": _LINK_TOKEN},),
    taken_as="The page.",
    taken=PAGE_CONTENT,
    refusals=dict((_UNKNOWN, _EXPIRED, TOO_MANY, _AWAY)),
    refused_as=PAGE_CONTENT,
)
_PICTURED: Final = Description(
    tag="previews",
    summary="The picture on that page",
    parameters=({"name": "token", "in": "query", "required": True, "schema": _LINK_TOKEN},),
    taken_as="The picture.",
    taken={mime_type: {} for mime_type in sorted(PICTURES)},
    refusals=dict((_UNKNOWN, _EXPIRED, TOO_MANY, _AWAY)),
)
_ANSWERED: Final = Description(
    tag="previews",
    summary="Answer a preview",
    parameters=(),
    body={
        "required": True,
        "content": {"application/json": {"schema": _ANSWER}, FORM: {"schema": _ANSWER}},
    },
    taken={"application/json": {"schema": _CONFIRMED}, **PAGE_CONTENT},
    refusals={
        **{status: why for status, why in REFUSALS.items() if status != FORBIDDEN[0]},
        HTTPStatus.BAD_REQUEST: "The wrong field is named.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"The body is larger than {LARGEST_BODY} bytes.",
        **dict((_UNKNOWN, _EXPIRED)),
    },
    refused_as=PAGE_CONTENT,
)
