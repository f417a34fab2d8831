"""Everything that is known of a message, in order and in words (IM-53); what is silent (IM-54)."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from domain.failures import ErrorCode, Origin
from runtime.postgres import transaction
from runtime.vault import Vault, VaultSettings
from schemas.http.explain import Explanation, Step
from schemas.topics.provider_events import FailureReason, SendDeferred, SendRejected
from services.status_projector.explain import explain
from services.status_projector.prices import DEFAULT_PRICES, Prices
from services.status_projector.store import silence
from services.status_projector.store.silence import Wanted
from tests.given import NOON, SENDER
from tests.services.status_projector.facts import Life, Projector, Record

pytestmark = pytest.mark.stack

PRICES = Prices(DEFAULT_PRICES, "USD")
LATE = NOON + timedelta(hours=1)


@pytest.fixture(scope="module")
def vault() -> Vault:
    return Vault(VaultSettings())  # type: ignore[call-arg]


def told(projector: Projector, *batches: list[Record]) -> None:
    for batch in batches:
        projector.apply([projector.heard(record) for record in batch])


def explained(
    engine: sa.Engine, vault: Vault, life: Life, tenant: str | None = None
) -> Explanation:
    with transaction(engine) as connection:
        found = explain(connection, vault, life.message_id, PRICES, tenant_id=tenant)
    assert found is not None
    return found


def in_short(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.kind, step.to_status or step.effect) for step in steps]


def test_a_life_is_told_in_order_with_what_changed_nothing_and_why(
    engine: sa.Engine, projector: Projector, vault: Vault
) -> None:
    life = Life()
    told(projector, [life.request(priority="high"), life.started()])
    told(projector, [life.accepted(second=3)], [life.reported("sent", 2)])
    told(projector, [life.reported("read", 9)], [life.reported("delivered", 5)])
    told(projector, [life.reported("read", 9)])

    found = explained(engine, vault, life)

    assert in_short(found.steps) == [
        ("send.requested", "told"),
        ("status.changed", "sending"),
        ("status.changed", "sent"),
        ("status.reported/sent", "added"),
        ("status.changed", "read"),
        ("status.reported/delivered", "added"),
        ("status.reported/read", "nothing"),
    ]
    assert found.status == "read"
    assert found.rule == "rule 2: the provider reported a reading"
    assert found.steps[-1].why == "nothing new: this was known, with the same or an earlier time"
    assert found.asked.priority == "high"
    assert found.shown.recipient == life.request().recipient
    assert found.shown.text == "Hi Ada, your order A-17 is ready for pickup."


def test_a_wait_says_until_when_and_why(
    engine: sa.Engine, projector: Projector, vault: Vault
) -> None:
    life, until = Life(), NOON + timedelta(hours=9)
    reason = FailureReason(
        code=ErrorCode.DAILY_LIMIT_EXCEEDED, origin=Origin.LOCAL, detail="Daily limit exceeded."
    )
    wait = SendDeferred(message_id=life.message_id, attempt=1, at=NOON, until=until, failure=reason)
    told(projector, [life.request(), wait])

    step = explained(engine, vault, life).steps[-1]

    assert (step.kind, step.until, step.error_code) == (
        "send.deferred",
        until,
        "DAILY_LIMIT_EXCEEDED",
    )
    assert step.detail == "Daily limit exceeded."


def test_what_came_before_its_message_says_how_long_it_was_parked(
    engine: sa.Engine, projector: Projector, vault: Vault
) -> None:
    life = Life()
    told(projector, [life.reported("delivered", 5)], [life.request()])

    steps = explained(engine, vault, life).steps

    assert in_short(steps)[-1] == ("status.reported/delivered", "delivered")
    assert steps[-1].parked_ms is not None
    assert steps[-1].parked_ms >= 0


def test_a_failure_we_concluded_gives_way_and_says_so(
    engine: sa.Engine, projector: Projector, vault: Vault
) -> None:
    life = Life()
    unknown = FailureReason(code=ErrorCode.UNKNOWN_OUTCOME, origin=Origin.LOCAL)
    gave_up = SendRejected(message_id=life.message_id, attempt=1, at=NOON, failure=unknown)
    told(projector, [life.request(), life.started()], [gave_up])
    failed = explained(engine, vault, life)

    told(projector, [life.reported("delivered", 5)])
    delivered = explained(engine, vault, life)

    assert failed.trouble is not None
    assert failed.trouble.advice.startswith("It may have been sent, and no callback came")
    assert failed.rule == "rule 4: we concluded that it failed"
    assert delivered.trouble is None
    assert "rule 2" in delivered.steps[-1].why


def test_a_refusal_says_what_its_code_means_for_the_next(
    engine: sa.Engine, projector: Projector, vault: Vault
) -> None:
    life = Life()
    blocked = FailureReason(
        code=ErrorCode.WA_ACCOUNT_ABNORMAL, origin=Origin.PROVIDER, provider_code="131042"
    )
    refused = SendRejected(message_id=life.message_id, attempt=1, at=NOON, failure=blocked)
    told(projector, [life.request(), life.started(), refused])

    trouble = explained(engine, vault, life).trouble

    assert trouble is not None
    assert trouble.failure_class == "sender_broken"
    assert trouble.advice.endswith("Every message of this account fails until somebody mends it.")


def test_another_tenants_message_does_not_exist(
    engine: sa.Engine, projector: Projector, vault: Vault
) -> None:
    life = Life()
    told(projector, [life.request(tenant_id="ours")])

    with transaction(engine) as connection:
        theirs = explain(connection, vault, life.message_id, PRICES, tenant_id="theirs")

    assert theirs is None
    assert explained(engine, vault, life, tenant="ours").asked.tenant_id == "ours"


def test_what_is_sent_is_stale_until_the_first_callback(
    engine: sa.Engine, projector: Projector
) -> None:
    sender = f"9{SENDER}"
    silent, heard, together = Life(), Life(), Life()
    told(projector, [life.request(sender_id=sender) for life in (silent, heard, together)])
    told(projector, [silent.accepted(), heard.accepted()])
    told(projector, [together.accepted(), together.reported("sent", 3)])
    before = stale(engine, sender)

    told(projector, [heard.reported("sent", 3)])

    assert before == {silent.message_id, heard.message_id}
    assert stale(engine, sender) == {silent.message_id}
    told(projector, [silent.reported("failed", 9)])
    assert stale(engine, sender) == set()


def test_a_callback_that_came_before_the_reply_is_no_silence(
    engine: sa.Engine, projector: Projector
) -> None:
    sender, life = f"8{SENDER}", Life()
    told(projector, [life.request(sender_id=sender)], [life.reported("sent", 2)])

    told(projector, [life.accepted()])

    assert stale(engine, sender) == set()


def test_the_share_of_a_senders_sends_that_are_silent_is_counted(
    engine: sa.Engine, projector: Projector
) -> None:
    sender, lives = f"7{SENDER}", [Life() for _ in range(4)]
    told(projector, [life.request(sender_id=sender) for life in lives])
    told(projector, [life.accepted() for life in lives])
    told(projector, [life.reported("delivered", 5) for life in lives[:3]])

    with transaction(engine) as connection:
        found = silence.by_sender(connection, NOON, LATE)[f"whatsapp:{sender}"]

    assert (found.sent, found.unheard, found.share) == (4, 1, 0.25)
    assert not found.is_alarming(0.05)


def stale(engine: sa.Engine, sender: str) -> set[str]:
    wanted = Wanted(LATE, f"whatsapp:{sender}", None)
    with transaction(engine) as connection:
        rows: list[Any] = list(silence.page(connection, wanted, None, 100))
        counted = {row["sender"]: row["count"] for row in silence.senders(connection, wanted)}
    assert counted.get(f"whatsapp:{sender}", 0) == len(rows)
    return {row["message_id"] for row in rows}
