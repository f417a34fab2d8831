"""How durations are counted so that percentiles can be answered without keeping each one.

A duration falls into a bucket whose upper edge is 10 % above its lower one, the same buckets for
ever and everywhere, so counts of entries, partitions and windows simply add up. The middle of a
bucket is at most 5 % from anything in it.
"""

import math
from collections.abc import Mapping
from datetime import timedelta

GROWTH = 1.1
_MILLISECOND = timedelta(milliseconds=1)
_PER_STEP = 1 / math.log(GROWTH)


def bucket_of(duration: timedelta) -> int:
    """Return the bucket: 0 below a millisecond, then one each 10 %.

    A negative duration (the provider's clock has whole seconds, or runs behind ours) counts as 0.

    >>> bucket_of(timedelta(seconds=-1)), bucket_of(timedelta(milliseconds=1))
    (0, 1)
    """
    milliseconds = duration / _MILLISECOND
    if milliseconds < 1:
        return 0
    return 1 + int(math.log(milliseconds) * _PER_STEP)


def seconds_of(bucket: int) -> float:
    """Return the middle of a bucket in seconds, rounded to three digits that count.

    >>> seconds_of(bucket_of(timedelta(seconds=2)))
    1.95
    """
    if bucket == 0:
        return 0.0
    return float(f"{GROWTH ** (bucket - 0.5) / 1_000:.3g}")


def percentile(buckets: Mapping[int, int], share: float) -> float | None:
    """Return the seconds within which ``share`` (0..1) of the counted durations lie.

    None where nothing was counted.
    """
    total = sum(buckets.values())
    if total == 0:
        return None
    rank = max(1, math.ceil(total * share))
    for bucket in sorted(buckets):
        rank -= buckets[bucket]
        if rank <= 0:
            return seconds_of(bucket)
    return seconds_of(max(buckets))
