"""The data plane of WeCom: calls below /cgi-bin (WX 1, 7, 10, 13; simulator-behaviour 4.1)."""

from collections.abc import Callable
from functools import partial

from starlette.types import Receive, Scope, Send

from simulator import faults
from simulator.conduct import Fate, Outcome, conduct
from simulator.ledger import Call as CallRecord
from simulator.wecom import calls
from simulator.wecom.call import Call, understand
from simulator.wecom.refusals import refused
from simulator.wire import TOO_LARGE, header, read_body, write
from simulator.world import World

_PREFIX = "/wecom"
_HOST = "qyapi."
_API = "/cgi-bin/"
_BUSY, _NO_SUCH_CALL, _WRONG_METHOD = -1, 40066, 43002
_TOO_OFTEN, _TOO_MANY_AT_ONCE, _NOT_TRUSTED = 45009, 45033, 60020
_GET_TOKEN = "gettoken"  # noqa: S105 - a call's name

Endpoint = Callable[[World, Call], Outcome | int]

# Name of a call -> its method, what answers it, and the list that its refusals carry empty.
ENDPOINTS: dict[str, tuple[str, Endpoint, str]] = {
    _GET_TOKEN: ("GET", calls.get_token, ""),
    "media/get": ("GET", calls.get_media, ""),
    "kf/sync_msg": ("POST", calls.sync_messages, "msg_list"),
}


def is_ours(scope: Scope) -> bool:
    """Say whether a call is for WeCom: by the path's prefix, or by the host's name."""
    path: str = scope["path"]
    if path.startswith(f"{_PREFIX}{_API}"):
        return True
    return path.startswith(_API) and (header(scope, b"host") or "").startswith(_HOST)


class WeComPlane:
    """Answers calls as WeCom would, or fails to as the knobs say."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        body = await read_body(receive)
        if body is None:
            await write(send, TOO_LARGE)
            return
        self._count += 1
        path: str = scope["path"]
        name = path.removeprefix(_PREFIX).removeprefix(_API)
        call = understand(self._world, scope, name, body, self._count)
        exchange = faults.Exchange(scope, receive, send, call.knobs, call.chance)
        await conduct(exchange, partial(self._decide, call), partial(self._note, call))

    async def _decide(self, call: Call) -> Outcome:
        method, endpoint, empty = ENDPOINTS.get(call.name, ("", None, ""))
        if endpoint is None:
            found = _NO_SUCH_CALL
        elif call.method != method:
            found = _WRONG_METHOD
        else:
            found = self._refusal_of(call) or endpoint(self._world, call)
        if isinstance(found, Outcome):
            return found
        answer = refused(found, call.hint, call.address, empty)
        return Outcome(answer, "refused", found)

    def _refusal_of(self, call: Call) -> int:
        """Return what keeps every call from being looked at; 0: nothing."""
        knobs, chance = call.knobs, call.chance
        if knobs.wx_ip:
            return _NOT_TRUSTED
        if call.name == knobs.wx_freq:
            return _TOO_OFTEN
        if chance.happens("wx.concurrency", knobs.wx_concurrency):
            return _TOO_MANY_AT_ONCE
        if chance.happens("wx.busy", knobs.wx_busy):
            return _BUSY
        if call.name == _GET_TOKEN:
            return 0
        return self._world.wecom.tokens.refusal_of(call.query.get("access_token"))

    def _note(self, call: Call, fate: Fate) -> None:
        ledger = self._world.ledger
        ledger.note_call(
            CallRecord(
                number=0,
                at=self._world.clock.now(),
                path=call.path,
                sender=self._world.wecom.corp_id,
                recipient="",
                opaque="",
                body_hash=call.body_hash if ledger.keeps_records else "",
                decision=fate.decision,
                fault=fate.fault,
                code=fate.code,
                detail=fate.detail,
                answer=fate.status,
            )
        )
