"""The data plane of WeCom: calls below /cgi-bin (WX 1, 12, 13; simulator-behaviour 4.1)."""

from functools import partial

from starlette.types import Receive, Scope, Send

from simulator import faults
from simulator.conduct import Fate, Outcome, conduct
from simulator.ledger import Call as CallRecord
from simulator.wecom.call import Call, understand
from simulator.wecom.endpoints import ENDPOINTS, Endpoint
from simulator.wecom.refusals import PERMANENT, Refusal, refused
from simulator.wire import LARGEST_BODY, TOO_LARGE, header, read_body, write
from simulator.world import World

_PREFIX = "/wecom"
_HOST = "qyapi."
_API = "/cgi-bin/"
_BUSY, _NO_SUCH_CALL, _WRONG_METHOD = -1, 40066, 43002
_TOO_OFTEN, _TOO_MANY_AT_ONCE, _NOT_TRUSTED = 45009, 45033, 60020
_ENDED = frozenset({40014, 42001})


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
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        path: str = scope["path"]
        name = path.removeprefix(_PREFIX).removeprefix(_API)
        endpoint = ENDPOINTS.get(name)
        largest = (endpoint.largest if endpoint else None) or LARGEST_BODY
        body = await read_body(receive, largest)
        if body is None:
            await write(send, TOO_LARGE)
            return
        self._count += 1
        call = understand(self._world, scope, name, body, self._count)
        exchange = faults.Exchange(scope, receive, send, call.knobs, call.chance)
        self._under_way += 1
        try:
            await conduct(
                exchange, partial(self._decide, call, endpoint), partial(self._note, call)
            )
        finally:
            self._under_way -= 1

    async def _decide(self, call: Call, endpoint: Endpoint | None) -> Outcome:
        found = self._answer(call, endpoint)
        if isinstance(found, Outcome):
            return found
        if call.key and found.code in PERMANENT:
            self._world.ledger.note_refusal_for_good(call.key, found.code)
        empty = endpoint.empty if endpoint else ""
        answer = refused(found, call.hint, call.address, empty)
        is_throttled = found.code == _TOO_OFTEN
        return Outcome(answer, "refused", found.code, found.detail, is_throttled)

    def _answer(self, call: Call, endpoint: Endpoint | None) -> Outcome | Refusal:
        if endpoint is None:
            return Refusal(_NO_SUCH_CALL)
        if call.method != endpoint.method:
            return Refusal(_WRONG_METHOD)
        code = self._refusal_of(call, endpoint)
        return Refusal(code) if code else endpoint.answer(self._world, call)

    def _refusal_of(self, call: Call, endpoint: Endpoint) -> int:
        """Return what keeps every call from being looked at; 0: nothing."""
        knobs, chance = call.knobs, call.chance
        if knobs.wx_ip:
            return _NOT_TRUSTED
        account = self._world.wecom
        is_often = endpoint.is_counted and account.frequencies.is_over(
            call.name, self._world.clock.now()
        )
        if is_often or call.name == knobs.wx_freq:
            return _TOO_OFTEN
        is_crowded = 0 < knobs.wx_max_concurrency < self._under_way
        if is_crowded or chance.happens("wx.concurrency", knobs.wx_concurrency):
            return _TOO_MANY_AT_ONCE
        if chance.happens("wx.busy", knobs.wx_busy):
            return _BUSY
        return self._refusal_of_token(call) if endpoint.has_token else 0

    def _refusal_of_token(self, call: Call) -> int:
        account, tally = self._world.wecom, self._world.ledger.tally
        token = call.query.get("access_token")
        code = account.tokens.refusal_of(token)
        if code in _ENDED:
            tally.ended_tokens[account.provider] += 1
            if account.tokens.is_replaced(token):
                tally.replaced_tokens[account.provider] += 1
        return code

    def _note(self, call: Call, fate: Fate) -> None:
        ledger = self._world.ledger
        ledger.note_call(
            CallRecord(
                number=0,
                at=self._world.clock.now(),
                path=call.path,
                sender=self._world.wecom.corp_id,
                recipient=call.recipient,
                opaque=call.key,
                body_hash=call.body_hash if ledger.keeps_records else "",
                decision=fate.decision,
                fault=fate.fault,
                code=fate.code,
                detail=fate.detail,
                answer=fate.status,
            )
        )
