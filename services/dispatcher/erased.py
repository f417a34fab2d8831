"""Fails the messages that wait for somebody who was erased: nobody can read them (SE-03, IM-33)."""

import logging
from typing import Final

from domain.failures import ErrorCode, Failure, Origin
from runtime.postgres import in_thread
from schemas.topics.provider_events import PROVIDER_EVENTS, SendRejected
from services.dispatcher.facts import ACKNOWLEDGED_WITHIN, SOURCE, reason_of
from services.dispatcher.handlers import Tools
from services.dispatcher.store import erased

log = logging.getLogger(__name__)

LIMIT: Final = 500
_WHY: Final = Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail="the recipient was erased")


async def fail_erased(tools: Tools) -> bool:
    """Fail them, the facts first and the ledger after; return whether there may be more.

    A crash in between tells the same facts again.
    """
    now = tools.clock()
    waiting = await in_thread(tools.engine, lambda c: erased.unreadable(c, limit=LIMIT))
    if not waiting:
        return False
    events = [
        SendRejected(message_id=one, attempt=attempt + 1, at=now, failure=reason_of(_WHY))
        for one, attempt in waiting.items()
    ]
    records = PROVIDER_EVENTS.records(events, source=SOURCE, at=now)
    await tools.producer.publish(records, within=ACKNOWLEDGED_WITHIN)
    await in_thread(
        tools.engine, lambda c: erased.reject(c, list(waiting), code=_WHY.code, now=now)
    )
    log.info("erased.failed", extra={"count": len(waiting)})
    return len(waiting) == LIMIT
