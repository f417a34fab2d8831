"""The data plane of WhatsApp: raw ASGI, one path from request to answer (sections 2.1, 2.2)."""

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.types import Receive, Scope, Send

from simulator import faults
from simulator.conduct import Fate, Outcome, conduct
from simulator.ledger import Call as CallRecord
from simulator.whatsapp import checks, lookups, media, messages, subscriptions
from simulator.whatsapp.call import Call, understand
from simulator.whatsapp.messages import refused
from simulator.whatsapp.narrator import Narrator
from simulator.whatsapp.refusals import Refusal
from simulator.wire import LARGEST_BODY, TOO_LARGE, Answer, header, read_body, write
from simulator.world import World

Endpoint = Callable[[World, Call], Awaitable[Answer | Refusal]]

# (method, kind of object, what is asked of it) -> what answers it.
ENDPOINTS: dict[tuple[str, str, str], Endpoint] = {
    ("GET", "number", ""): lookups.phone_number,
    ("POST", "number", ""): subscriptions.subscribe_number,
    ("POST", "number", "media"): media.upload,
    ("GET", "media", ""): media.look_up,
    ("DELETE", "media", ""): media.delete,
    ("GET", "waba", "message_templates"): lookups.message_templates,
    ("POST", "waba", "subscribed_apps"): subscriptions.subscribe_account,
    ("POST", "app", "subscriptions"): subscriptions.subscribe_app,
}


class WhatsAppPlane:
    """Answers calls as Meta would, or fails to as the knobs say."""

    def __init__(self, world: World, narrator: Narrator) -> None:
        self._world = world
        self._narrator = narrator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        path: str = scope["path"]
        is_upload = path.endswith("/media")
        body = await read_body(receive, media.LARGEST_UPLOAD if is_upload else LARGEST_BODY)
        if body is None:
            await write(send, TOO_LARGE)
            return
        if path.startswith(faults.TRAP_PATH):
            await self._note_follower(scope, send)
            return
        _, version, *parts = path.rstrip("/").split("/")
        call = understand(self._world, scope, tuple(parts), body)
        exchange = faults.Exchange(scope, receive, send, call.knobs, call.chance)
        decide = partial(self._decide, call, version)
        if path.startswith(media.DOWNLOAD_PATH):
            decide = partial(media.download, self._world, call)
        await conduct(exchange, decide, partial(self._note, call))

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
        if account.media.find(object_id) is not None:
            return "media"
        return {account.waba_id: "waba", account.app_id: "app"}.get(object_id, "")

    def _note(self, call: Call, fate: Fate) -> None:
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
                code=fate.code,
                detail=fate.detail,
                answer=fate.status,
            )
        )

    async def _note_follower(self, scope: Scope, send: Send) -> None:
        carried = "with" if header(scope, b"authorization") else "without"
        self._world.ledger.tally.warnings[f"redirect followed {carried} token"] += 1
        await write(send, Answer(404, b"", ()))
