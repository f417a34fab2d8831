"""What the stack cannot do, it says in one line on stderr, with exit code 1."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.stack import Kafka, Ports, Stack, StackError, places
from deploy.stack.jars import kafka_jars
from deploy.stack.places import CHECKOUT, Places


def test_a_missing_java_is_one_line(tmp_path: Path) -> None:
    ran = up_with_path(tmp_path)

    assert ran.returncode == 1
    assert one_line(ran.stderr) == "stack: Java is missing: install a JDK or JRE 17 or newer"


def test_a_java_that_is_too_old_is_one_line(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_292\"' >&2\n")
    java.chmod(0o755)

    ran = up_with_path(tmp_path)

    assert ran.returncode == 1
    assert one_line(ran.stderr).startswith(f"stack: {java} is Java 8: Kafka needs 17 or newer")


def test_a_missing_maven_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StackError) as refused:
        kafka_jars(cache=tmp_path)

    assert one_line(str(refused.value)).startswith("Maven is missing")


def test_a_taken_port_is_one_line_that_says_by_whom(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taker:
        port = taker.getsockname()[1]
        kafka = Kafka(Places("tests-taken", tmp_path), Ports(kafka=port))

        with pytest.raises(StackError) as refused:
            kafka.start()

    said = one_line(str(refused.value))
    assert said.startswith(f"port {port} is taken by ")
    assert f"(process {os.getpid()})" in said
    assert said.endswith("or set SENDTRAIL_KAFKA_PORT")


def test_a_port_that_is_none_is_one_line() -> None:
    with pytest.raises(StackError, match=r"^SENDTRAIL_KAFKA_PORT=none is not a port: .*$"):
        Ports.from_environment({"SENDTRAIL_KAFKA_PORT": "none"})


def test_the_environment_chooses_the_ports_of_dev() -> None:
    assert Ports.from_environment({"SENDTRAIL_POSTGRES_PORT": "5432"}) == Ports(postgres=5432)


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LEAST_FREE_BYTES", 10**18)

    with pytest.raises(StackError, match=r"^only \d+ MB are free on the disk of .*$"):
        places.check_free_space(tmp_path)


@pytest.mark.parametrize("name", ["", "-x", "../dev", "Dev", "a" * 32])
def test_a_name_that_cannot_be_a_directory_is_refused(name: str) -> None:
    with pytest.raises(StackError, match="cannot name a stack"):
        Stack(name)


def test_the_environment_of_a_stack_that_was_never_up_is_one_line() -> None:
    ran = stack("env", "--name", "tests-never-up")

    assert ran.returncode == 1
    assert one_line(ran.stderr) == "stack: tests-never-up was never up"


def up_with_path(path: Path) -> subprocess.CompletedProcess[str]:
    return stack("up", "--name", "tests-refused", PATH=str(path), JAVA_HOME="")


def stack(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.stack", *arguments],
        cwd=CHECKOUT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def one_line(said: str) -> str:
    """Return it, having checked that it is one line."""
    assert said.strip().count("\n") == 0, said
    return said.strip()
