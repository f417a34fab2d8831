"""What will become of an accepted message, decided at its acceptance (section 2.4)."""

from typing import NamedTuple

from simulator.chance import Chance
from simulator.knobs import Knobs

# Codes by which messages really fail later (WA 3, column "where": W), by weight.
_FAILURES = ((131026, 60), (131049, 20), (131000, 8), (131053, 6), (130472, 6))

# Between two statuses told in the wrong order (seconds).
_GAP_S = 0.05
_A_PAIR = 2

# Of a reaction only `sent` is ever told (section 2.4).
_ONLY_SENT = "reaction"


class Step(NamedTuple):
    """One status: when it happens, when it is told, both in seconds after acceptance."""

    status: str
    happens_s: float
    told_s: float
    code: int = 0
    is_priced: bool = True
    """Whether `pricing` stands in it: in sent, and in one of delivered/read."""


def plan(knobs: Knobs, chance: Chance, kind: str, forced_code: int = 0) -> tuple[Step, ...]:
    """Return the statuses to come in the order in which they are told; none: lost.

    A forced code makes the message fail with it.
    """
    if chance.happens("wa.lost_ratio", knobs.wa_lost_ratio):
        return ()
    fails = bool(forced_code) or chance.happens("wa.fail_async", knobs.wa_fail_async)
    steps = _failure(knobs, chance, forced_code) if fails else _success(knobs, chance)
    if kind == _ONLY_SENT and not fails:
        steps = steps[:1]
    steps = _disordered(steps, knobs, chance)
    if knobs.wa_dup_rate > 0:
        steps += _repeated(steps, knobs, chance)
    return tuple(sorted(steps, key=_told_at))


def _told_at(step: Step) -> float:
    return step.told_s


def _success(knobs: Knobs, chance: Chance) -> list[Step]:
    sent = chance.delay("wa.sent_ms", knobs.wa_sent_ms) / 1000
    steps = [Step("sent", sent, sent)]
    if not chance.happens("wa.delivered_ratio", knobs.wa_delivered_ratio):
        return steps
    delivered = sent + chance.delay("wa.delivered_ms", knobs.wa_delivered_ms) / 1000
    # Told later, but the provider's clock shows one second for both.
    at_once = chance.happens("wa.same_second", knobs.wa_same_second)
    steps.append(Step("delivered", sent if at_once else delivered, delivered))
    if _is_read(knobs, chance):
        read = delivered + chance.delay("wa.read_ms", knobs.wa_read_ms) / 1000
        if chance.happens("wa.skip_delivered", knobs.wa_skip_delivered):
            return [steps[0], Step("read", delivered, delivered)]
        steps.append(Step("read", read, read, is_priced=False))
    return steps


def _is_read(knobs: Knobs, chance: Chance) -> bool:
    return chance.happens("wa.read_ratio", knobs.wa_read_ratio) and not chance.happens(
        "wa.receipts_off", knobs.wa_receipts_off
    )


def _failure(knobs: Knobs, chance: Chance, forced_code: int) -> list[Step]:
    code = forced_code or knobs.wa_fail_code or chance.pick("wa.fail_code", _FAILURES)
    moment = chance.delay("wa.sent_ms", knobs.wa_sent_ms) / 1000
    steps: list[Step] = []
    if not forced_code and chance.happens("wa.fail_after_sent", knobs.wa_fail_after_sent):
        steps.append(Step("sent", moment, moment))
        moment += chance.delay("wa.delivered_ms", knobs.wa_delivered_ms) / 1000
    steps.append(Step("failed", moment, moment, code))
    if chance.happens("wa.success_after_failed", knobs.wa_success_after_failed):
        moment += chance.delay("wa.delivered_ms", knobs.wa_delivered_ms) / 1000
        steps.append(Step("delivered", moment, moment))
    return steps


def _disordered(steps: list[Step], knobs: Knobs, chance: Chance) -> list[Step]:
    """Tell an earlier status after a later one; nothing is told before it happened."""
    if knobs.wa_reverse:
        last = steps[-1].told_s
        return [
            step._replace(told_s=last + place * _GAP_S)
            for place, step in enumerate(reversed(steps))
        ]
    if len(steps) < _A_PAIR or not chance.happens("wa.shuffle", knobs.wa_shuffle):
        return steps
    place = int(chance.share("wa.shuffle.place") * (len(steps) - 1))
    earlier, later = steps[place : place + 2]
    swapped = [later, earlier._replace(told_s=later.told_s + _GAP_S)]
    return [*steps[:place], *swapped, *steps[place + 2 :]]


def _repeated(steps: list[Step], knobs: Knobs, chance: Chance) -> list[Step]:
    return [
        step._replace(
            told_s=step.told_s + chance.delay(f"wa.dup_delay.{place}", knobs.wa_dup_delay)
        )
        for place, step in enumerate(steps)
        if chance.happens(f"wa.dup_rate.{place}", knobs.wa_dup_rate)
    ]
