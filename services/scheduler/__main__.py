"""``python -m services.scheduler``: commands in, `send-requests` out."""

from runtime import http, logs
from runtime.media import open_or_end
from runtime.settings import read
from services.scheduler.app import build
from services.scheduler.settings import SchedulerSettings

if __name__ == "__main__":
    settings = read(SchedulerSettings)
    logs.configure(settings.log_level)
    store = open_or_end(settings)
    http.serve(build(settings, store), host=settings.http_host, port=settings.http_port)
