"""``python -m services.fetcher``."""

from runtime import logs
from runtime.http import serve
from runtime.media import open_or_end
from runtime.settings import read
from services.fetcher.app import build
from services.fetcher.settings import FetcherSettings

settings = read(FetcherSettings)
logs.configure(settings.log_level)
app = build(settings, open_or_end(settings))
serve(app, host=settings.http_host, port=settings.http_port)
