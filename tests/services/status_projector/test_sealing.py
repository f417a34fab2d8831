"""Nothing of a person stands in the projector's tables but under their key (SE-01, CF-32)."""

from collections.abc import Iterator
from uuid import uuid4

import msgspec
import pytest
import sqlalchemy as sa

from domain.failures import ErrorCode, Origin
from domain.identity import message_id_for_inbound
from runtime.postgres import transaction
from runtime.vault import forget
from schemas.topics.contents import TextContent
from schemas.topics.provider_events import (
    FailureReason,
    MediaStored,
    NoticeReceived,
)
from schemas.topics.send_requests import SendRequested
from tests.given import NOON, a_send_request
from tests.sealed import VAULT, personal_of, statuses_of_participants
from tests.services.status_projector.facts import Life, Projector, Record

pytestmark = pytest.mark.stack

WORDS = "Your ring is engraved: for Ada"
TABLES = (
    "messages",
    "message_status_history",
    "message_facts",
    "message_participants",
    "conversations",
    "parked_events",
    "provider_notices",
)


def a_number() -> str:
    return "1650" + str(uuid4().int)[:9]


def everything_about(number: str) -> Iterator[Record]:
    """Tell of a person in every way that leads into a table."""
    sent, received, parked = Life(), Life(), Life()
    yield sent.request(recipient=f"+{number}", content=TextContent(body=WORDS))
    failure = FailureReason(
        code=ErrorCode.INVALID_RECIPIENT,
        origin=Origin.PROVIDER,
        provider_code="131026",
        detail=f"+{number} is not on WhatsApp",
    )
    yield msgspec.structs.replace(sent.reported("failed", 4), failure=failure)
    yield msgspec.structs.replace(sent.reported("sent", 4), participant=number)
    yield msgspec.structs.replace(parked.reported("failed", 4), participant=number)
    yield msgspec.structs.replace(parked.reported("failed", 5), failure=failure)
    inbound = received.inbound()
    yield msgspec.structs.replace(
        inbound,
        author=number,
        author_name=f"Ada {number}",
        content={"body": WORDS},
        context={"from": number},
    )
    yield MediaStored(
        channel="whatsapp",
        provider_message_id=inbound.provider_message_id,
        media_id="1",
        key="a/b.pdf",
        mime_type="application/pdf",
        size=1,
        sha256="0" * 64,
        file_name=f"{number}.pdf",
        at=NOON,
    )
    yield NoticeReceived(
        channel="whatsapp",
        notice_id=uuid4().hex,
        kind="message_echoes",
        account_id="1",
        about=number,
        content={"message_echoes": [{"to": number, "text": {"body": WORDS}}]},
    )


def test_no_table_holds_a_number_or_a_word_in_the_clear(
    engine: sa.Engine, projector: Projector
) -> None:
    number = a_number()

    projector.apply([projector.heard(record) for record in everything_about(number)])

    for table in TABLES:
        rows = whole(engine, table)
        assert rows, table
        for plain in (number, WORDS):
            assert plain not in rows, table
            assert plain.encode().hex() not in rows, table


def test_what_is_sealed_is_read_with_the_keys(engine: sa.Engine, projector: Projector) -> None:
    request = a_send_request(
        message_id=Life().message_id, recipient="+16505550001", content=TextContent(body=WORDS)
    )
    projector.apply([projector.heard(request)])

    with transaction(engine) as connection:
        found = personal_of(connection, VAULT, request.message_id)

    assert found is not None
    assert (found.recipient, found.words) == ("+16505550001", WORDS)
    assert found.content is not None
    assert msgspec.json.decode(found.content) == {"type": "text", "body": WORDS}


def test_of_who_was_forgotten_nothing_can_be_read(engine: sa.Engine, projector: Projector) -> None:
    number = a_number()
    said = list(everything_about(number))
    projector.apply([projector.heard(record) for record in said])
    [sent] = [one.message_id for one in said if isinstance(one, SendRequested)]
    [file] = [one for one in said if isinstance(one, MediaStored)]
    received = message_id_for_inbound("whatsapp", file.provider_message_id)

    with transaction(engine) as connection:
        assert forget(connection, VAULT.person("whatsapp", number))

        assert personal_of(connection, VAULT, sent) is None
        assert personal_of(connection, VAULT, received) is None
        assert set(statuses_of_participants(connection, VAULT, sent)) == {None}


def test_the_rest_of_a_message_goes_on_after_its_person_was_forgotten(
    engine: sa.Engine, projector: Projector
) -> None:
    life, number = Life(), a_number()
    projector.apply([projector.heard(life.request(recipient=f"+{number}"))])
    with transaction(engine) as connection:
        forget(connection, VAULT.person("whatsapp", number))

    caused = projector.apply([projector.heard(life.accepted())])

    assert [one.change.to_status for one in caused] == ["sent"]


def test_the_view_for_dashboards_has_the_seeds_columns_and_nobodys_number(
    engine: sa.Engine, projector: Projector
) -> None:
    number, lives = a_number(), [Life(), Life()]
    projector.apply([projector.heard(one.request(recipient=f"+{number}")) for one in lives])

    query = sa.text("SELECT * FROM whatsapp_communications WHERE customer_phone = :pseudonym")
    pseudonym = VAULT.person("whatsapp", number).hex()[:20]
    with transaction(engine) as connection:
        rows = connection.execute(query, {"pseudonym": pseudonym}).mappings().all()

    assert len(rows) == 2
    assert list(rows[0]) == [
        *("id", "order_id", "customer_phone", "technician_id", "message_type", "message_content"),
        *("file_url", "file_name", "message_direction", "whatsapp_message_id", "delivery_status"),
        *("sent_at", "delivered_at", "read_at", "created_at", "updated_at"),
    ]
    assert rows[0]["message_content"] != rows[1]["message_content"]


def whole(engine: sa.Engine, table: str) -> str:
    """Return all rows of a table as PostgreSQL writes them."""
    query = sa.text(f"SELECT string_agg(CAST(t AS text), '') FROM {table} t")  # noqa: S608 - ours
    with transaction(engine) as connection:
        return connection.execute(query).scalar() or ""


def test_a_report_of_somebody_whose_message_is_unknown_is_parked_and_found_again(
    engine: sa.Engine, projector: Projector
) -> None:
    life, number = Life(), a_number()
    early = msgspec.structs.replace(life.reported("delivered", 5), participant=number)
    projector.apply([projector.heard(early)])

    projector.apply([projector.heard(life.request())])

    with transaction(engine) as connection:
        found = statuses_of_participants(connection, VAULT, life.message_id)
    assert found == {number: "delivered"}
