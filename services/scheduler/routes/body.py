"""What creating calls have in common."""

from typing import Annotated

from fastapi import Header
from pydantic import BaseModel

from runtime.auth import Caller
from services.scheduler.idempotency import Key, key_of
from services.scheduler.store.keys import KeyName

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Repeating the call with it within 24 hours returns the first answer.",
    ),
]


def call_key(call: str, caller: Caller, given: str | None, body: BaseModel) -> Key | None:
    """Return the key of a call, by method and path; None where it has none."""
    if given is None:
        return None
    name = KeyName(caller.tenant_id or "", call, given)
    return key_of(name, body.model_dump_json(exclude_unset=True).encode())
