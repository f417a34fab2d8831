"""A channel of somebody else's: texts to mailing lists of an SMS gateway that calls nobody back.

All that Sendtrail knows of it is the entry point beside this package.
"""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx

from domain.admission import ChannelLimits
from domain.failures import ErrorCode, Failure, Origin
from domain.identity import ProviderMessageId
from domain.outcomes import Accepted, Deferred, InDoubt, Rejected, Reply
from domain.recipients import InvalidRecipient
from providers.contract import AskLater, Found, Message, Polled, Sent
from schemas.topics.contents import Content, TextContent
from schemas.topics.provider_events import FailureReason, StatusReported

ANSWERS_WITHIN = timedelta(seconds=10)


def open_channel() -> "SmsChannel | None":
    """Return the channel where SMS_GATEWAY_URL says where its gateway is."""
    url = os.environ.get("SMS_GATEWAY_URL")
    return None if url is None else SmsChannel(url)


class SmsChannel:
    """Sends, asks for results, and looks for what got no answer."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=url, timeout=ANSWERS_WITHIN.total_seconds(), trust_env=False
        )

    @property
    def limits(self) -> ChannelLimits:
        """The gateway sets none."""
        return ChannelLimits()

    def address(self, recipient: str) -> str:
        """Return the list's name as the gateway writes it."""
        if not recipient.isalpha():
            raise InvalidRecipient("no name of a list")
        return recipient.lower()

    def problem(self, message: Message) -> Failure | None:
        """Return what is wrong with anything but a text."""
        if isinstance(message.content, TextContent):
            return None
        return Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail="an SMS is a text")

    def is_free_form(self, content: Content) -> bool:
        """Tell that no window limits it."""
        return False

    async def send(self, message: Message) -> Reply:
        """Hand it to the gateway."""
        content = message.content
        if not isinstance(content, TextContent):
            return Rejected(Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL))
        body = {"ref": message.message_id, "list": message.recipient, "text": content.body}
        network = Failure(ErrorCode.NETWORK_ERROR, Origin.LOCAL)
        try:
            answer = await self._client.post("/texts", json=body)
        except httpx.ConnectError:
            return Deferred(network)
        except httpx.HTTPError:
            return InDoubt(network)
        told: dict[str, Any] = answer.json()
        refused = {
            who: Failure(ErrorCode.INVALID_RECIPIENT, Origin.PROVIDER, "unsubscribed")
            for who in told["refused"]
        }
        return Accepted(ProviderMessageId(told["id"]), refused)

    def is_polled(self, content: Content) -> bool:
        """Tell that the gateway calls nobody back."""
        return True

    async def poll(self, sent: Sent) -> Polled:
        """Ask who got it."""
        answer = await self._client.get(f"/texts/{sent.provider_message_id}")
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            raise AskLater("not yet")
        told: dict[str, Any] = answer.json()
        results = [_result(sent, one) for one in told["results"] if one["who"] not in sent.already]
        return Polled(results, complete=told["complete"])

    def unanswered(self, sent: Sent, *, at: datetime) -> Sequence[StatusReported]:
        """Return nothing: the gateway knows of everybody sooner or later."""
        return ()

    async def find(self, message: Message, *, called_at: datetime) -> Sequence[Found]:
        """Look for it under our reference."""
        answer = await self._client.get("/texts", params={"ref": message.message_id})
        ids: list[str] = answer.json()["ids"]
        return [Found(ProviderMessageId(one), called_at) for one in ids]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _result(sent: Sent, told: dict[str, Any]) -> StatusReported:
    failure = None
    if told["status"] == "failed":
        failure = FailureReason(code=ErrorCode.INVALID_RECIPIENT, origin=Origin.PROVIDER)
    return StatusReported(
        channel="sms",
        provider_message_id=sent.provider_message_id,
        message_id=sent.message.message_id,
        status=told["status"],
        occurred_at=datetime.fromisoformat(told["at"]),
        participant=told["who"],
        failure=failure,
    )
