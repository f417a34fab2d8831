"""When a callback that was not answered 200 is sent again (section 3, row Retries)."""

from typing import NamedTuple

_HOUR_S = 3600.0


class RetryPlan(NamedTuple):
    """First wait, then a base that doubles up to a cap, until the horizon; all in seconds."""

    first_s: float
    base_s: float
    cap_s: float
    horizon_s: float


# 7d and 36h: at once, 1 min, 2, 4, 8 ... at most 6 h apart. fast: 250 ms, 500 ms, 1 s, 2 s, 2 s ...
PLANS: dict[str, RetryPlan | None] = {
    "7d": RetryPlan(0, 60, 6 * _HOUR_S, 7 * 24 * _HOUR_S),
    "36h": RetryPlan(0, 60, 6 * _HOUR_S, 36 * _HOUR_S),
    "fast": RetryPlan(0.25, 0.5, 2, 600),
    "none": None,
}
_MOST_DOUBLINGS = 20


def next_wait(plan: RetryPlan | None, failures: int, age_s: float) -> float | None:
    """Return the seconds until the next try after so many failures; none: drop the callback.

    >>> [next_wait(PLANS["7d"], failures, 0) for failures in (1, 2, 3, 4)]
    [0, 60, 120, 240]
    """
    if plan is None:
        return None
    doublings = min(failures - 2, _MOST_DOUBLINGS)
    wait = plan.first_s if failures == 1 else min(plan.cap_s, plan.base_s * 2**doublings)
    return wait if age_s + wait <= plan.horizon_s else None
