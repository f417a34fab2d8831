"""What can be asked of the control plane: ledger, verdicts, health, metrics (section 8)."""

from base64 import b64encode
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
from starlette.requests import Request

from simulator.control.stage import Stage
from simulator.control.verdicts import callbacks, verdicts
from simulator.knobs import as_dict
from simulator.ledger import Call, Callback, Message
from simulator.whatsapp.refusals import THROTTLES

_PAGE = 100
_LARGEST_PAGE = 10_000
_HTML = Path(__file__).with_name("page.html").read_text(encoding="utf-8")

Shown = dict[str, object]
Record = TypeVar("Record")


async def show_knobs(stage: Stage, request: Request) -> Shown:
    """GET knobs: all of them, of the world or of `?sender=`."""
    return as_dict(stage.world.knobs.for_sender(request.query_params.get("sender", "")))


async def show_rules(stage: Stage, request: Request) -> Shown:
    """GET rules: all of them in their order, with how often each has fired."""
    del request
    return {"rules": stage.world.rules.listed()}


async def show_counts(stage: Stage, request: Request) -> Shown:
    """GET ledger: counts only."""
    del request
    ledger = stage.world.ledger
    tally = ledger.tally
    return {
        "keeps_records": ledger.keeps_records,
        "decisions": dict(tally.decisions),
        "faults": dict(tally.faults),
        "codes": {str(code): count for code, count in tally.codes.items()},
        "throttled": sum(tally.codes[code] for code in THROTTLES),
        "accepted_messages": len(tally.accepted),
        "accepted_sends": sum(tally.accepted.values()) + tally.accepted_without_opaque,
        "final": {status: count for status, count in tally.final.items() if count},
        "callbacks": callbacks(ledger, stage.pending),
        "unsubscribed_updates": tally.unsubscribed,
        "warnings": dict(tally.warnings),
    }


async def show_accepted(stage: Stage, request: Request) -> Shown:
    """GET ledger/accepted: accepted sends by opaque data; `?opaque=` (repeated), `?at_least=`."""
    accepted = stage.world.ledger.tally.accepted
    if asked := request.query_params.getlist("opaque"):
        return {"accepted": {opaque: accepted.get(opaque, 0) for opaque in asked}}
    least = int(request.query_params.get("at_least", 1))
    found = [(opaque, count) for opaque, count in accepted.items() if count >= least]
    return {"total": len(found), "accepted": dict(_page(found, request))}


async def show_calls(stage: Stage, request: Request) -> Shown:
    """GET ledger/calls: oldest first, filtered by any of the fields below."""
    fields = ("opaque", "recipient", "sender", "decision", "fault", "path", "code", "answer")
    found = _filtered(stage.world.ledger.calls, fields, request)
    return paged(found, _shown_call, request)


async def show_messages(stage: Stage, request: Request) -> Shown:
    """GET ledger/messages: accepted messages with their true life, oldest first."""
    fields = ("id", "opaque", "recipient", "sender", "status")
    found = _filtered(stage.world.ledger.messages.values(), fields, request)
    return paged(found, _shown_message, request)


async def show_callbacks(stage: Stage, request: Request) -> Shown:
    """GET ledger/callbacks: POSTs with their attempts; `?message_id=` those that name it."""
    found = _filtered(
        stage.world.ledger.callbacks, ("state", "kind", "number", "provider"), request
    )
    if message_id := request.query_params.get("message_id"):
        found = [callback for callback in found if message_id in callback.message_ids]
    return paged(found, _shown_callback, request)


async def verify(stage: Stage, request: Request) -> Shown:
    """GET verify: the verdicts."""
    del request
    return verdicts(stage.world.ledger, stage.pending, len(stage.world.timers))


async def health(stage: Stage, request: Request) -> Shown:
    """GET /_sim/health."""
    del request
    world = stage.world
    return {
        "status": "ok",
        "profile": world.knobs.profile,
        "simulated_time": world.clock.now(),
        "time_scale": world.clock.scale,
        "timers": len(world.timers),
        "pending_callbacks": stage.pending,
        "phone_number_ids": list(world.account.displays),
        "waba_id": world.account.waba_id,
        "app_id": world.account.app_id,
        "callback_url": world.account.subscriptions.app,
        "wecom": {
            "corp_id": world.wecom.corp_id,
            "agent_id": world.wecom.agent_id,
            "callback_url": world.wecom.url,
        },
        "wechat": {
            "app_id": world.wechat.app_id,
            "original_id": world.wechat.original_id,
            "callback_url": world.wechat.url,
        },
    }


def metrics(stage: Stage) -> str:
    """Return /_sim/metrics in Prometheus' text form."""
    tally = stage.world.ledger.tally
    judged = callbacks(stage.world.ledger, stage.pending)
    lines = [
        f"simulator_pending_callbacks {stage.pending}",
        f"simulator_timers {len(stage.world.timers)}",
        f"simulator_callback_updates_total {tally.updates_sent}",
        f"simulator_callback_retries_total {tally.retries}",
    ]
    lines += _labelled("simulator_calls_total", "decision", tally.decisions)
    lines += _labelled("simulator_faults_total", "fault", tally.faults)
    lines += _labelled("simulator_refusals_total", "code", tally.codes)
    lines += _labelled("simulator_messages", "status", tally.final)
    lines += _labelled("simulator_callback_answers_total", "status", tally.answers)
    for quantile, name in (("0.5", "p50_ms"), ("0.99", "p99_ms")):
        if isinstance(took_ms := judged[name], float):
            label = f'{{quantile="{quantile}"}}'
            lines.append(f"simulator_callback_answer_seconds{label} {took_ms / 1000:.6f}")
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the web page over these calls."""
    return _HTML


def _labelled(name: str, label: str, counts: dict[str, int] | dict[int, int]) -> list[str]:
    return [f'{name}{{{label}="{value}"}} {count}' for value, count in counts.items()]


def _filtered(records: Iterable[Record], fields: tuple[str, ...], request: Request) -> list[Record]:
    wanted = {name: request.query_params[name] for name in fields if name in request.query_params}
    return [
        record
        for record in records
        if all(str(getattr(record, name)) == value for name, value in wanted.items())
    ]


def _page(found: list[Record], request: Request) -> list[Record]:
    offset = int(request.query_params.get("offset", 0))
    limit = min(int(request.query_params.get("limit", _PAGE)), _LARGEST_PAGE)
    return found[offset : offset + limit]


def paged(found: list[Record], show: Callable[[Record], Shown], request: Request) -> Shown:
    """Return the asked part of a list, with how long it is altogether."""
    return {"total": len(found), "items": [show(record) for record in _page(found, request)]}


def _shown_call(call: Call) -> Shown:
    return call._asdict()


def _shown_message(message: Message) -> Shown:
    shown: Shown = msgspec.to_builtins(message)
    return {**shown, "life": [{"status": status, "at": at} for status, at in message.life]}


def _shown_callback(callback: Callback) -> Shown:
    return {
        "number": callback.number,
        "url": callback.url,
        "provider": callback.provider,
        "kind": callback.kind,
        "state": callback.state,
        "message_ids": list(callback.message_ids),
        "created_at": callback.created_at,
        "headers": callback.headers,
        "body_base64": b64encode(callback.body).decode(),
        "attempts": [attempt._asdict() for attempt in callback.attempts],
    }
