"""`sendtrail demo`: the main job on one machine, from nothing (issue 3)."""

import io
import os
import signal
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

from cli.demo import previews
from cli.demo.accounts import open_account
from cli.demo.by_hand import environment_file
from cli.demo.campaign import EXAMPLE, job_body, read_recipients
from cli.demo.findings import durations, reasons
from cli.demo.report import Local, Result, agree, screen, where_to_look
from cli.demo.services import Progress, Services
from cli.demo.watching import watch
from deploy.pipeline import Pipeline
from deploy.processes import ProcessError
from deploy.stack import StackError
from runtime.errors import SendtrailError

DONE_WITHIN = timedelta(minutes=5)
AGREE_WITHIN = timedelta(seconds=20)
"""Receipts still arrive, and both sides of the comparison follow a moment apart."""
LOOK_AGAIN = timedelta(milliseconds=200)
COLUMNS = 110
"""Where there is no terminal to fit into: in a log, in a picture."""

# An account that was raised from 80 messages a second to the provider's highest tier.
UPGRADED_ACCOUNT = {"wa.rate": 1_000}


def demo(
    *,
    exit_: Annotated[
        bool, typer.Option("--exit", help="End when everybody has an outcome; exit code 0 or 1.")
    ] = False,
    recipients: Annotated[
        Path,
        typer.Option(
            help="CSV file with the columns name, phone, order.",
            show_default="examples/campaign.csv",
        ),
    ] = EXAMPLE,
    screenshot: Annotated[
        Path | None, typer.Option(help="Write the last screen to this SVG file.")
    ] = None,
) -> None:
    """Start everything on this machine, send a campaign and show what becomes of everybody.

    Kafka, PostgreSQL, a simulated provider and the services run until Ctrl-C, or with --exit until
    every recipient has an outcome. The exit code is then 0 only if every recipient reached a final
    or delivered state, nothing was sent twice, read model and live statistics agree, and an answer
    to a preview came by each road of WeCom and WeChat.
    """
    signal.signal(signal.SIGTERM, _end)
    console = _console()
    body = job_body(read_recipients(recipients))
    try:
        with (
            _started(console) as world,
            environment_file(world) as environment,
            Services(world.urls) as services,
        ):
            account = open_account(world.database_url)
            services.sign_in(account.wechat_id, account.password)
            result = _run(console, world, services, body)
            local = Local(os.path.relpath(world.stack.places.logs), os.path.relpath(environment))
            where = where_to_look(world.urls, result.job_id, previews.page(world), local, account)
            console.print(screen(result, where))
            if screenshot is not None:
                _save(screenshot, result, where)
            if not exit_:
                console.print("\nEverything keeps running until Ctrl-C.")
                _wait_for_ctrl_c()
    except KeyboardInterrupt:
        console.print("stopped")
        raise typer.Exit(130 if exit_ else 0) from None
    except (StackError, ProcessError) as error:
        raise SendtrailError(str(error)) from error
    if result.problems:
        raise typer.Exit(1)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=COLUMNS)


@contextmanager
def _started(console: Console) -> Generator[Pipeline]:
    """Run the system for the block; says how long its start took, and when it stops."""
    began = time.monotonic()
    pipeline = Pipeline("demo")
    with console.status("Starting Kafka, PostgreSQL, the simulated provider and the services"):
        pipeline.start()
    try:
        pipeline.simulator.set_knobs(UPGRADED_ACCOUNT)
        took = time.monotonic() - began
        console.print(f"{len(pipeline.processes)} processes are running ({took:.1f} s)")
        yield pipeline
    finally:
        pipeline.stop()


def _run(console: Console, world: Pipeline, services: Services, body: Mapping[str, Any]) -> Result:
    began = time.monotonic()
    job = services.post_job(body)
    skipped = f"{job.skipped} of them cannot be written to"
    console.print(f"job {job.job_id}: {job.total} recipients accepted, {skipped}", highlight=False)
    previews.answer(world, services)
    watch(console, lambda: services.progress(job.job_id), DONE_WITHIN)
    took = time.monotonic() - began
    progress, statistics = _agreed(services, job.job_id)
    return Result(
        job_id=job.job_id,
        took_seconds=took,
        progress=progress,
        statistics=statistics,
        reasons=reasons(world.database_url, job.job_id),
        durations=durations(world.database_url, world.bootstrap, job.job_id),
        verdict=world.simulator.verdict(),
        answers=previews.arrived(world),
    )


def _agreed(services: Services, job_id: str) -> tuple[Progress, Mapping[str, int]]:
    """Return the figures of both sides once they agree, or as they are when the time is over."""
    deadline = time.monotonic() + AGREE_WITHIN.total_seconds()
    while True:
        progress = services.progress(job_id)
        statistics = services.statistics(job_id)
        if agree(progress, statistics) or time.monotonic() > deadline:
            return progress, statistics
        time.sleep(LOOK_AGAIN.total_seconds())


def _save(file: Path, result: Result, where: RenderableType) -> None:
    recorder = Console(record=True, file=io.StringIO(), width=COLUMNS, force_terminal=True)
    recorder.print(screen(result, where))
    recorder.save_svg(str(file), title="make demo")


def _wait_for_ctrl_c() -> None:
    while True:
        signal.pause()


def _end(*_: object) -> None:
    # As with Ctrl-C: everything that was started is stopped on the way out.
    raise KeyboardInterrupt
