"""What tests of the callbacks read out of a parsed body."""

from collections.abc import Iterable

from providers.callbacks import Callback, Reason
from providers.whatsapp.callbacks import parse
from schemas.topics.provider_events import (
    CallbackEvent,
    MessageReceived,
    NoticeReceived,
    StatusReported,
)
from tests.providers.whatsapp.bodies import (
    a_change,
    an_envelope,
    encoded,
)


def parsed(body: object) -> Callback:
    return parse(encoded(body))


def the_event(body: object) -> CallbackEvent:
    callback = parsed(body)
    assert callback.ignored == ()
    (event,) = callback.events
    return event


def the_status(body: object) -> StatusReported:
    event = the_event(body)
    assert isinstance(event, StatusReported)
    return event


def the_message(body: object) -> MessageReceived:
    event = the_event(body)
    assert isinstance(event, MessageReceived)
    return event


def the_notice(body: object) -> NoticeReceived:
    event = the_event(body)
    assert isinstance(event, NoticeReceived)
    return event


def notices(body: object) -> list[NoticeReceived]:
    callback = parsed(body)
    assert callback.ignored == ()
    return [event for event in callback.events if isinstance(event, NoticeReceived)]


def of_statuses(*statuses: object) -> object:
    return an_envelope(a_change(statuses=list(statuses)))


def of_messages(*messages: object) -> object:
    return an_envelope(a_change(messages=list(messages)))


def ids_of(events: Iterable[CallbackEvent]) -> list[str | None]:
    """Return which message each event is about."""
    return [
        event.about if isinstance(event, NoticeReceived) else event.provider_message_id
        for event in events
    ]


def reasons_of(callback: Callback) -> list[tuple[Reason, str]]:
    return [(part.reason, part.where) for part in callback.ignored]
