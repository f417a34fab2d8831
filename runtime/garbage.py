"""Keeps the garbage collector from stopping a process that holds much for long.

Python looks at every container it knows whenever their number has grown by a quarter. With 2,000
live connections one look stopped the projector for 0.3 to 1.5 s on a busy machine (`bench live`).
"""

import gc
from typing import Final

THRESHOLDS: Final = (10_000, 10, 50)
"""Of the three generations: what lives for moments is looked at often, what lives for hours seldom.
Nearly everything is freed when its last user lets go; the collector finds the rest later."""


def look_seldom() -> None:
    """Leave out what the start has made, which lives as long as the process, and look seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
