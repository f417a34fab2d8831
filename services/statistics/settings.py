"""What the statistics service reads from the environment."""

import tempfile
from pathlib import Path

from runtime.auth import AuthSettings
from runtime.settings import DatabaseSettings


class StatisticsSettings(DatabaseSettings, AuthSettings):
    """Environment variables of this service; the rest is in `runtime.settings`."""

    http_port: int = 8084
    """TCP port of the HTTP API and the probes."""
    statistics_data_dir: Path = Path(tempfile.gettempdir()) / "sendtrail-statistics"
    """Faust insists on a directory; nothing in it has to last, the changelogs have it all."""
