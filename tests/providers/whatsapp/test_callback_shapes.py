"""Every shape of the fact sheet's chapters 8 to 10 becomes what it means."""

from datetime import UTC, datetime

import pytest

from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    CallbackEvent,
    MessageReceived,
    StatusReported,
)
from tests.given import NOON
from tests.providers.whatsapp.bodies import (
    ACCOUNT_ID,
    PHONE_NUMBER_ID,
    Part,
    a_change,
    a_message,
    a_notice,
    a_status,
    an_envelope,
)
from tests.providers.whatsapp.message_shapes import MESSAGES
from tests.providers.whatsapp.notice_shapes import NOTICES, Notice
from tests.providers.whatsapp.reading import of_statuses, the_message, the_notice, the_status
from tests.providers.whatsapp.shapes import AUTHOR, without_nulls
from tests.providers.whatsapp.status_shapes import OTHER_STATUSES, STATUSES


def assert_consumers_read_the_same(event: CallbackEvent) -> None:
    record = PROVIDER_EVENTS.record(event, source="/test", at=NOON)
    assert PROVIDER_EVENTS.decode(record.value) == event


@pytest.mark.parametrize("name", STATUSES)
def test_a_status_is_read_with_all_it_tells(name: str) -> None:
    part, becomes = STATUSES[name]

    event = the_status(of_statuses(without_nulls(a_status(id="wamid.A", **part))))

    plain: Part = {
        "channel": "whatsapp",
        "provider_message_id": "wamid.A",
        "status": "delivered",
        "occurred_at": datetime(2025, 6, 15, 23, 27, 53, tzinfo=UTC),
        "sender_id": PHONE_NUMBER_ID,
        "account_id": ACCOUNT_ID,
    }
    assert event == StatusReported(**{**plain, **becomes})
    assert_consumers_read_the_same(event)


@pytest.mark.parametrize("kind", OTHER_STATUSES)
def test_a_status_that_moves_no_message_is_kept_as_a_notice(kind: str) -> None:
    part = a_status(id="wamid.A", **OTHER_STATUSES[kind])

    event = the_notice(of_statuses(part))

    assert (event.kind, event.about, event.account_id) == (kind, "wamid.A", ACCOUNT_ID)
    assert event.content == part
    assert event.occurred_at == datetime(2025, 6, 15, 23, 27, 53, tzinfo=UTC)
    assert_consumers_read_the_same(event)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_read_with_all_it_tells(name: str) -> None:
    part, becomes = MESSAGES[name]
    message = without_nulls(a_message(id="wamid.A", **part))
    somebody_else = {"profile": {"name": "Somebody Else"}, "wa_id": "12125557890"}
    contacts = [somebody_else, {"profile": {"name": "Sheena Nelson"}, "wa_id": AUTHOR}]

    event = the_message(an_envelope(a_change(messages=[message], contacts=contacts)))

    plain: Part = {
        "channel": "whatsapp",
        "provider_message_id": "wamid.A",
        "sender_id": PHONE_NUMBER_ID,
        "author": AUTHOR,
        "author_name": "Sheena Nelson",
        "message_type": message["type"],
        "content": {"body": "Does it come in another color?"},
        "occurred_at": datetime(2025, 6, 8, 20, 59, 43, tzinfo=UTC),
        "account_id": ACCOUNT_ID,
    }
    assert event == MessageReceived(**{**plain, **becomes})
    assert_consumers_read_the_same(event)


@pytest.mark.parametrize("shape", NOTICES, ids=lambda shape: shape.field)
def test_everything_else_is_kept_as_received(shape: Notice) -> None:
    event = the_notice(a_notice(shape.field, shape.value))

    assert (event.kind, event.about, event.account_id) == (shape.field, shape.about, ACCOUNT_ID)
    assert event.content == shape.value
    assert event.occurred_at == datetime(2025, 6, 30, 1, 39, 8, tzinfo=UTC)
    assert_consumers_read_the_same(event)
