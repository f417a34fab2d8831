"""Runs the bare servers beside the real ones, as processes that end with us."""

import random
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

from bench.arena import Arena
from deploy.processes import Process, python_module
from deploy.stack.ports import FREE_RANGE, is_free

STARTS_WITHIN = timedelta(seconds=30)


def bare_ingester(arena: Arena) -> AbstractContextManager[tuple[Process, str]]:
    """Start it and lend the process and its address."""
    return _bare(arena, "bare_ingester", arena.bootstrap, "/")


def bare_queries(arena: Arena) -> AbstractContextManager[tuple[Process, str]]:
    """Start it and lend the process and its address."""
    return _bare(arena, "bare_queries", arena.ground.database_url, "/route")


def bare_live(arena: Arena) -> AbstractContextManager[tuple[Process, str]]:
    """Start the bare fan-out and lend the process and its address."""
    return _bare(arena, "bare_live", arena.bootstrap, "/")


@contextmanager
def _bare(arena: Arena, name: str, argument: str, ready: str) -> Generator[tuple[Process, str]]:
    port = next(port for port in random.sample(FREE_RANGE, k=100) if is_free(port))
    url = f"http://127.0.0.1:{port}/"
    argv = python_module(f"bench.{name}", str(port), argument)
    process = Process(name, argv, {}, arena.ground.stack.places.logs / f"{name}.log")
    process.start()
    try:
        process.wait_ready(url.rstrip("/") + ready, STARTS_WITHIN)
        yield process, url
    finally:
        process.terminate()
