"""Sends one message through the Cloud API and says what the call ended in (IM-08, IM-09)."""

import asyncio
from datetime import timedelta
from typing import Final

import msgspec

from domain.admission import ChannelLimits
from domain.failures import ErrorCode, Failure, Origin
from domain.identity import ProviderMessageId, SenderId
from domain.outcomes import Deferred, InDoubt, Rejected, Reply
from domain.rates import Rate, evenly
from domain.recipients import to_e164
from providers.contract import Message
from providers.uploads import NotUploaded, Uploads
from providers.whatsapp import payloads
from providers.whatsapp.answers import network_error, object_of, reply_to_error, reply_to_send
from providers.whatsapp.checks import reason_against
from providers.whatsapp.failures import is_of_message
from providers.whatsapp.graph import GraphApi, Unanswered
from providers.whatsapp.media_uploads import uploads_to
from providers.whatsapp.settings import WhatsAppSettings
from providers.whatsapp.templates import TemplateBook
from runtime.sealed_files import FileStore
from schemas.topics.contents import Content, TemplateContent

WINDOW: Final = timedelta(hours=24)
"""After a person's last message, in which anything may be sent to them (WA 4, IM-26)."""

NO_FILE_YET: Final = timedelta(seconds=15)
"""An upload that takes longer than its message may wait goes on meanwhile."""


class WhatsAppChannel:
    """The Cloud API behind the interface of a channel.

    Without a store no content may name a file by its key; without templates none is checked.
    """

    def __init__(
        self,
        settings: WhatsAppSettings,
        store: FileStore | None = None,
        templates: TemplateBook | None = None,
    ) -> None:
        self._answer_within = settings.whatsapp_answer_within.total_seconds()
        self._api = GraphApi(settings)
        self._uploads: Uploads | None = None
        if store is not None:
            self._uploads = uploads_to(self._api, store, settings.whatsapp_upload_within)
        self._templates = templates
        self._limits = _limits(settings)

    @property
    def limits(self) -> ChannelLimits:
        """What Meta lets a number do (WA 4)."""
        return self._limits

    def address(self, recipient: str) -> str:
        """Return a business-scoped user id as it is, a number in E.164.

        Raises `InvalidRecipient`.
        """
        return recipient if payloads.is_user_id(recipient) else to_e164(recipient)

    def problem(self, message: Message) -> Failure | None:
        """Return why it could never be sent: by its content, or by the template it names."""
        content = message.content
        reason = reason_against(content)
        if reason is None and self._uploads is None and _key_of(content) is not None:
            reason = "content: names a file of a media store, and none is configured"
        if reason is not None:
            return Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail=reason)
        if self._templates is not None and isinstance(content, TemplateContent):
            return self._templates.problem(content)
        return None

    def is_free_form(self, content: Content) -> bool:
        """Tell whether it needs an open window: all do but templates (WA 4)."""
        return not isinstance(content, TemplateContent)

    def is_marketing(self, content: Content) -> bool:
        """Tell whether it is a template for offers."""
        if self._templates is None or not isinstance(content, TemplateContent):
            return False
        return self._templates.is_marketing(content)

    def is_of_message(self, failure: Failure) -> bool:
        """Tell whether the failure speaks of one message alone, and not of the number."""
        return is_of_message(failure.provider_code)

    async def send(self, message: Message) -> Reply:
        """Call the API once; twice only where the first call was refused for a forgotten upload.

        All of it ends within the time for one answer: so long a claim lasts.
        """
        until = asyncio.get_running_loop().time() + self._answer_within
        key = _key_of(message.content)
        if key is None or self._uploads is None:
            return await self._call(message, until)
        try:
            return await self._send_file(self._uploads, message, key, until)
        except NotUploaded as error:
            return error.reply

    async def mark_read(
        self, sender_id: SenderId, provider_message_id: ProviderMessageId, *, typing: bool = False
    ) -> Failure | None:
        """Tell a person that their message, and all before it, was read; None where that worked.

        ``typing``: also that an answer is being written; that shows for 25 seconds (WA 6).
        """
        mark = {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": provider_message_id,
            **({"typing_indicator": {"type": "text"}} if typing else {}),
        }
        try:
            response = await self._api.post(sender_id, "messages", msgspec.json.encode(mark))
        except Unanswered as error:
            return error.failure
        if object_of(response).get("success") is True:
            return None
        return reply_to_error(response).failure

    async def close(self) -> None:
        """Break off uploads and close the connections."""
        if self._uploads is not None:
            await self._uploads.close()
        await self._api.close()

    async def _send_file(self, uploads: Uploads, message: Message, key: str, until: float) -> Reply:
        media_id = await self._uploaded(uploads, message, key, until)
        reply = await self._call(_with_file(message, media_id), until)
        if not is_media_gone(reply) or not uploads.forget(message.sender_id, key, media_id):
            return reply
        media_id = await self._uploaded(uploads, message, key, until)
        return await self._call(_with_file(message, media_id), until)

    async def _uploaded(self, uploads: Uploads, message: Message, key: str, until: float) -> str:
        """Return the file's id; half of the time is left for the call that follows."""
        try:
            async with asyncio.timeout_at(until - self._answer_within / 2):
                return await uploads.media_id(message.sender_id, key)
        except TimeoutError as error:
            later = Deferred(network_error("the file is still being uploaded"), NO_FILE_YET)
            raise NotUploaded(later) from error

    async def _call(self, message: Message, until: float) -> Reply:
        body = payloads.build(message)
        try:
            response = await self._api.post(message.sender_id, "messages", body, until=until)
        except Unanswered as error:
            return InDoubt(error.failure) if error.was_sent else Deferred(error.failure)
        return reply_to_send(response)


def is_media_gone(reply: Reply) -> bool:
    """Tell whether a send was refused because the API does not have its file (any more).

    Code 131053 says so. Code 100 comes with many a reason; then its text names an attachment:
    "Param image['id'] is not a valid whatsapp business account media attachment ID".
    """
    if not isinstance(reply, Rejected):
        return False
    if reply.failure.provider_code == "131053":
        return True
    return reply.failure.provider_code in {"100", "131009"} and "media" in (
        reply.failure.detail or ""
    )


def _limits(settings: WhatsAppSettings) -> ChannelLimits:
    per_second, interval = settings.whatsapp_messages_per_second, settings.whatsapp_pair_interval
    per_pair = None
    if interval:
        per_pair = Rate(1 / interval.total_seconds(), settings.whatsapp_pair_burst)
    window = WINDOW if settings.whatsapp_window == "enforce" else None
    return ChannelLimits(evenly(per_second), per_pair, window)


def _key_of(content: Content) -> str | None:
    file = payloads.file_of(content)
    return None if file is None else file.key


def _with_file(message: Message, media_id: str) -> Message:
    return Message(
        message.message_id,
        message.sender_id,
        message.recipient,
        payloads.with_media_id(message.content, media_id),
        message.reply_to,
    )
