"""Notes who takes which list away as a file, before its first line is handed over (IM-31)."""

from typing import Final

import sqlalchemy as sa
from pydantic import BaseModel

from runtime import audit
from runtime.audit import Action
from runtime.callers import Caller
from runtime.postgres import in_thread

_ADDRESSES: Final = frozenset({"recipient", "contactId", "recipientId"})
"""Fields of filters that are, or may be, somebody's address."""
_GIVEN: Final = "given"


async def note(
    engine: sa.Engine, caller: Caller, action: Action, about: str, asked: BaseModel
) -> None:
    """Note the export and its filter, without the address of anybody."""
    filters = asked.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    changes = {
        name: (None, _GIVEN if name in _ADDRESSES else value) for name, value in filters.items()
    }
    await in_thread(engine, lambda c: audit.note(c, caller, action, about, changes))
