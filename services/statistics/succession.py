"""How the service goes on where Faust does not: the process becomes a fresh one.

Faust ends itself after some faults of the broker, and its state is safest read back from the
changelog by a process that remembers nothing. So the process replaces its own program (exec): its
id and its listening socket stay, everything else is gone. Callers are not refused meanwhile; their
connections wait in the socket's queue for a second or two.
"""

import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import NoReturn

from services.statistics.settings import StatisticsSettings

log = logging.getLogger(__name__)

PAUSE = timedelta(seconds=1)
"""Before the next program starts: one that cannot run must not take a core for itself."""


def listening_socket(settings: StatisticsSettings, arguments: Sequence[str]) -> socket.socket:
    """Return the predecessor's socket, whose number is the first argument, or a new one."""
    if arguments:
        return socket.socket(fileno=int(arguments[0]))
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    address = (settings.http_host, settings.http_port)
    return socket.create_server(address, family=family, backlog=2_048)


def start_afresh(listener: socket.socket, reason: str) -> NoReturn:
    """Become a new process that knows nothing but the socket."""
    log.error("statistics.started_afresh", extra={"reason": reason})
    time.sleep(PAUSE.total_seconds())
    listener.set_inheritable(True)
    module = "services.statistics"
    program = [sys.executable, "-m", module, str(listener.fileno())]
    os.execv(sys.executable, program)  # noqa: S606 - to become it, without a shell, is the point
