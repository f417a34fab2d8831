"""docker-compose.yml: the same system, on official images."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import AliasChoices
from pydantic_settings import BaseSettings

from deploy.stack.jars import kafka_version
from deploy.stack.places import CHECKOUT
from runtime.auth import AuthSettings
from runtime.kafka.sealing import TopicKeySettings
from runtime.media import MediaSettings
from runtime.settings import Settings as ServiceSettings
from runtime.vault import VaultSettings
from simulator.settings import Settings

FILE = CHECKOUT / "docker-compose.yml"
DOCKERFILE = CHECKOUT / "deploy" / "Dockerfile"
SERVICES = sorted(path.parent.name for path in (CHECKOUT / "services").glob("*/__main__.py"))
SECRET = "made-up-and-long-enough-to-be-a-key"

Environment = dict[str, str]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Return the services of the file, anchors resolved."""
    return yaml.safe_load(FILE.read_text())["services"]


@pytest.fixture(scope="module")
def environments(services: dict[str, Any]) -> dict[str, Environment]:
    """Return what each service gets when only the required secrets are set."""
    return {name: interpolated(services[name]["environment"]) for name in SERVICES}


def test_kafka_is_the_version_of_the_local_stack(services: dict[str, Any]) -> None:
    assert services["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_every_module_that_is_run_exists(services: dict[str, Any]) -> None:
    commands = [" ".join(service.get("command", [])) for service in services.values()]
    modules = {module for command in commands for module in re.findall(r"-m ([\w.]+)", command)}

    assert len(modules) >= 7
    assert [name for name in modules if importlib.util.find_spec(f"{name}.__main__") is None] == []


def test_every_service_folder_is_run(services: dict[str, Any]) -> None:
    assert set(SERVICES) <= set(services)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_can_read_its_settings(
    name: str, environments: dict[str, Environment], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in set(os.environ) & variables_of(settings_of(name)):
        monkeypatch.delenv(variable)
    for variable, value in environments[name].items():
        monkeypatch.setenv(variable, value)

    assert settings_of(name)().http_host == "0.0.0.0"  # noqa: S104 - inside its container


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_gets_a_variable_that_nobody_reads(
    name: str, environments: dict[str, Environment]
) -> None:
    # Read by the channels, and by the client of a bucket.
    elsewhere = (
        ("WECOM_", "WECHAT_", "MEDIA_", "AWS_") if name in {"dispatcher", "fetcher"} else ("AWS_",)
    )

    unread = environments[name].keys() - variables_of(settings_of(name))

    assert [one for one in unread if not one.startswith(elsewhere)] == []


def test_what_several_services_read_is_the_same_for_all_of_them(
    services: dict[str, Any],
) -> None:
    shared = variables_of(AuthSettings) | variables_of(VaultSettings) | variables_of(MediaSettings)
    shared |= variables_of(TopicKeySettings)
    shared |= {"DATABASE_URL", "MESSAGE_RETENTION", "SENDER_DAILY_LIMIT", "APP_TIMEZONE"}

    for variable in shared:
        readers = [name for name in SERVICES if variable in variables_of(settings_of(name))]
        assert len({services[name]["environment"].get(variable) for name in readers}) == 1, variable


@pytest.mark.parametrize("name", SERVICES)
def test_who_uses_the_media_store_has_its_volume(name: str, services: dict[str, Any]) -> None:
    uses_it = "MEDIA_STORE_URL" in services[name]["environment"]

    assert bool(services[name].get("volumes")) == uses_it
    assert uses_it or not issubclass(settings_of(name), MediaSettings)


def test_the_image_holds_all_that_its_programs_import(tmp_path: Path) -> None:
    copied = re.findall(r"^COPY (?:--\S+ )*(\w+) \1/$", DOCKERFILE.read_text(), re.MULTILINE)
    for folder in copied:
        (tmp_path / folder).symlink_to(CHECKOUT / folder)
    programs = ["cli.app", "simulator.app", *(f"services.{name}.app" for name in SERVICES)]

    ran = subprocess.run(
        [sys.executable, "-c", IMPORTS, *programs],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    pinned = (CHECKOUT / "requirements" / "runtime.txt").read_text()
    pins = {name.lower() for name in re.findall(r"^([\w.-]+)(?:\[|==)", pinned, re.MULTILINE)}
    # jieba asks for setuptools, and goes without.
    assert set(ran.stdout.split()) - pins - {"setuptools"} == set()


def test_secrets_come_from_the_environment() -> None:
    named = re.findall(r"(\w*(?:PASSWORD|TOKEN|SECRET)): (.*)", FILE.read_text())

    assert len(named) >= 5
    assert [name for name, value in named if not re.fullmatch(r"\$\{\w+:\?.+\}", value)] == []


def test_the_simulator_reads_every_variable_it_is_given(services: dict[str, Any]) -> None:
    given = services["simulator"]["environment"]

    assert {name.removeprefix("SIM_").lower() for name in given} <= set(Settings.model_fields)


def test_compose_accepts_the_file() -> None:
    compose = compose_command()
    if compose is None:
        pytest.skip("no docker compose on this machine")
    made_up = dict.fromkeys(re.findall(r"\$\{(\w+):\?", FILE.read_text()), "made-up")

    ran = subprocess.run(
        [*compose, "config", "--quiet"],
        cwd=CHECKOUT,
        env=os.environ | made_up,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr


IMPORTS = """
import importlib, sys
from importlib.metadata import packages_distributions
before = set(sys.modules)
for program in sys.argv[1:]:
    importlib.import_module(program)
of_modules = packages_distributions()
for module in {name.partition(".")[0] for name in sys.modules.keys() - before}:
    print(*(name.lower().replace("_", "-") for name in of_modules.get(module, ())))
"""
"""Imports each program and prints the packages that came with it."""


def settings_of(name: str) -> type[ServiceSettings]:
    """Return the class that the service reads."""
    module = importlib.import_module(f"services.{name}.settings")
    return next(
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, ServiceSettings)
        and kind.__module__ == module.__name__
        and "http_port" in kind.__annotations__
    )


def variables_of(settings: type[BaseSettings]) -> set[str]:
    """Return the names of the environment's variables that the class reads."""
    names = {name.upper() for name in settings.model_fields}
    for field in settings.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            names |= {str(choice) for choice in field.validation_alias.choices}
    return names


def interpolated(given: dict[str, str | int | None]) -> Environment:
    """Return the variables as compose gives them: what is required is set, nothing else is."""
    values = {name: value for name, value in given.items() if value is not None}
    return {name: _PLACE.sub(_value, str(value)) for name, value in values.items()}


_PLACE = re.compile(r"\$\{\w+(:\?|:?-)([^}]*)\}")


def _value(place: re.Match[str]) -> str:
    kind, word = place.groups()
    return SECRET if kind == ":?" else word


def compose_command() -> list[str] | None:
    """Return the plugin, or the older program; None where there is neither."""
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None
