"""``DELETE /api/whatsapp/customers/{phone}/data``: forget somebody (SE-03, IM-46)."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query

from domain.recipients import InvalidRecipient
from providers.whatsapp.people import recipient_of
from runtime.auth import Caller, Guard, Permission
from runtime.errors import Forbidden, InvalidInput
from schemas.http.privacy import Erased
from services.administration.erasing import Eraser

CHANNEL: Final = "whatsapp"


def routes(eraser: Eraser, guard: Guard) -> APIRouter:
    """Return the endpoint."""
    router = APIRouter(prefix="/api/whatsapp", tags=["privacy"])

    @router.delete("/customers/{phone}/data", summary="Forget everything about a customer")
    async def erase(
        caller: Annotated[Caller, Depends(guard.needs(Permission.PEOPLE_ERASE))],
        phone: Annotated[str, Path(description="A number with its country code, or a user id.")],
        confirm: Annotated[str, Query(description="The same once more: nothing is undone.")] = "",
    ) -> Erased:
        """Delete the person's key, files and rows; nothing is sent to them any more.

        A person is one person for all tenants, so only who runs the system may do it.
        """
        if caller.tenant_id is not None:
            raise Forbidden("only who runs the system may erase people")
        recipient = _spelled(phone)
        if confirm != phone:
            raise InvalidInput("confirm", "must repeat the number")
        report = await asyncio.to_thread(eraser.erase, CHANNEL, recipient, caller)
        return Erased(
            erasure_id=str(report.erasure), erased_at=report.ended_at, deleted=dict(report.counts)
        )

    return router


def _spelled(phone: str) -> str:
    try:
        return recipient_of(phone)
    except InvalidRecipient as error:
        raise InvalidInput("phone", str(error)) from error
