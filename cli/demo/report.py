"""The demo's last screen: what became of everybody, do the figures agree, where to look next."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.demo.accounts import Account
from cli.demo.findings import Reason
from cli.demo.services import Progress, login_body
from deploy.simulated_provider import Verdict

SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Local:
    """Paths of the running system, from where the demo was started."""

    logs: str
    environment: str
    """What a shell reads before commands by hand."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run of the demo ended in."""

    job_id: str
    took_seconds: float
    progress: Progress
    statistics: Mapping[str, int]
    """The live statistics' count of how many reached each status."""
    reasons: Sequence[Reason]
    durations: Mapping[str, Sequence[float]]
    """Seconds, sorted, by what was measured."""
    verdict: Verdict
    answers: Mapping[str, int]
    """How many answers to the preview came by each road."""

    @property
    def problems(self) -> list[str]:
        """Return why the run is no success, one line each; empty when it is one."""
        found: list[str] = []
        if self.progress.open:
            found.append(f"{self.progress.open} recipients reached no final or delivered state")
        if self.verdict.sent_twice:
            found.append(f"{self.verdict.sent_twice} messages were sent twice")
        if not agree(self.progress, self.statistics):
            found.append("the live statistics do not agree with the read model")
        silent = [road for road, count in self.answers.items() if not count]
        found += [f"no answer to the preview came by this road: {road}" for road in silent]
        return found


def agree(progress: Progress, statistics: Mapping[str, int]) -> bool:
    """Return whether read model and statistics count the same at each status or beyond it."""
    return all(count == statistics.get(status, 0) for status, count in progress.reached().items())


def screen(result: Result, where: RenderableType) -> Group:
    """Return everything that is said at the end."""
    took = f"{result.progress.total} recipients in {result.took_seconds:.1f} s"
    parts: list[RenderableType] = [
        Text(""),
        Text(took, style="bold"),
        _statuses(result),
        _reasons(result.reasons),
        _durations(result.durations),
        _answers(result.answers),
        _judgement(result),
        where,
    ]
    return Group(*parts)


def where_to_look(
    urls: Mapping[str, str], job_id: str, preview: str, local: Local, account: Account
) -> Table:
    """Return the addresses of the running system; ``preview`` is that of a page to answer on."""
    projector, scheduler = urls["status_projector"], urls["scheduler"]
    table = Table.grid(padding=(0, 2))
    table.title = "Where to look next"
    table.title_justify = "left"
    statistics = f"{urls['statistics']}/api/v1/statistics/live?window=total&by=job&id={job_id}"
    login = json.dumps(login_body(account.wechat_id, account.password))
    rows = {
        "sign in": f"curl {urls['administration']}/api/auth/login --json '{login}'",
        "with its token": "export AUTH='Authorization: Bearer …'",
        "send messages": f"{scheduler}/docs",
        "read their trail": f"{projector}/docs",
        "this job": f"{projector}/api/whatsapp/job-progress/{job_id}",
        "live statistics": statistics,
        "answer a preview": preview,
        "the provider's side": f"{urls['simulator']}/_sim/",
        "logs": local.logs,
        "one message by hand": (
            f"curl {scheduler}/api/v1/im/messages -H \"$AUTH\" --json '{FIRST_MESSAGE}'"
        ),
        "commands": f". {local.environment}; .venv/bin/python -m cli --help",
    }
    for what, address in rows.items():
        table.add_row(Text(what, style="dim"), Text(address, overflow="fold"))
    return table


FIRST_MESSAGE = '{"contactId":"+16505550001","messageType":"text","content":"Hello"}'


def _statuses(result: Result) -> Table:
    table = Table("status", title="What became of them", title_justify="left")
    for column in ("now", "reached", "live statistics"):
        table.add_column(column, justify="right")
    reached = result.progress.reached()
    for status, count in result.progress.counts.items():
        if status not in reached:
            if count:
                table.add_row(status, str(count), "", "")
            continue
        counted = result.statistics.get(status, 0)
        agrees = "[green]=[/]" if counted == reached[status] else "[red]≠[/]"
        table.add_row(status, str(count), str(reached[status]), f"{agrees} {counted}")
    return table


def _reasons(reasons: Sequence[Reason]) -> Table:
    table = Table("status", "code", "reason", title="Who got nothing", title_justify="left")
    table.add_column("recipients", justify="right")
    for reason in reasons:
        table.add_row(reason.status, reason.code, reason.detail, str(reason.recipients))
    return table


def _durations(durations: Mapping[str, Sequence[float]]) -> Table:
    table = Table("seconds", title="How long it took", title_justify="left")
    for share in SHARES:
        table.add_column(share, justify="right")
    for what, measured in durations.items():
        table.add_row(what, *(_percentile(measured, share) for share in SHARES.values()))
    return table


def _answers(answers: Mapping[str, int]) -> Table:
    table = Table("road", title="Who confirmed the preview", title_justify="left")
    table.add_column("answers", justify="right")
    for road, count in answers.items():
        table.add_row(road, str(count))
    return table


def _percentile(measured: Sequence[float], share: float) -> str:
    if not measured:
        return "-"
    return f"{measured[min(int(len(measured) * share), len(measured) - 1)]:.3f}"


def _judgement(result: Result) -> Text:
    verdict = result.verdict
    said = Text.assemble(
        f"The simulated provider accepted {verdict.accepted_messages} messages; ",
        (f"sent twice: {verdict.sent_twice}", "bold red" if verdict.sent_twice else "bold green"),
    )
    for problem in result.problems:
        said.append(f"\nNot as it should be: {problem}", style="red")
    return said
