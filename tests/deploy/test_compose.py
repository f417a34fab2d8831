"""docker-compose.yml: the same system, on official images."""

import importlib.util
import os
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from deploy.stack.jars import kafka_version
from deploy.stack.places import CHECKOUT
from simulator.settings import Settings

FILE = CHECKOUT / "docker-compose.yml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Return the services of the file, anchors resolved."""
    return yaml.safe_load(FILE.read_text())["services"]


def test_kafka_is_the_version_of_the_local_stack(services: dict[str, Any]) -> None:
    assert services["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_every_module_that_is_run_exists(services: dict[str, Any]) -> None:
    commands = [" ".join(service.get("command", [])) for service in services.values()]
    modules = {module for command in commands for module in re.findall(r"-m ([\w.]+)", command)}

    assert len(modules) >= 7
    assert [name for name in modules if importlib.util.find_spec(f"{name}.__main__") is None] == []


def test_every_service_folder_is_run(services: dict[str, Any]) -> None:
    folders = {path.parent.name for path in (CHECKOUT / "services").glob("*/__main__.py")}

    assert folders <= set(services)


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


def compose_command() -> list[str] | None:
    """Return the plugin, or the older program; None where there is neither."""
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None
