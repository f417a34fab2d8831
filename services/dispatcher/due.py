"""Calls the messages that wait in the ledger, when their time has come."""

import asyncio
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from domain.identity import ProviderMessageId
from domain.ledger import Accept
from runtime.postgres import in_thread
from services.dispatcher.desk import DueClaims
from services.dispatcher.handlers import Tools, call_or_refuse
from services.dispatcher.lanes import Lanes
from services.dispatcher.store import senders
from services.dispatcher.work import Ended

LOOK_EVERY: Final = timedelta(milliseconds=100)
LOOK_AT_MOST_EVERY: Final = timedelta(milliseconds=20)
"""Of many senders at their rates, some have room again at any time."""


async def call_due_for_ever(tools: Tools, lanes: Lanes) -> None:
    """Call waiting messages until cancelled; those of a sender at its rate when it has room again.

    A look by the clock alone would come too late for that, and what a rate leaves unused is lost.
    """
    while True:
        before = lanes.first_release()
        if not await call_due(tools, lanes):
            # A lane that is released during the look was passed over.
            release = min(before, lanes.first_release())
            pause = min(LOOK_EVERY, max(LOOK_AT_MOST_EVERY, release))
            await asyncio.sleep(pause.total_seconds())


async def call_due(tools: Tools, lanes: Lanes) -> bool:
    """Call the waiting messages whose time has come; return whether more may go at once.

    Before a repeated call the projector's knowledge is asked: an answer that looked like a
    failure may have hidden an accepted send.
    """
    calling = asyncio.create_task(_call_due(tools, lanes))
    try:
        return await asyncio.shield(calling)
    except asyncio.CancelledError:
        # What is being claimed is called first: an uncalled claim would end in doubt.
        await asyncio.wait([calling])
        raise


async def _call_due(tools: Tools, lanes: Lanes) -> bool:
    # Under a name of its own: the stream takes every claim under its name for one of its own.
    now, owner = tools.clock(), tools.settings.dispatcher_owner + "/due"
    places = lanes.places()

    def claim(connection: sa.Connection) -> tuple[dict[str, int], DueClaims | None]:
        known = senders.everyone(connection)
        free = {one.sender: places.free(one.sender) for one in known}
        rooms = tools.admission.rooms(known, free, now)
        if not rooms:
            return {}, None
        return rooms, tools.admission.claim_due(connection, rooms, owner=owner, now=now)

    rooms, claims = await in_thread(tools.engine, claim)
    if claims is None:
        return False
    for work, provider_id in claims.accepted:
        accept = work.accepted(Accept(ProviderMessageId(provider_id)))
        tools.recorder.ended(Ended(work, accept, now))
    for work in claims.ours:
        if call_or_refuse(tools, work, now):
            lanes.start(work)
    tools.recorder.held(claims.held)
    for sender, until in claims.full.items():
        lanes.hold(sender, until - tools.clock())
    lanes.behind(rooms.keys(), claims.more)
    return bool(claims.more - claims.full.keys())


async def fail_halted(tools: Tools) -> bool:
    """Fail what has waited too long for a halted sender; return whether there was any."""
    now, owner = tools.clock(), tools.settings.dispatcher_owner + "/due"
    before = now - tools.settings.dispatcher_halted_longest
    works = await in_thread(
        tools.engine,
        lambda connection: tools.admission.claim_halted(
            connection, before=before, owner=owner, now=now
        ),
    )
    for work in works:
        call_or_refuse(tools, work, now)
    return bool(works)
