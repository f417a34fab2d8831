"""What the messages of a group send mean for its customers' results (GS-10, CF-01).

One message of WeCom's is for many customers. Until the provider has told something of a customer,
their result is as far as the message is; from then on it is what was told of them.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from domain.lifecycle import Evidence, Status
from runtime.vault import Person
from schemas.topics.contents import GroupSendContent
from schemas.topics.send_requests import SendRequested

_TASK_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_HIGHEST = 2**63 - 1


class ResultStatus(StrEnum):
    """The words of `t_group_send_result` (GS-10)."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


PersonOf = Callable[[str, str], Person]
"""Says who has an address on a channel: `Vault.person`."""


@dataclass(frozen=True, slots=True)
class Member:
    """A customer of a group send, and the message that is to reach them."""

    message_id: str
    person: Person
    task_id: int
    customer_id: int


@dataclass(frozen=True, slots=True)
class Result:
    """How far a customer, or a message, is."""

    status: ResultStatus
    error: str | None


def members_of(requests: Iterable[SendRequested], person_of: PersonOf) -> list[Member]:
    """Return the customers that are new with these requests, in one order everywhere."""
    found = {
        (one.message_id, one.person): one
        for request in requests
        for one in _members(request, person_of)
    }
    return [found[name] for name in sorted(found)]


def _members(request: SendRequested, person_of: PersonOf) -> Sequence[Member]:
    content, task_id = request.content, task_of(request.job_id)
    if not isinstance(content, GroupSendContent) or task_id is None:
        return ()
    # Without numbers, nobody asked for results of customers.
    return [
        Member(request.message_id, person_of(request.channel, target), task_id, customer_id)
        for target, customer_id in zip(content.targets, content.customer_ids, strict=False)
    ]


def task_of(job_id: str | None) -> int | None:
    """Return the group send that a message belongs to, by the id of its run (CF-28).

    >>> task_of("7001"), task_of("0b7e1c52-6d0e-4a53-9a61-3f1c2f4a9d10")
    (7001, None)
    """
    if job_id is None or _TASK_ID.fullmatch(job_id) is None:
        return None
    number = int(job_id)
    return number if number <= _HIGHEST else None


def of_message(evidence: Evidence) -> Result:
    """Return the result of a customer of whom nothing was told, from the state of the message."""
    if evidence.status in (Status.SENT, Status.DELIVERED, Status.READ):
        # Somebody else has got it.
        return Result(ResultStatus.PROCESSING, None)
    return result_of(evidence)


def result_of(evidence: Evidence) -> Result:
    """Return the result that the evidence means (CF-01)."""
    status = evidence.status
    match status:
        case Status.PENDING:
            return Result(ResultStatus.PENDING, None)
        case Status.SENDING:
            return Result(ResultStatus.PROCESSING, None)
        case Status.SENT | Status.DELIVERED | Status.READ:
            return Result(ResultStatus.SUCCESS, None)
        case Status.FAILED:
            failed = evidence.failed
            return Result(ResultStatus.FAILED, None if failed is None else failed.failure.prompt)
        case _:
            assert_never(status)
