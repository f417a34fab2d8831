"""``python -m services.ingest_webhook``: callbacks in, `provider-events` out."""

from runtime import http, logs
from runtime.settings import read
from services.ingest_webhook.app import build
from services.ingest_webhook.settings import IngesterSettings

if __name__ == "__main__":
    settings = read(IngesterSettings)
    logs.configure(settings.log_level)
    http.serve(
        build(settings),
        host=settings.http_host,
        port=settings.http_port,
        limits=settings.limits,
    )
