"""Senders that rest, break and are probed: what the table of senders says then (IM-14, IM-55)."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from domain.failures import ErrorCode, Failure, Origin
from domain.ledger import Doubt, Halt, HoldUntil, Tries, Verdict, WaitUntil
from domain.outcomes import Scope
from schemas.topics.provider_events import NoticeReceived
from services.dispatcher import standing
from services.dispatcher.reported import PAUSE, Reported
from services.dispatcher.store import senders
from services.dispatcher.store.senders import Breakage, Sender
from services.dispatcher.work import Claimed, Ended, message_of
from tests.given import NOON, a_failure, a_send_request, a_status_reported

pytestmark = pytest.mark.stack

ACCOUNT = "102290129340398"
MINUTE = timedelta(minutes=1)
LONGEST = timedelta(hours=1)


@pytest.fixture(autouse=True)
def nobody(engine: sa.Engine) -> None:
    """Begin each test without senders."""
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM senders"))


@pytest.mark.parametrize("scope", [Scope.SENDER, Scope.ACCOUNT])
def test_a_pause_that_a_provider_asks_for_holds_the_sender_or_all_of_its_account(
    engine: sa.Engine, scope: Scope
) -> None:
    throttled, other, elsewhere = enter(engine, "whatsapp", "whatsapp", "wecom")
    verdict = HoldUntil(NOON + MINUTE, a_problem("80007"), scope, NOON + MINUTE)

    with engine.begin() as connection:
        changes = standing.learn(
            connection, [ended(throttled, verdict)], now=NOON, probe_within=LONGEST
        )
        sooner = HoldUntil(NOON, a_problem("80007"), scope, NOON)
        again = standing.learn(
            connection, [ended(throttled, sooner)], now=NOON, probe_within=LONGEST
        )

    concerned = {throttled, other} if scope is Scope.ACCOUNT else {throttled}
    assert {name: row.held_until for name, row in rows(engine).items()} == {
        name: NOON + MINUTE if name in concerned else None for name in (throttled, other, elsewhere)
    }
    assert (set(changes.held), set(again.held)) == (concerned, set())


@pytest.mark.parametrize(
    ("code", "pauses"), [("190", [1, 10, 20, 40]), ("131048", [1800, 1800, 1800, 1800])]
)
def test_how_soon_a_broken_sender_is_probed_depends_on_what_it_lacks(
    engine: sa.Engine, code: str, pauses: list[int]
) -> None:
    (sender,) = enter(engine, "whatsapp")
    with engine.begin() as connection:
        standing.learn(
            connection, [ended(sender, Halt(a_problem(code)))], now=NOON, probe_within=LONGEST
        )

    at = [NOON, probe_at(engine, sender)]
    for _ in pauses[1:]:
        probe(engine, sender, Halt(a_problem(code)), at[-1])
        at.append(probe_at(engine, sender))

    found = [(b - a).total_seconds() for a, b in pairwise(at)]
    assert found == pauses


@pytest.mark.parametrize(
    "verdict", [WaitUntil(NOON, Failure(ErrorCode.NETWORK_ERROR, Origin.LOCAL)), Doubt(NOON)]
)
def test_a_probe_that_nobody_answers_puts_no_other_off(engine: sa.Engine, verdict: Verdict) -> None:
    (sender,) = enter(engine, "whatsapp")
    with engine.begin() as connection:
        standing.learn(
            connection, [ended(sender, Halt(a_problem("190")))], now=NOON, probe_within=LONGEST
        )

    at = [probe_at(engine, sender)]
    for _ in range(3):
        probe(engine, sender, verdict, at[-1])
        at.append(probe_at(engine, sender))

    assert [(b - a).total_seconds() for a, b in pairwise(at)] == [10, 10, 10]


def test_who_resumes_a_sender_by_hand_wakes_what_waits_for_that(engine: sa.Engine) -> None:
    (sender,) = enter(engine, "whatsapp")
    with engine.begin() as connection:
        senders.hold(connection, {sender: NOON + 60 * MINUTE})
        for name, minutes in (("for the sender", 60), ("for the night", 90)):
            connection.execute(
                sa.text(
                    """
                    INSERT INTO dispatch_ledger (message_id, state, conversation, sender, attempt,
                        owner, claimed_at, due_at, updated_at)
                    VALUES (:name, 'waiting', :name, :sender, 0, '', :due_at, :due_at, :due_at)
                    """
                ),
                {"name": name, "sender": sender, "due_at": NOON + minutes * MINUTE},
            )
        assert senders.resume(connection, [sender], now=NOON) == [sender]
        assert senders.resume(connection, [sender], now=NOON) == []

    assert rows(engine)[sender].held_until is None
    with engine.begin() as connection:
        query = sa.text("SELECT message_id, due_at FROM dispatch_ledger WHERE sender = :sender")
        due = {row.message_id: row.due_at for row in connection.execute(query, {"sender": sender})}
    assert due == {"for the sender": NOON, "for the night": NOON + 90 * MINUTE}


@pytest.mark.parametrize("code", ["131042", "131031", "131048", "131037"])
@pytest.mark.asyncio
async def test_a_failure_that_only_a_callback_tells_halts_the_sender(
    engine: sa.Engine, code: str
) -> None:
    (sender,) = enter(engine, "whatsapp")
    report = a_status_reported(
        sender_id=sender.partition(":")[2],
        status="failed",
        occurred_at=NOON - MINUTE,
        failure=a_failure(code=ErrorCode.WA_ACCOUNT_ABNORMAL, provider_code=code),
    )

    await Reported(engine, None, lambda: NOON + 60 * MINUTE, probe_within=LONGEST).hear([report])
    assert rows(engine)[sender].halted_at is None  # old news
    await Reported(engine, None, lambda: NOON, probe_within=LONGEST).hear([report])

    halted = rows(engine)[sender]
    assert halted.halted_at == NOON
    assert (halted.halted_for or "").startswith(code)
    assert (halted.probe_at or NOON) >= NOON + PAUSE


@pytest.mark.parametrize(
    ("account", "content", "halts"),
    [
        (ACCOUNT, {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}, True),
        (ACCOUNT, {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}, False),
        (
            ACCOUNT,
            {
                "event": "ACCOUNT_RESTRICTION",
                "restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}],
            },
            True,
        ),
        (
            ACCOUNT,
            {
                "event": "ACCOUNT_RESTRICTION",
                "restriction_info": [{"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"}],
            },
            False,
        ),
        (ACCOUNT, {"event": "ACCOUNT_VIOLATION"}, False),
        (ACCOUNT, {"event": 7}, False),
        ("another", {"event": "ACCOUNT_DELETED"}, False),
    ],
)
@pytest.mark.asyncio
async def test_a_ban_of_the_account_halts_its_numbers(
    engine: sa.Engine, account: str, content: dict[str, Any], *, halts: bool
) -> None:
    numbers = enter(engine, "whatsapp", "whatsapp")
    (elsewhere,) = enter(engine, "wecom")

    await Reported(engine, ACCOUNT, lambda: NOON, probe_within=LONGEST).hear(
        [a_notice(account, content)]
    )

    halted = {name for name, row in rows(engine).items() if row.halted_at is not None}
    assert halted == (set(numbers) if halts else set())
    assert elsewhere not in halted


@pytest.mark.parametrize("numbers", [1, 2])
@pytest.mark.asyncio
async def test_a_flagged_number_is_halted_where_it_is_the_only_one(
    engine: sa.Engine, numbers: int
) -> None:
    enter(engine, *["whatsapp"] * numbers)
    content = {"event": "FLAGGED", "display_phone_number": "15550783881"}
    notice = a_notice(ACCOUNT, content, kind="phone_number_quality_update")

    await Reported(engine, None, lambda: NOON, probe_within=LONGEST).hear([notice])

    assert [row.halted_at is not None for row in rows(engine).values()] == [numbers == 1] * numbers


def test_a_breakage_of_a_halted_sender_is_no_news(engine: sa.Engine) -> None:
    (sender,) = enter(engine, "whatsapp")
    with engine.begin() as connection:
        broken = {sender: Breakage("190 token", MINUTE)}
        assert senders.halt(connection, broken, now=NOON) == {sender: "190 token"}
        assert senders.halt(connection, broken, now=NOON + MINUTE) == {}


def enter(engine: sa.Engine, *channels: str) -> list[str]:
    """Make a sender known for each of the channels named."""
    names = [f"{channel}:{uuid4().hex[:15]}" for channel in channels]
    with engine.begin() as connection:
        senders.enter(connection, names)
    return names


def rows(engine: sa.Engine) -> dict[str, Sender]:
    with engine.begin() as connection:
        return {one.sender: one for one in senders.everyone(connection)}


def probe_at(engine: sa.Engine, sender: str) -> datetime:
    at = rows(engine)[sender].probe_at
    assert at is not None
    return at


def a_problem(code: str) -> Failure:
    return Failure(ErrorCode.WA_ACCOUNT_ABNORMAL, Origin.LOCAL, code)


def probe(engine: sa.Engine, sender: str, verdict: Verdict, now: datetime) -> None:
    """Take the probe that is due, which then ends so."""
    with engine.begin() as connection:
        took = senders.take_probes(connection, [sender], least=standing.PROBE_EVERY, now=now)
        assert took == {sender}
    probed = ended(sender, verdict, probing=True)
    with engine.begin() as connection:
        standing.learn(connection, [probed], now=now, probe_within=LONGEST)


def ended(sender: str, verdict: Verdict, *, probing: bool = False) -> Ended:
    channel, _, number = sender.partition(":")
    request = a_send_request(channel=channel, sender_id=number)
    return Ended(
        Claimed(
            request,
            b"",
            Tries(1, probing=probing),
            NOON,
            "test",
            message_of(request, request.recipient),
        ),
        verdict,
        NOON,
    )


def a_notice(
    account: str, content: dict[str, Any], *, kind: str = "account_update"
) -> NoticeReceived:
    return NoticeReceived(
        channel="whatsapp",
        notice_id="ntc_1",
        kind=kind,
        account_id=account,
        content=content,
        occurred_at=NOON,
    )
