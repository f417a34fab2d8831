"""An HTTP client for links that somebody else wrote: it reaches the public internet only (IM-32).

The address is judged when the connection is opened, after the name was looked up and whatever the
link looked like; a name that answered differently a moment ago gains nothing.
"""

import socket
from datetime import timedelta
from typing import Any, Final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from domain.addresses import is_public

NEVER_OPENED: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""The connection did not come about, so nothing was sent. The transport reports a connection that
broke *after* the request as ``httpx.ConnectTimeout`` too: only the cause tells them apart."""

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
"""As `socket.getaddrinfo` describes an address."""


class InternalAddress(OSError):
    """The link leads to an address that is not one of the public internet."""


def public_client(
    *, connect_within: timedelta, silent_for: timedelta, connections: int
) -> httpx.AsyncClient:
    """Return a client that opens connections to public addresses and follows no redirect.

    ``silent_for``: how long nothing may come in the middle of an answer.
    """

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=connections, ssl=httpx.create_ssl_context(), socket_factory=_public_only
        )
        return aiohttp.ClientSession(connector=connector)

    return httpx.AsyncClient(
        transport=AiohttpTransport(client=session),
        timeout=times(connect_within, silent_for),
        follow_redirects=False,  # where a redirect leads, nobody has judged
    )


def times(connect_within: timedelta, silent_for: timedelta) -> httpx.Timeout:
    """Return the time limits of a call whose answer may be long, in the library's words."""
    return httpx.Timeout(silent_for.total_seconds(), connect=connect_within.total_seconds())


def was_refused(error: BaseException) -> bool:
    """Tell whether a call failed because its link leads to an address we do not call."""
    cause: BaseException | None = error
    while cause is not None:
        reason = getattr(cause, "os_error", None)  # how aiohttp hands on what the socket raised
        if isinstance(cause, InternalAddress) or isinstance(reason, InternalAddress):
            return True
        cause = cause.__cause__
    return False


def _public_only(info: AddressInfo) -> socket.socket:
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        # Always the same words: of several equal failures the library raises the first as it is.
        raise InternalAddress("the link leads to an address that is not public")
    return socket.socket(family, kind, protocol)
