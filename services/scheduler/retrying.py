"""How a failed message is sent again: once, as a new message (RT-03, RT-05, CF-37).

All of it is one transaction, which stays open until the broker has the record: whoever asks for the
same meanwhile waits for its end. Where it dies in between, nothing is noted and the next one
publishes the same id again, which the dispatcher's ledger knows.
"""

from datetime import datetime
from typing import Final

import msgspec
import sqlalchemy as sa

from domain.identity import MessageId, message_id_for_retry
from runtime.callers import Caller
from runtime.errors import Conflict, NotFound
from runtime.vault import Vault
from schemas.http.im import MessageAccepted
from schemas.topics.contents import Content, GroupSendContent
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.scheduler.held import Publish
from services.scheduler.idempotency import Key, first_answer
from services.scheduler.intake import SOURCE
from services.scheduler.store import keys, originals, sends
from services.scheduler.store.originals import Original

UNKNOWN: Final = "Message not found"
NOT_FAILED: Final = "Only a message that failed can be sent again"
RETRIED: Final = "The message was already sent again"
FORGOTTEN: Final = "The recipient was erased: nothing is left to send again"
GROUP_SEND: Final = "A group send cannot be sent again as it was: create another one"

_GROUP_SEND: Final = str(GroupSendContent.__struct_config__.tag)


def retry(  # noqa: PLR0913 - what it needs, and when
    connection: sa.Connection,
    vault: Vault,
    message_id: MessageId,
    caller: Caller,
    key: Key | None,
    *,
    publish: Publish,
    now: datetime,
) -> MessageAccepted:
    """Send the message again. Raises `NotFound`, `Conflict` or `TryAgainLater`."""
    if key is not None:
        keys.claim(connection, {key.name: key.body_hash}, now=now)
        answer = first_answer(key, keys.load(connection, [key.name])[key.name])
        if answer is not None:
            return MessageAccepted.model_validate(answer)
    request = again(_original(connection, vault, message_id, caller), message_id, caller, now)
    anew = MessageId(request.message_id)
    if not sends.enter_published(connection, anew, tenant_id=request.tenant_id, now=now):
        raise Conflict(RETRIED)
    publish([SEND_REQUESTS.record(request, source=SOURCE, at=now)])
    accepted = MessageAccepted(message_id=anew, sent_at=now)
    if key is not None:
        keys.answer(connection, {key.name: accepted.model_dump(mode="json", by_alias=True)})
    return accepted


def _original(
    connection: sa.Connection, vault: Vault, message_id: MessageId, caller: Caller
) -> Original:
    original = originals.load(connection, vault, message_id, caller.tenant_id)
    if original is not None:
        return original
    if originals.is_accepted(connection, message_id, caller.tenant_id):
        raise Conflict(NOT_FAILED)
    raise NotFound(UNKNOWN)


def again(
    original: Original, message_id: MessageId, caller: Caller, now: datetime
) -> SendRequested:
    """Return the request: as the first one was, without its job, whose rows are counted.

    Raises `Conflict` where it cannot be.
    """
    if not original.is_failed:
        raise Conflict(NOT_FAILED)
    if original.is_retried:
        raise Conflict(RETRIED)
    personal = original.personal
    if personal is None or personal.content is None:
        raise Conflict(FORGOTTEN)
    if msgspec.json.decode(personal.content)["type"] == _GROUP_SEND:
        raise Conflict(GROUP_SEND)
    return SendRequested(
        message_id=message_id_for_retry(message_id),
        recipient=personal.recipient,
        content=_CONTENT.decode(personal.content),
        requested_at=now,
        priority="high",  # somebody waits for it, as for any message of a chat
        agent_id=caller.user_id,
        original_message_id=message_id,
        **original.context,
    )


_CONTENT: Final[msgspec.json.Decoder[Content]] = msgspec.json.Decoder(Content)
