"""The one line of arrows: domain ← schemas ← runtime ← providers ← services ← cli."""

import sys

import pytest

from tests.architecture.tree import OURS, SERVICES, files, imports, where

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "domain": (),
    "schemas": ("domain",),
    "runtime": ("domain", "schemas"),
    "providers": ("domain", "schemas", "runtime"),
    "services": ("domain", "schemas", "runtime", "providers"),
    "simulator": (),
    "deploy": ("domain", "schemas", "runtime"),
    "cli": ("domain", "schemas", "runtime", "providers", "services", "deploy"),
    "bench": ("domain", "schemas", "runtime", "providers", "services", "deploy", "cli"),
}
"""A folder imports from itself and from these."""

PURE = ("phonenumbers", "dateutil")
"""The libraries that domain/ may use: no I/O, no clock, no chance."""


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT))
def test_a_folder_imports_only_from_those_before_it(folder: str) -> None:
    allowed = {folder, *MAY_IMPORT[folder]}

    wrong = [
        f"{where(path, line)} imports {module}"
        for path in files(folder)
        for module, line in imports(path)
        if module.partition(".")[0] in set(OURS) - allowed
    ]

    assert wrong == []


@pytest.mark.parametrize("service", SERVICES)
def test_services_never_import_each_other(service: str) -> None:
    wrong = [
        f"{where(path, line)} imports {module}"
        for path in files(f"services/{service}")
        for module, line in imports(path)
        if module.startswith("services.") and module.split(".")[1] != service
    ]

    assert wrong == []


def test_the_rules_know_no_technology() -> None:
    wrong = [
        f"{where(path, line)} imports {module}"
        for path in files("domain")
        for module, line in imports(path)
        if module.partition(".")[0] not in {"domain", *PURE, *sys.stdlib_module_names}
    ]

    assert wrong == []


ASKS_THE_SCHEDULER = "services/ingest_webhook/previews/source.py"
"""Has a client of its own: what it asks is no provider."""


def test_every_word_to_a_provider_goes_through_providers() -> None:
    wrong = [
        f"{where(path, line)} imports {module}"
        for path in files("domain", "schemas", "runtime", "services")
        for module, line in imports(path)
        if module.partition(".")[0] in {"httpx", "httpx_aiohttp", "aiohttp", "requests"}
        and where(path) != ASKS_THE_SCHEDULER
    ]

    assert wrong == []


def test_only_the_dispatcher_sends_only_the_ingester_reads_callbacks_only_the_fetcher_fetches() -> (
    None
):
    doors = {
        "client": "dispatcher",
        "callbacks": "ingest_webhook",
        "signature": "ingest_webhook",
        "media": "fetcher",
    }

    wrong = [
        f"{where(path, line)} imports {module}"
        for path in files("services")
        for module, line in imports(path)
        for room, service in doors.items()
        if module.startswith("providers.")
        and room in module.split(".")
        and service not in path.parts
    ]

    assert wrong == []
