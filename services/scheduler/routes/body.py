"""What creating calls have in common (IM-01)."""

from typing import Annotated

import msgspec
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


def key_for(
    call: str, caller: Caller, given: str | None, body: msgspec.Struct | BaseModel
) -> Key | None:
    """Return the key of a call, by method and path; None where no header was given."""
    if given is None:
        return None
    if isinstance(body, BaseModel):
        said = body.model_dump_json(exclude_unset=True).encode()
    else:
        said = msgspec.json.encode(body)
    return key_of(KeyName(caller.tenant_id or "", call, given), said)
