"""``python -m services.statistics``."""

import os
import sys
from functools import partial

from runtime import logs
from runtime.http import serve
from runtime.settings import read
from services.statistics.app import build
from services.statistics.settings import StatisticsSettings
from services.statistics.succession import listening_socket, start_afresh

if __name__ == "__main__":
    settings = read(StatisticsSettings)
    logs.configure(settings.log_level)
    listener = listening_socket(settings, sys.argv[1:])
    app = build(settings, partial(start_afresh, listener))
    serve(app, host=settings.http_host, port=settings.http_port, fd=listener.fileno())
    os._exit(0)  # Faust was not stopped (see app.py): its threads are left to the kernel.
