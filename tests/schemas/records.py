"""The records of each topic that the tests speak of: our published examples."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas.generate.contracts import Contract, contracts
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.task_changes import TASK_CHANGES
from schemas.topics.topic import Topic

AT = datetime(2026, 3, 2, 9, 30, 1, tzinfo=UTC)

TOPICS: list[Topic[Any]] = [SEND_REQUESTS, PROVIDER_EVENTS, STATUS_CHANGES, TASK_CHANGES]

CONTRACTS = {contract.name: contract for contract in contracts()}


def example(name: str, **changes: object) -> bytes:
    """Return an example record with some fields changed; a field set to ``...`` is left out."""
    fields = {**CONTRACTS[name].example, **changes}
    return msgspec.json.encode({key: value for key, value in fields.items() if value is not ...})


def decoded(name: str) -> Any:  # noqa: ANN401 - whichever record type it is
    """Return an example as the record it is."""
    contract: Contract = CONTRACTS[name]
    return contract.entry.topic.decode(contract.example_bytes)
