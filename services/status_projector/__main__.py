"""``python -m services.status_projector``."""

from runtime import logs
from runtime.garbage import look_seldom
from runtime.http import serve
from runtime.settings import read
from services.status_projector.app import build
from services.status_projector.settings import ProjectorSettings

settings = read(ProjectorSettings)
logs.configure(settings.log_level)
app = build(settings)
look_seldom()
serve(app, host=settings.http_host, port=settings.http_port)
