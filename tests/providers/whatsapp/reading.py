"""What tests of the callbacks read out of a parsed body."""

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


def the_status(body: object) -> StatusReported:
    (event,) = parsed(body).events
    assert isinstance(event, StatusReported)
    return event


def the_message(body: object) -> MessageReceived:
    (event,) = parsed(body).events
    assert isinstance(event, MessageReceived)
    return event


def of_statuses(*statuses: object) -> object:
    return an_envelope(a_change(statuses=list(statuses)))


def of_messages(*messages: object) -> object:
    return an_envelope(a_change(messages=list(messages)))


def ids_of(events: tuple[CallbackEvent, ...]) -> list[str]:
    told = [event for event in events if not isinstance(event, NoticeReceived)]
    return [event.provider_message_id for event in told]


def reasons_of(callback: Callback) -> list[tuple[Reason, str]]:
    return [(part.reason, part.where) for part in callback.ignored]
