"""Signing in and out, and who one is (AU-01, IM-30)."""

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from runtime.auth import Caller, Guard
from runtime.bodies import decode, documented, read_body
from runtime.sources import Network, source_of
from schemas.http.accounts import ChangePassword, LoggedInUser, Login, LoginAnswer, Me
from services.administration.sessions import Sessions

LARGEST_BODY: Final = 8 * 1_024

_LOGIN: Final = msgspec.json.Decoder(Login)
_PASSWORD: Final = msgspec.json.Decoder(ChangePassword)


def routes(sessions: Sessions, guard: Guard, trusted: tuple[Network, ...]) -> APIRouter:
    """Return the endpoints; ``trusted`` proxies say whom they speak for."""
    router = APIRouter(prefix="/api/auth", tags=["auth"])
    signed_in = Depends(guard.signed_in())

    @router.post("/login", summary="Sign in", openapi_extra=documented(Login))
    async def login(request: Request) -> LoginAnswer:
        body = decode(_LOGIN, await read_body(request, limit=LARGEST_BODY))
        host = None if request.client is None else request.client.host
        address = source_of(host, request.headers.getlist("X-Forwarded-For"), trusted)
        begun = await sessions.sign_in(body.wechat_id, body.password, address=address)
        return LoginAnswer(token=begun.token, user=LoggedInUser(id=str(begun.user_id)))

    @router.post(
        "/logout", summary="End this session, everywhere", status_code=HTTPStatus.NO_CONTENT
    )
    async def logout(caller: Annotated[Caller, signed_in]) -> Response:
        await sessions.sign_out(caller)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.get("/me", summary="Who am I, and what may I do?")
    async def me(caller: Annotated[Caller, signed_in]) -> Me:
        return Me(
            id=caller.user_id,
            tenant_id=caller.tenant_id,
            permissions=sorted(caller.permissions),
        )

    @router.post(
        "/password",
        summary="Change one's own password; all of one's sessions end",
        status_code=HTTPStatus.NO_CONTENT,
        openapi_extra=documented(ChangePassword),
    )
    async def password(request: Request, caller: Annotated[Caller, signed_in]) -> Response:
        body = decode(_PASSWORD, await read_body(request, limit=LARGEST_BODY))
        await sessions.change_password(caller, body.current_password, body.new_password)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router
