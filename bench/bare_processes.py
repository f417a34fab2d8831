"""Runs the bare ingester beside the servers, as a process that ends with us."""

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
    port = next(port for port in random.sample(FREE_RANGE, k=100) if is_free(port))
    url = f"http://127.0.0.1:{port}/"
    argv = python_module("bench.bare_ingester", str(port), arena.bootstrap)
    log = arena.ground.stack.places.logs / "bare_ingester.log"
    process = Process("bare_ingester", argv, {}, log)
    process.start()
    try:
        process.wait_ready(url, STARTS_WITHIN)
        yield process, url
    finally:
        process.terminate()
