"""What can be ordered of the control plane (section 8)."""

from functools import partial

import msgspec
from msgspec import Struct
from starlette.requests import Request

from simulator.control.stage import NoSuchThingError, Stage
from simulator.knobs import Changes, Knobs, patched
from simulator.ledger import Callback
from simulator.profiles import PROFILES
from simulator.rules import RuleBody
from simulator.whatsapp.templates import Template

Reply = dict[str, object]
_REFUSE = "net.refuse"
_FLUSH_LIMIT_S = 30


async def set_knobs(stage: Stage, request: Request) -> Reply:
    """PATCH knobs: dotted names to values; `?sender=` for one number, `?for_s=` for a span."""
    changes = msgspec.json.decode(await request.body(), type=dict[str, object])
    sender = request.query_params.get("sender", "")
    span = request.query_params.get("for_s")
    refuse_s = patched(Knobs(), changes).net_refuse
    kept: Changes = {name: value for name, value in changes.items() if name != _REFUSE}
    knobs = stage.world.knobs
    undo = knobs.change(kept, sender)
    if refuse_s > 0:
        stage.server.refuse_for(refuse_s)
    if span is not None:
        ends_at = stage.world.clock.now() + float(span)
        stage.world.timers.at(ends_at, partial(knobs.undo, undo, sender, knobs.age))
    return {"changed": list(changes), "was": dict(undo)}


class _ProfileBody(Struct):
    name: str


async def set_profile(stage: Stage, request: Request) -> Reply:
    """PUT profile: drop all knob changes and take the profile's."""
    name = msgspec.json.decode(await request.body(), type=_ProfileBody).name
    if name not in PROFILES:
        raise NoSuchThingError(f"no profile {name!r}; there are {', '.join(PROFILES)}")
    stage.world.knobs.start_over(name)
    return {"profile": name}


async def reset(stage: Stage, request: Request) -> Reply:
    """POST reset: everything as at the start; subscriptions stay, `?profile=` chooses another."""
    profile = request.query_params.get("profile", stage.world.settings.profile)
    if profile not in PROFILES:
        raise NoSuchThingError(f"no profile {profile!r}; there are {', '.join(PROFILES)}")
    stage.world.timers.clear()  # or a retry could fall due while the workers end
    for outbox in stage.outboxes:
        await outbox.clear()
    stage.world.start_over(profile)
    return {"profile": profile}


async def add_rule(stage: Stage, request: Request) -> Reply:
    """POST rules: `{"match": {...}, "knobs": {...}, "count": 1, "for_s": 60}`."""
    body = msgspec.json.decode(await request.body(), type=RuleBody)
    return {"id": stage.world.rules.add(body, stage.world.clock.now()).id}


async def remove_rule(stage: Stage, request: Request) -> Reply:
    """DELETE rules/{id}."""
    rule_id: int = request.path_params["rule_id"]
    if not stage.world.rules.remove(rule_id):
        raise NoSuchThingError(f"no rule {rule_id}")
    return {"removed": rule_id}


class _ClockBody(Struct, forbid_unknown_fields=True):
    scale: float | None = None
    advance_s: float | None = None
    pause: bool = False


async def set_clock(stage: Stage, request: Request) -> Reply:
    """POST clock: `{"scale": 100}`, `{"advance_s": 3600}` or `{"pause": true}`."""
    body = msgspec.json.decode(await request.body(), type=_ClockBody)
    clock = stage.world.clock
    if body.scale is not None or body.pause:
        clock.run_at(0 if body.pause else body.scale or 0)
    if body.advance_s is not None:
        clock.advance(body.advance_s)
    stage.world.timers.run_due()
    return {"simulated_time": clock.now(), "scale": clock.scale}


async def flush(stage: Stage, request: Request) -> Reply:
    """POST flush: tell what is due now; answers when the queue is empty, after 30 s at most."""
    del request
    stage.world.timers.run_due()
    for outbox in stage.outboxes:
        outbox.release()
    quiet = [await outbox.until_quiet(_FLUSH_LIMIT_S) for outbox in stage.outboxes]
    return {"quiet": all(quiet), "pending": stage.pending}


class _ReplayBody(Struct, forbid_unknown_fields=True):
    message_id: str | None = None
    callback: int | None = None
    last: int | None = None


async def replay(stage: Stage, request: Request) -> Reply:
    """POST replay: the same bytes again; by `message_id`, `callback` number or the `last` n."""
    way_out = {"whatsapp": stage.outbox, "wecom": stage.wecom, "wechat": stage.wechat}
    body = msgspec.json.decode(await request.body(), type=_ReplayBody)
    callbacks = [kept for kept in stage.world.ledger.callbacks if kept.kind == "updates"]
    chosen: list[Callback] = callbacks[-body.last :] if body.last else []
    chosen += [kept for kept in callbacks if body.message_id in kept.message_ids]
    chosen += [kept for kept in callbacks if kept.number == body.callback]
    if not chosen:
        raise NoSuchThingError("no callback of this kind in the ledger")
    for callback in chosen:
        way_out[callback.provider].send_again(callback)
    return {"replayed": [callback.number for callback in chosen]}


class _CallbackBody(Struct, forbid_unknown_fields=True):
    url: str | None


async def set_callback(stage: Stage, request: Request) -> Reply:
    """PUT callback: the app's callback URL without a verification GET; null unsubscribes."""
    body = msgspec.json.decode(await request.body(), type=_CallbackBody)
    stage.world.account.subscriptions.app = body.url
    return {"url": body.url}


class _TokenBody(Struct, forbid_unknown_fields=True):
    token: str | None = None


async def renew_token(stage: Stage, request: Request) -> Reply:
    """POST token: a new access token, or a new life for the old one."""
    body = msgspec.json.decode(await request.body() or b"{}", type=_TokenBody)
    stage.world.account.renew_token(body.token)
    return {"renewed": True}


async def put_template(stage: Stage, request: Request) -> Reply:
    """PUT templates: add or replace one (name, language, status, category, body, parameters)."""
    template = msgspec.json.decode(await request.body(), type=Template)
    return {"id": stage.world.account.templates.put(template).id}
