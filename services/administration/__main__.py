"""``python -m services.administration``: who may do what, and who changed what."""

from runtime import http, logs
from runtime.settings import read
from services.administration.app import build
from services.administration.settings import AdministrationSettings

if __name__ == "__main__":
    settings = read(AdministrationSettings)
    logs.configure(settings.log_level)
    http.serve(build(settings), host=settings.http_host, port=settings.http_port)
