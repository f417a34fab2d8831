"""``python -m cli.openapi`` writes the services' OpenAPI documents; ``--check`` tells what drifted.

Here and not in schemas/, since the documents are made from the services' own routes.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml
from fastapi import FastAPI
from obstore.store import MemoryStore
from pydantic import SecretStr

from runtime.media import MediaStore
from services.administration import app as administration
from services.administration.settings import AdministrationSettings
from services.ingest_webhook import app as ingest_webhook
from services.ingest_webhook.settings import IngesterSettings
from services.scheduler import app as scheduler
from services.scheduler.settings import SchedulerSettings
from services.statistics import app as statistics
from services.statistics.settings import StatisticsSettings
from services.status_projector import app as status_projector
from services.status_projector.settings import ProjectorSettings

GENERATED: Final = Path(__file__).parents[1] / "schemas" / "generated" / "openapi"

_DATABASE: Final = SecretStr("postgresql+psycopg2://nowhere/nothing")
_SECRET: Final = SecretStr("none")
_KEY: Final = SecretStr("signs and seals nothing and is long enough for a key")
"""The applications ask for them when they are built; nothing connects, nothing is signed."""


def _ingest_webhook() -> FastAPI:
    return ingest_webhook.build(
        IngesterSettings(
            whatsapp_app_secret=_SECRET,
            whatsapp_webhook_verify_token=_SECRET,
            topic_encryption_key=_KEY,
        )
    )


def _never(*_: object) -> NoReturn:
    raise AssertionError("nothing runs that could end")


APPLICATIONS: Final[Mapping[str, Callable[[], FastAPI]]] = {
    "administration": lambda: administration.build(
        AdministrationSettings(
            database_url=_DATABASE,
            auth_signing_keys=_KEY,
            message_encryption_key=_KEY,
            message_lookup_key=_KEY,
        )
    ),
    "ingest_webhook": _ingest_webhook,
    "scheduler": lambda: scheduler.build(
        SchedulerSettings(
            database_url=_DATABASE,
            auth_signing_keys=_KEY,
            message_encryption_key=_KEY,
            message_lookup_key=_KEY,
            topic_encryption_key=_KEY,
        ),
        MediaStore(MemoryStore()),
    ),
    "statistics": lambda: statistics.build(
        StatisticsSettings(database_url=_DATABASE, auth_signing_keys=_KEY), _never
    ),
    "status_projector": lambda: status_projector.build(
        ProjectorSettings(
            database_url=_DATABASE,
            auth_signing_keys=_KEY,
            message_encryption_key=_KEY,
            message_lookup_key=_KEY,
            topic_encryption_key=_KEY,
        )
    ),
}
"""Those with an API of their own; the dispatcher only answers for its health."""


def documents() -> dict[str, str]:
    """Return the text of each document by its file name."""
    return {f"{name}.yaml": _yaml(build().openapi()) for name, build in APPLICATIONS.items()}


def drifted(texts: Mapping[str, str]) -> list[str]:
    """Return the names of the files that are missing or differ."""
    paths = {name: GENERATED / name for name in texts}
    return [
        name for name, path in paths.items() if not path.exists() or path.read_text() != texts[name]
    ]


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 1 with one line a file that drifted."""
    texts = documents()
    if "--check" in arguments:
        names = drifted(texts)
        sys.stderr.writelines(
            f"schemas/generated/openapi/{name}: differs from the routes\n" for name in names
        )
        return 1 if names else 0
    GENERATED.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (GENERATED / name).write_text(text)
    return 0


def _yaml(document: Mapping[str, Any]) -> str:
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return "# Made by `python -m cli.openapi`.\n" + text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
