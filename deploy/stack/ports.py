"""Which TCP ports a stack listens on: fixed for `dev`, free ones for every other name."""

import os
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import psutil

from deploy.stack.errors import StackError

# Below the range from which Linux gives ports to outgoing connections (from 32768): a port from
# there could be taken by a client of ours while a killed broker is away, and never come back.
FREE_RANGE = range(20_000, 30_000)

VARIABLES = {
    "kafka": "SENDTRAIL_KAFKA_PORT",
    "controller": "SENDTRAIL_CONTROLLER_PORT",
    "postgres": "SENDTRAIL_POSTGRES_PORT",
}


@dataclass(frozen=True)
class Ports:
    """Ports on 127.0.0.1."""

    kafka: int = 19092
    controller: int = 19093
    postgres: int = 15432

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the dev stack's ports: SENDTRAIL_KAFKA_PORT and its sisters, else the defaults."""
        given = {
            field: _port(variable, environment[variable])
            for field, variable in VARIABLES.items()
            if environment.get(variable)
        }
        return cls(**given)

    def check_free(self, field: str) -> None:
        """Refuse with one line that says who listens on the port of `field`."""
        port = getattr(self, field)
        if not is_free(port):
            raise StackError(
                f"port {port} is taken{_by_whom(port)}: stop that, or set {VARIABLES[field]}"
            )

    @classmethod
    def free(cls) -> Self:
        """Choose three ports nobody listens on now."""
        chosen = random.sample(FREE_RANGE, k=60)
        kafka, controller, postgres = [port for port in chosen if is_free(port)][:3]
        return cls(kafka, controller, postgres)


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a connection that is still fading out does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _by_whom(port: int) -> str:
    """Name the program that listens there, as far as we may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr:
                continue
            if connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return ""


def _port(variable: str, value: str) -> int:
    if value.isdecimal() and 0 < int(value) < 2**16:
        return int(value)
    raise StackError(f"{variable}={value} is not a port: give a number from 1 to 65535")
