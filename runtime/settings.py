"""Settings come from the environment, are read once and then passed down (architecture, Running).

A missing or wrong variable ends the process with one line that names it.
"""

import os
import socket
import sys
from typing import TypeVar
from uuid import uuid4

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound=BaseSettings)


class Settings(BaseSettings):
    """What every service reads. Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    kafka_bootstrap_servers: str = "127.0.0.1:19092"
    """``host:port``, comma-separated."""
    http_host: str = "127.0.0.1"
    """Only this machine by default; a proxy stands in front of anything public."""
    log_level: str = "INFO"
    """One of DEBUG, INFO, WARNING, ERROR."""


class DatabaseSettings(Settings):
    """What every service with tables reads on top."""

    database_url: SecretStr
    """SQLAlchemy URL, ``postgresql+psycopg2://…``; required, because it carries a password."""


def process_name() -> str:
    """Return a name that no other process has, for whoever claims work in its own name."""
    # The random part: in a container every process has the same host and number.
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


def read(kind: type[S]) -> S:
    """Return the service's settings, or end the process with a line per wrong variable."""
    try:
        return kind()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            said = problem["msg"].removeprefix("Value error, ")
            sys.stderr.write(f"sendtrail: {_place(*problem['loc'])}{said}\n")
        raise SystemExit(2) from None


def _place(*inside: str | int) -> str:
    """Return where it is wrong: the variable, and the part of its value if it is JSON.

    Where several variables do not go together, the message names them.
    """
    if not inside:
        return ""
    variable, *parts = inside
    places = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return f"{str(variable).upper()}{''.join(places)}: "
