"""Sends one message through the Cloud API and says what the call ended in (IM-08, IM-09)."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from domain.admission import ChannelLimits
from domain.failures import ErrorCode, Failure, FailureClass, Origin
from domain.identity import ProviderMessageId
from domain.outcomes import (
    Accepted,
    Deferred,
    InDoubt,
    Rejected,
    Reply,
    Scope,
    SenderBroken,
    Throttled,
)
from domain.recipients import to_e164
from providers.contract import Message
from providers.whatsapp import payloads
from providers.whatsapp.failures import class_of, failure_of
from providers.whatsapp.settings import WhatsAppSettings
from schemas.topics.contents import Content

NEVER_OPENED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""The connection did not come about, so nothing was sent. The transport reports a connection that
broke *after* the request as ``httpx.ConnectTimeout`` too: only the cause tells them apart."""

HIDDEN_ACCEPTANCE = timedelta(seconds=5)
"""An answer of a gateway in front of the API may hide an accepted send: its callback is waited
for this long before the call is repeated."""

KEEPALIVE = timedelta(seconds=30)

LONGEST_ID = 255
"""Characters of a provider's message id; Meta's have up to 128."""

LONGEST_NUMBER = 20
"""Digits of a ``Retry-After`` that are read; nine are 31 years."""


class WhatsAppChannel:
    """The Cloud API behind the interface of a channel."""

    def __init__(self, settings: WhatsAppSettings) -> None:
        self._settings = settings
        limits = httpx.Limits(
            max_connections=settings.whatsapp_connections,
            keepalive_expiry=KEEPALIVE.total_seconds(),
        )
        answer_within = settings.whatsapp_answer_within.total_seconds()
        connect_within = settings.whatsapp_connect_within.total_seconds()
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(limits=limits),
            timeout=httpx.Timeout(answer_within, connect=connect_within, pool=answer_within),
            headers={
                "Authorization": f"Bearer {settings.whatsapp_access_token.get_secret_value()}",
                "Content-Type": "application/json",
            },
            follow_redirects=False,  # the token goes to the configured host and nowhere else
        )

    @property
    def limits(self) -> ChannelLimits:
        """What Meta lets a number do."""
        return ChannelLimits()

    def address(self, recipient: str) -> str:
        """Return the number in E.164. Raises `InvalidRecipient`."""
        return to_e164(recipient)

    def problem(self, message: Message) -> Failure | None:
        """Return why it could never be sent."""
        return None

    def is_free_form(self, content: Content) -> bool:
        """Tell whether it needs an open window."""
        return True

    async def send(self, message: Message) -> Reply:
        """Call the API once."""
        # Quoted: who asks for a send chooses the sender, and no other call of the API with it.
        sender = quote(message.sender_id, safe="")
        url = f"{self._settings.whatsapp_api_base_url}/{sender}/messages"
        try:
            async with asyncio.timeout(self._settings.whatsapp_answer_within.total_seconds()):
                response = await self._client.post(url, content=payloads.build(message))
        except httpx.HTTPError as error:
            return _after_transport_error(error)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return InDoubt(_network(type(error).__name__))
        return reply_of(response)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def reply_of(response: httpx.Response) -> Reply:
    """Return what an answer means. Decided by the error code in the body, not by the status."""
    body = _object(response.content)
    if response.is_success:
        return _accepted(body)
    error: Any = body.get("error")
    if isinstance(error, dict) and "code" in error:
        return _refused(response, cast("dict[str, Any]", error))
    return _without_code(response)


def _accepted(body: dict[str, Any]) -> Reply:
    try:
        provider_message_id = body["messages"][0]["id"]
    except (KeyError, IndexError, TypeError):
        provider_message_id = None
    if isinstance(provider_message_id, str) and _is_storable(provider_message_id):
        return Accepted(ProviderMessageId(provider_message_id))
    # A success without a message id that we can keep: it may well have been sent.
    return InDoubt(Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail="answer without an id"))


def _refused(response: httpx.Response, error: dict[str, Any]) -> Reply:
    code = _code(error.get("code"))
    data: Any = error.get("error_data")
    details = cast("dict[str, Any]", data).get("details") if isinstance(data, dict) else data
    failure = failure_of(code, _text(error.get("message")), _text(details))
    # Where a later attempt may succeed, this is not the provider's last word but our conclusion.
    ours = Failure(failure.code, Origin.LOCAL, failure.provider_code, failure.detail)
    asked = retry_after(response, datetime.now(UTC))
    match class_of(code, response.status_code):
        case FailureClass.RETRY:
            return Deferred(ours, asked)
        case FailureClass.SENDER_THROTTLED:
            return Throttled(ours, Scope.SENDER, asked)
        case FailureClass.RECIPIENT_THROTTLED:
            return Throttled(ours, Scope.RECIPIENT, asked)
        case FailureClass.REFUSED:
            return Rejected(failure)
        case FailureClass.SENDER_BROKEN:
            return SenderBroken(ours)
        case FailureClass.IN_DOUBT:
            return InDoubt(failure)


def _without_code(response: httpx.Response) -> Reply:
    detail = f"HTTP {response.status_code}"
    asked = retry_after(response, datetime.now(UTC)) or timedelta()
    pause = max(asked, HIDDEN_ACCEPTANCE)
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(_network(detail), Scope.SENDER, pause)
    if response.is_server_error or response.status_code == HTTPStatus.REQUEST_TIMEOUT:
        return Deferred(_network(detail), pause)
    return Rejected(Failure(ErrorCode.UNKNOWN_ERROR, Origin.PROVIDER, detail=detail))


def retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    """Return the pause the answer asks for: seconds or a date; None for anything else."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        # Cut before it is read: Python refuses numbers of thousands of digits.
        return timedelta(seconds=min(int(text[:LONGEST_NUMBER]), timedelta.max.days))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(moment.replace(tzinfo=moment.tzinfo or UTC) - now, timedelta())


def _after_transport_error(error: httpx.HTTPError) -> Reply:
    cause = error.__cause__ or error
    failure = _network(type(cause).__name__)
    return Deferred(failure) if isinstance(cause, NEVER_OPENED) else InDoubt(failure)


def _network(detail: str) -> Failure:
    return Failure(ErrorCode.NETWORK_ERROR, Origin.LOCAL, detail=detail)


def _object(content: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def _code(value: object) -> int | str | None:
    # A code of another type is no code; the HTTP status then decides.
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _is_storable(provider_message_id: str) -> bool:
    return 0 < len(provider_message_id) <= LONGEST_ID and "\x00" not in provider_message_id


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
