"""The simulator's own judgement of the product (section 9, verdicts)."""

from collections.abc import Sequence

from simulator.ledger import Ledger
from simulator.whatsapp.refusals import THROTTLES

_SHOWN = 20
_SUCCESS = 200
_REFUSING = frozenset({400, 401, 403, 413})


def verdicts(ledger: Ledger, pending_callbacks: int, timers: int) -> dict[str, object]:
    """Return every verdict; `ok` is the conjunction of those that can fail."""
    tally = ledger.tally
    doubles = {opaque: count for opaque, count in tally.accepted.items() if count > 1}
    again = dict(tally.called_after_permanent)
    forged = {str(status): count for status, count in tally.forged_answers.items()}
    forged_ok = all(status in _REFUSING for status in tally.forged_answers)
    leaked = any(warning.endswith(" with token") for warning in tally.warnings)
    dropped = dict(tally.dropped)
    return {
        "ok": not doubles and not again and forged_ok and not leaked and not dropped,
        "no_double_send": {
            "ok": not doubles,
            "accepted_messages": len(tally.accepted),
            "accepted_sends": sum(tally.accepted.values()),
            "accepted_without_opaque": tally.accepted_without_opaque,
            "doubles": len(doubles),
            "examples": _first(doubles),
        },
        "no_retry_of_permanent_errors": {"ok": not again, "examples": _first(again)},
        "forged_callbacks_refused": {"ok": forged_ok, "answers": forged},
        "token_stays_home": {"ok": not leaked},
        "member_limits_kept": {"ok": not dropped, "above": sum(dropped.values())},
        "token_discipline": {
            "calls": dict(tally.token_calls),
            "uses_of_ended": dict(tally.ended_tokens),
            "uses_of_replaced": dict(tally.replaced_tokens),
        },
        "pacing": {"throttled_share": _throttled_share(ledger)},
        "final": {status: count for status, count in tally.final.items() if count},
        "timers": timers,
        "callbacks": callbacks(ledger, pending_callbacks),
    }


def callbacks(ledger: Ledger, pending: int) -> dict[str, object]:
    """Return how the product answers callbacks: share of 200, time, retries needed."""
    tally = ledger.tally
    attempts = sum(tally.answers.values())
    timings = sorted(tally.timings)
    return {
        "attempts": attempts,
        "answered_share": tally.answers[_SUCCESS] / attempts if attempts else 1.0,
        "answers": {str(status): count for status, count in tally.answers.items()},
        "states": {state: count for state, count in tally.callback_states.items() if count},
        "updates": tally.updates_sent,
        "retries": tally.retries,
        "p50_ms": _percentile(timings, 0.50),
        "p99_ms": _percentile(timings, 0.99),
        "pending": pending,
    }


def _throttled_share(ledger: Ledger) -> float:
    throttled = sum(ledger.tally.codes[code] for code in THROTTLES)
    calls = sum(ledger.tally.decisions.values())
    return throttled / calls if calls else 0.0


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 3)


def _first(found: dict[str, int]) -> dict[str, int]:
    return dict(list(found.items())[:_SHOWN])
