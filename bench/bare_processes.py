"""Runs a bare counterpart beside the servers, as a process that ends with us."""

import random
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

from bench.arena import Arena
from deploy.processes import Process, python_module
from deploy.stack.ports import FREE_RANGE, is_free

STARTS_WITHIN = timedelta(seconds=30)


@contextmanager
def bare_ingester(arena: Arena) -> Generator[tuple[Process, str]]:
    """Start it and lend the process and its address."""
    with _bare(arena, "bare_ingester", arena.bootstrap, "/") as lent:
        yield lent


@contextmanager
def bare_queries(arena: Arena) -> Generator[str]:
    """Start it and lend its address, without a slash at the end."""
    with _bare(arena, "bare_queries", arena.ground.database_url, "/route") as (_, url):
        yield url.rstrip("/")


@contextmanager
def _bare(arena: Arena, name: str, argument: str, ready: str) -> Generator[tuple[Process, str]]:
    port = next(port for port in random.sample(FREE_RANGE, k=100) if is_free(port))
    url = f"http://127.0.0.1:{port}/"
    argv = python_module(f"bench.{name}", str(port), argument)
    log = arena.ground.stack.places.logs / f"{name}.log"
    process = Process(name, argv, {}, log)
    process.start()
    try:
        process.wait_ready(url.rstrip("/") + ready, STARTS_WITHIN)
        yield process, url
    finally:
        process.terminate()
