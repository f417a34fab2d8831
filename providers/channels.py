"""Which channels there are: ours, and those that other packages bring along.

A package plugs in with an entry point of the group ``sendtrail.channels``: the name is the
channel's, the object a function without arguments that reads its settings from the environment
and returns a `Channel`, or None where they say that it is not used.
"""

import logging
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Final

from providers.contract import Channel

log = logging.getLogger(__name__)

GROUP: Final = "sendtrail.channels"

Factory = Callable[[], Channel | None]


def open_channels(ours: Mapping[str, Factory]) -> dict[str, Channel]:
    """Return the channels in use, by name. One of ours is not replaced by another's."""
    factories: dict[str, Factory] = {}
    for point in entry_points(group=GROUP):
        factories[point.name] = point.load()
    factories |= ours
    opened = {name: factory() for name, factory in factories.items()}
    channels = {name: channel for name, channel in opened.items() if channel is not None}
    log.info("channels.opened", extra={"channels": sorted(channels)})
    return channels
