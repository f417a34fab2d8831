"""``python -m services.status_projector``."""

from runtime import logs
from runtime.http import serve
from runtime.settings import read
from services.status_projector.app import build
from services.status_projector.settings import ProjectorSettings

settings = read(ProjectorSettings)
logs.configure(settings.log_level)
serve(build(settings), host=settings.http_host, port=settings.http_port)
