"""Pushes that have begun are handed over: one request a group, in bulk (CF-12, TP-10).

The transaction stays open while the broker acknowledges. Whoever dies in between leaves the groups
unpublished; any scheduler publishes them again under the same ids, which the dispatcher's ledger
knows. A pause takes the same lock, so a group is either published or cancelled, never both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from domain.pushes import NO_GROUP
from runtime.vault import Vault
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.scheduler.held import Publish
from services.scheduler.intake import SOURCE
from services.scheduler.store import push_results
from services.scheduler.store.push_results import Handing, Unpublished
from services.scheduler.timed.forms import Forms, has_place
from services.scheduler.timed.rendering import CannotRender, message_of


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What was done in one transaction."""

    due_at: Sequence[datetime] = ()
    """When each push was to begin."""
    requests: int = 0
    finished: Sequence[str] = field(default=())
    """Pushes with groups that failed: they may have ended."""


def hand_over(
    connection: sa.Connection,
    vault: Vault,
    publish: Publish,
    forms: Forms | None,
    *,
    now: datetime,
    limit: int,
) -> HandedOver:
    """Publish the requests of pushes that have begun, the most urgent first."""
    handing = push_results.claim_unpublished(connection, vault, limit=limit)
    if not handing:
        return HandedOver()
    ids = [push.push_id for push in handing]
    requests: list[SendRequested] = []
    errors: dict[str, str] = {}
    groups: dict[str, list[Unpublished]] = {push_id: [] for push_id in ids}
    for group in push_results.unpublished(connection, ids):
        groups[group.push_id].append(group)
    failed: list[str] = []
    for push in handing:
        made, refused = _requests(push, groups[push.push_id], forms)
        requests += made
        errors |= refused
        if refused:
            failed.append(push.push_id)
    publish(SEND_REQUESTS.records(requests, source=SOURCE, at=now))
    push_results.fail(connection, errors)
    push_results.mark_published(connection, ids, now=now)
    return HandedOver([push.due_at for push in handing], len(requests), failed)


def _requests(
    push: Handing, groups: Sequence[Unpublished], forms: Forms | None
) -> tuple[list[SendRequested], dict[str, str]]:
    """Return the requests of a push, and why which of its messages are none."""
    try:
        content = message_of(push.content, form=_form(push, forms))
    except CannotRender as error:
        return [], {group.message_id: str(error) for group in groups}
    made: list[SendRequested] = []
    refused: dict[str, str] = {}
    for group in groups:
        if group.channel is None:
            refused[group.message_id] = NO_GROUP
            continue
        made.append(
            SendRequested(
                message_id=group.message_id,
                channel=group.channel,
                sender_id=group.sender_id,
                recipient=group.recipient,
                content=content,
                # The same for each repetition.
                requested_at=push.started_at,
                priority=push.priority,
                tenant_id=group.tenant_id,
                contact_id=group.group_id,
                job_id=push.push_id,
            )
        )
    return made, refused


def _form(push: Handing, forms: Forms | None) -> str | None:
    """Return the link to the push's form, where it has one."""
    if forms is None or not push.asks_feedback or not has_place(push.content):
        return None
    return forms.link(push.push_id, push.task_id, push.name, push.tenant_id, began=push.started_at)
