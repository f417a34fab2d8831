"""``POST /api/v1/analytics/events``: what happened in a console (AN-02 to AN-05, IM-50)."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request

from runtime.auth import Caller, Guard, Permission
from runtime.bodies import decode, documented, read_body
from runtime.clock import Clock
from runtime.kafka.producer import Producer
from schemas.http.analytics import EventsTracked, RefusedEvent, TrackEvents
from schemas.http.envelope import Envelope
from schemas.topics.tracking_events import TRACKING_EVENTS
from services.scheduler.tracking import sorted_out

SOURCE: Final = "/sendtrail/scheduler"
LARGEST_BODY: Final = 1_024 * 1_024
"""Bytes: all events with the longest of reasons."""
PUBLISHED_WITHIN: Final = timedelta(seconds=2)
"""The console does not wait for it; what is refused with 503 it sends with its next events."""

_DECODER: Final = msgspec.json.Decoder(TrackEvents)


def router(producer: Producer, guard: Guard, *, clock: Clock) -> APIRouter:
    """Return the route."""
    routes = APIRouter(prefix="/api/v1/analytics", tags=["analytics"])

    @routes.post(
        "/events",
        status_code=HTTPStatus.ACCEPTED,
        summary="Track what people did",
        openapi_extra=documented(TrackEvents),
    )
    async def track_events(
        request: Request,
        caller: Annotated[Caller, Depends(guard.needs(Permission.EVENTS_TRACK))],
    ) -> Envelope[EventsTracked]:
        body = decode(_DECODER, await read_body(request, limit=LARGEST_BODY))
        now = clock()
        taken, refused = sorted_out(body.events, caller, now)
        records = TRACKING_EVENTS.records(taken, source=SOURCE, at=now)
        await producer.publish(records, within=PUBLISHED_WITHIN)
        told = [
            RefusedEvent(index=one.index, field=one.error.field, problem=one.error.problem)
            for one in refused
        ]
        return Envelope(
            code=HTTPStatus.ACCEPTED, data=EventsTracked(accepted=len(taken), refused=told)
        )

    return routes
