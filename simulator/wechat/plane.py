"""The data plane of WeChat: calls below /cgi-bin (WX 14; simulator-behaviour 5)."""

from collections.abc import Callable
from functools import partial

from starlette.types import Receive, Scope, Send

from simulator import faults
from simulator.conduct import Fate, Outcome, conduct
from simulator.ledger import Call as CallRecord
from simulator.tencent.pusher import Pusher
from simulator.wechat import calls
from simulator.wechat.call import Call, understand
from simulator.wechat.people import Scene
from simulator.wechat.refusals import NOT_FOUND, Refusal, refused
from simulator.wechat.sends import Sends
from simulator.wire import LARGEST_BODY, TOO_LARGE, header, read_body, write
from simulator.world import World

_PREFIX = "/wechat"
_HOST = "api.weixin."
_API = "/cgi-bin/"
_LARGEST_UPLOAD = 21_000_000
_BUSY, _NOT_TRUSTED, _WRONG_METHOD, _QUOTA, _TOO_OFTEN = -1, 40164, 43002, 45009, 45011
_UPLOAD = "media/upload"
_TOKENS = frozenset({"stable_token", "token"})

Endpoint = Callable[[World, Call], Outcome | Refusal]


def is_ours(scope: Scope) -> bool:
    """Say whether a call is for WeChat: by the path's prefix, or by the host's name."""
    path: str = scope["path"]
    if path.startswith(f"{_PREFIX}/"):
        return True
    return path.startswith(_API) and (header(scope, b"host") or "").startswith(_HOST)


class WeChatPlane:
    """Answers calls as WeChat would, or fails to as the knobs say."""

    def __init__(self, world: World, pusher: Pusher) -> None:
        self._world = world
        sends = Sends(world, Scene(world, pusher))
        # Name of a call -> its method and what answers it.
        self._endpoints: dict[str, tuple[str, Endpoint]] = {
            "stable_token": ("POST", calls.stable_token),
            "token": ("GET", calls.token),
            _UPLOAD: ("POST", calls.upload),
            "media/get": ("GET", calls.fetch),
            "message/subscribe/send": ("POST", sends.subscribe),
            "message/custom/send": ("POST", sends.custom),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        path: str = scope["path"]
        name = path.removeprefix(_PREFIX).removeprefix(_API)
        body = await read_body(receive, _LARGEST_UPLOAD if name == _UPLOAD else LARGEST_BODY)
        if body is None:
            await write(send, TOO_LARGE)
            return
        call = understand(self._world, scope, name, body)
        exchange = faults.Exchange(scope, receive, send, call.knobs, call.chance)
        await conduct(exchange, partial(self._decide, call), partial(self._note, call))

    async def _decide(self, call: Call) -> Outcome:
        method, endpoint = self._endpoints.get(call.name, ("", None))
        if endpoint is None:
            return Outcome(NOT_FOUND, "refused", NOT_FOUND.status, "no such path")
        found = self._refusal_of(call, method) or endpoint(self._world, call)
        if isinstance(found, Outcome):
            return found
        return Outcome(refused(found, call.rid), "refused", found.code, found.detail)

    def _refusal_of(self, call: Call, method: str) -> Refusal | None:
        """Return what keeps every call from being looked at."""
        knobs, chance = call.knobs, call.chance
        is_refused = (
            (_NOT_TRUSTED, knobs.wx_ip),
            (_TOO_OFTEN, call.name == knobs.wx_freq),
            (_BUSY, chance.happens("wx.busy", knobs.wx_busy)),
            (_WRONG_METHOD, call.method != method),
        )
        found = next((code for code, holds in is_refused if holds), 0)
        if found or call.name in _TOKENS:
            return Refusal(found) if found else None
        refusal = self._world.wechat.tokens.refusal_of(call.query.get("access_token"))
        if refusal is None and knobs.wc_refuse:
            return Refusal(knobs.wc_refuse)
        if refusal is None and not self._world.wechat.quota.has_room(call.name, knobs.wc_quota):
            return Refusal(_QUOTA)
        return refusal

    def _note(self, call: Call, fate: Fate) -> None:
        ledger = self._world.ledger
        ledger.note_call(
            CallRecord(
                number=0,
                at=self._world.clock.now(),
                path=call.path,
                sender=self._world.wechat.app_id,
                recipient=call.recipient,
                opaque="",
                body_hash=call.body_hash if ledger.keeps_records else "",
                decision=fate.decision,
                fault=fate.fault,
                code=fate.code,
                detail=fate.detail,
                answer=fate.status,
            )
        )
