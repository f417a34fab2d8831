"""``python -m services.dispatcher``."""

from runtime import logs
from runtime.http import serve
from runtime.settings import read
from services.dispatcher.app import build
from services.dispatcher.settings import DispatcherSettings

settings = read(DispatcherSettings)
logs.configure(settings.log_level)
serve(build(settings), host=settings.http_host, port=settings.http_port)
