"""`sendtrail explain`: everything that is known of one message (IM-53)."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from runtime.errors import NotFound
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read
from runtime.vault import Vault, VaultSettings
from schemas.http.explain import Cost, Explanation, Step
from services.status_projector.explain import explain as explanation_of
from services.status_projector.settings import PriceSettings


class _Settings(DatabaseSettings, VaultSettings, PriceSettings):
    """What this command reads from the environment."""


def explain(
    message_id: Annotated[str, typer.Argument(help="Our message id.")],
    json: Annotated[bool, typer.Option("--json", help="As the API answers it.")] = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Tell everything known of a message: the request, what was tried and heard, and the rules."""
    settings = read(_Settings)
    engine = connect(settings.database_url.get_secret_value(), pool=1)
    with transaction(engine) as connection:
        found = explanation_of(
            connection, Vault(settings), message_id, settings.prices, tenant_id=None
        )
    engine.dispose()
    if found is None:
        raise NotFound(f"no message {message_id}")
    if json:
        print(found.model_dump_json(by_alias=True, indent=2))
    else:
        _tell(Console(soft_wrap=True, highlight=False, markup=False), found)


def _tell(console: Console, found: Explanation) -> None:
    console.print(f"{found.message_id}: {found.status} ({found.rule})")
    for name, value in _facts_of(found).items():
        if value is not None:
            console.print(f"  {name:<12} {value}")
    table = Table("heard", "lag", "what", "status", "why", box=None, pad_edge=False)
    for step in found.steps:
        table.add_row(
            f"{step.heard_at:%Y-%m-%d %H:%M:%S.%f}"[:-3],
            f"{step.lag_ms} ms",
            _what(step),
            f"{step.from_status} → {step.to_status}" if step.to_status else step.effect,
            step.why,
        )
    console.print(table)
    if found.trouble is not None:
        console.print(f"What to do: {found.trouble.advice}")


def _facts_of(found: Explanation) -> dict[str, object]:
    asked, dispatch, cost = found.asked, found.dispatch, found.cost
    job = None if asked.job_id is None else f"{asked.job_id}, row {asked.job_row}"
    links = ", ".join(f"{link.relation} {link.message_id}" for link in found.links)
    return {
        "to": found.shown.recipient,
        "text": found.shown.text,
        "through": None if found.channel is None else f"{found.channel}:{found.sender_id}",
        "asked at": f"{asked.sent_at:%Y-%m-%d %H:%M:%S} UTC",
        "due at": None if asked.due_at is None else f"{asked.due_at:%Y-%m-%d %H:%M:%S} UTC",
        "asked by": asked.published_by,
        "agent": asked.agent_id,
        "tenant": asked.tenant_id,
        "job": job,
        "priority": asked.priority,
        "expires": asked.expires_at,
        "provider id": found.provider_message_id,
        "dispatch": None
        if dispatch is None
        else f"{dispatch.state}, attempts: {dispatch.attempts}",
        "waits for": None if dispatch is None else dispatch.waits_for,
        "unheard": None if found.unheard_since is None else f"since {found.unheard_since}",
        "cost": None if cost is None else _cost(cost),
        "linked to": links or None,
        "trace": found.trace_id,
    }


def _cost(cost: Cost) -> str:
    charged = {True: "charged for", False: "free of charge", None: "charge unknown"}
    amount = "nothing yet" if cost.amount is None else f"{cost.amount} {cost.currency}"
    return f"{amount}, {cost.category or 'no category'}, {charged[cost.billable]}"


def _what(step: Step) -> str:
    parts = [step.kind]
    if step.attempt is not None:
        parts.append(f"attempt {step.attempt}")
    if step.until is not None:
        parts.append(f"until {step.until:%H:%M:%S}")
    parts += [part for part in (step.error_code, step.provider_code, step.detail) if part]
    if step.parked_ms is not None:
        parts.append(f"parked for {step.parked_ms} ms")
    return ", ".join(parts)
