"""The data plane of WhatsApp: raw ASGI, one path from request to answer (sections 2.1, 2.2)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.types import Receive, Scope, Send

from simulator import faults
from simulator.ledger import Call as CallRecord
from simulator.whatsapp import checks, lookups, messages, subscriptions
from simulator.whatsapp.call import Call, understand
from simulator.whatsapp.messages import Outcome, refused
from simulator.whatsapp.narrator import Narrator
from simulator.whatsapp.refusals import THROTTLES, Refusal
from simulator.wire import TOO_LARGE, Answer, header, read_body, write
from simulator.world import World

Endpoint = Callable[[World, Call], Awaitable[Answer | Refusal]]

# (method, kind of object, what is asked of it) -> what answers it.
ENDPOINTS: dict[tuple[str, str, str], Endpoint] = {
    ("GET", "number", ""): lookups.phone_number,
    ("POST", "number", ""): subscriptions.subscribe_number,
    ("GET", "waba", "message_templates"): lookups.message_templates,
    ("POST", "waba", "subscribed_apps"): subscriptions.subscribe_account,
    ("POST", "app", "subscriptions"): subscriptions.subscribe_app,
}


class CallFate(NamedTuple):
    """What became of a call, for the ledger."""

    decision: str
    fault: str = ""
    refusal: Refusal | None = None
    status: int = 0


class WhatsAppPlane:
    """Answers calls as Meta would, or fails to as the knobs say."""

    def __init__(self, world: World, narrator: Narrator) -> None:
        self._world = world
        self._narrator = narrator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        body = await read_body(receive)
        if body is None:
            await write(send, TOO_LARGE)
            return
        path: str = scope["path"]
        if path.startswith(faults.TRAP_PATH):
            await self._note_follower(scope, send)
            return
        _, version, *parts = path.rstrip("/").split("/")
        call = understand(self._world, scope, tuple(parts), body)
        exchange = faults.Exchange(scope, receive, send, call.knobs, call.chance)
        fault = faults.before(call.knobs, call.chance)
        if fault is not None:
            name, befall = fault
            self._note(call, CallFate("unprocessed", name))
            await befall(exchange)
            return
        await self._answer(exchange, call, await self._decide(call, version))

    async def _decide(self, call: Call, version: str) -> Outcome:
        refusal = checks.version(self._world, version, call.knobs.wa_expired_version)
        if refusal is not None:
            return refused(call, refusal)
        if call.is_message:
            if call.send.status is not None:
                return messages.mark_as_read(self._world, call)
            return await messages.send(self._world, self._narrator, call)
        answered = await self._other(call)
        if isinstance(answered, Refusal):
            return refused(call, answered)
        return Outcome(answered, "answered")

    async def _other(self, call: Call) -> Answer | Refusal:
        endpoint = ENDPOINTS.get((call.method, self._kind(call.sender), "/".join(call.parts[1:])))
        refusal = checks.authorization(self._world, call)
        if refusal is not None:
            return refusal
        if endpoint is None:
            if call.node or not call.sender:
                return Refusal(2500, f"Unknown path components: /{'/'.join(call.parts[1:])}")
            return checks.sender(self._world, call) or Refusal(100, "Unsupported request.")
        return await endpoint(self._world, call)

    def _kind(self, object_id: str) -> str:
        account = self._world.account
        if object_id in account.displays:
            return "number"
        return {account.waba_id: "waba", account.app_id: "app"}.get(object_id, "")

    async def _answer(self, exchange: faults.Exchange, call: Call, outcome: Outcome) -> None:
        slow_ms = call.chance.delay("net.slow_ms", call.knobs.net_slow_ms)
        if slow_ms > 0:
            await asyncio.sleep(slow_ms / 1000)
        answer, decision, refusal = outcome
        if refusal is not None and refusal.code in THROTTLES:
            headers = [*answer.headers, *faults.retry_after(call.knobs)]
            answer = Answer(answer.status, answer.body, headers)
        fault, give = faults.after(call.knobs, call.chance)
        status = 0 if fault in faults.WITHHOLDING else answer.status
        self._note(call, CallFate(decision, fault, refusal, status))
        await give(exchange, answer)

    def _note(self, call: Call, fate: CallFate) -> None:
        ledger = self._world.ledger
        ledger.note_call(
            CallRecord(
                number=0,
                at=self._world.clock.now(),
                path=call.path,
                sender=call.sender,
                recipient=call.recipient,
                opaque=call.send.opaque,
                body_hash=call.body_hash if ledger.keeps_records else "",
                decision=fate.decision,
                fault=fate.fault,
                code=fate.refusal.code if fate.refusal else 0,
                detail=fate.refusal.details if fate.refusal else "",
                answer=fate.status,
            )
        )

    async def _note_follower(self, scope: Scope, send: Send) -> None:
        carried = "with" if header(scope, b"authorization") else "without"
        self._world.ledger.tally.warnings[f"redirect followed {carried} token"] += 1
        await write(send, Answer(404, b"", ()))
