"""Which events one callback's bytes become, and when they are safe (IM-06)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from providers.callbacks import Callback, MalformedCallback
from providers.whatsapp.callbacks import parse
from providers.whatsapp.signature import verify
from runtime.clock import Clock
from runtime.errors import InvalidInput
from runtime.kafka.producer import Producer
from schemas.topics.provider_events import PROVIDER_EVENTS, ProviderEvent
from services.ingest_webhook.refusals import Forbidden

SOURCE = "/sendtrail/ingest_webhook"
"""CloudEvents source of our events."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What taking in a callback needs."""

    producer: Producer
    secrets: tuple[bytes, ...]
    publish_within: timedelta
    clock: Clock


async def take_in(intake: Intake, body: bytes, signature: str | None) -> Callback:
    """Return what an authentic callback said once the broker has all its events.

    Raises `Forbidden`, `InvalidInput` or `BrokerAway`. After the last one some of the events may
    have arrived: the provider sends the callback again, and their ids are the same then (IM-04).
    """
    if not verify(body, signature, intake.secrets):
        raise Forbidden
    return await publish(intake, lambda: parse(body))


async def publish(intake: Intake, read: Callable[[], Callback]) -> Callback:
    """Return what ``read`` finds in a callback once the broker has all its events.

    Raises `InvalidInput` or `BrokerAway`, as `take_in` does.
    """
    try:
        callback = read()
    except MalformedCallback as error:
        raise InvalidInput(error.field, error.problem) from error
    await tell(intake, callback.events)
    return callback


async def tell(intake: Intake, events: Sequence[ProviderEvent]) -> None:
    """Return once the broker has all the events. Raises `BrokerAway`."""
    records = PROVIDER_EVENTS.records(events, source=SOURCE, at=intake.clock())
    await intake.producer.publish(records, within=intake.publish_within)
