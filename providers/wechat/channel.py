"""Sends through WeChat: notifications, and answers to who has written (WC-06, WX 14.2, 14.3).

A sender is an app of WECHAT_APPS, a recipient an openid of that app. What becomes of a notification
is told afterwards where its acceptance had a name; nothing is told of anything else, so that the
acceptance is the last word (`providers.wechat.replies.name_of`).
"""

import asyncio
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

from domain.admission import ChannelLimits
from domain.failures import ErrorCode, Failure, Origin
from domain.outcomes import Deferred, InDoubt, Reply
from domain.recipients import InvalidRecipient
from providers.contract import Message
from providers.tencent.shared_tokens import SharedTokens
from providers.uploads import NotUploaded
from providers.wechat.api import Flight, NoAnswer, NoToken, WechatApi
from providers.wechat.api_settings import WechatApiSettings, WechatApp
from providers.wechat.failures import NO_SUCH_FILE, is_of_message
from providers.wechat.files import uploads_to
from providers.wechat.payloads import CannotCarry, draft_of, file_of
from providers.wechat.replies import Answer, network, refusal_of_token, reply_of
from runtime.media import MediaSettings, open_store
from runtime.sealed_files import FileStore
from runtime.settings import read
from schemas.topics.contents import Content, NotificationContent
from schemas.topics.files import File

WINDOW: Final = timedelta(hours=48)
_OPENID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class WechatChannel:
    """WeChat behind the interface of a channel."""

    def __init__(
        self,
        settings: WechatApiSettings,
        store: FileStore,
        shared: SharedTokens | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answer_within = settings.wechat_answer_within.total_seconds()
        self._apps = {app.app_id: app for app in settings.wechat_apps}
        self._limits = ChannelLimits(window=WINDOW if settings.wechat_window == "enforce" else None)
        self._api = WechatApi(settings, shared)
        self._uploads = uploads_to(self._api, self._apps, store, clock)
        self._turns: WeakValueDictionary[_Turn, asyncio.Lock] = WeakValueDictionary()
        """Gone with the last who waits for it."""

    @property
    def limits(self) -> ChannelLimits:
        """The window of customer-service messages; how many fit into it, WeChat counts."""
        return self._limits

    def address(self, recipient: str) -> str:
        """Return the openid, of which each letter counts. Raises `InvalidRecipient`."""
        if _OPENID.fullmatch(recipient) is None:
            raise InvalidRecipient("not an openid")
        return recipient

    def problem(self, message: Message) -> Failure | None:
        """Return why it could never be sent: an unknown app, a content or value it cannot carry."""
        app = self._apps.get(message.sender_id)
        if app is None:
            return _never("senderId: no app of this id in WECHAT_APPS")
        try:
            draft_of(message, app.state, media_id="")
        except CannotCarry as error:
            return _never(str(error))
        return None

    def is_free_form(self, content: Content) -> bool:
        """Tell that all but notifications need a word of the person before."""
        return not isinstance(content, NotificationContent)

    def is_of_message(self, failure: Failure) -> bool:
        """Tell whether the failure speaks of one message alone, and not of the app."""
        return is_of_message(failure.provider_code)

    async def send(self, message: Message) -> Reply:
        """Call WeChat once, after the file it needs is there."""
        flight = Flight()
        try:
            async with asyncio.timeout(self._answer_within), self._turn_of(message):
                answer = await self._answer_to(message, flight)
        except (NoToken, NoAnswer, NotUploaded, TimeoutError) as error:
            return _reply_without(error, flight)
        return reply_of(answer, message, datetime.now(UTC))

    async def close(self) -> None:
        """Close the connections."""
        await self._uploads.close()
        await self._api.close()

    def _turn_of(self, message: Message) -> asyncio.Lock:
        """Return what lets one call through for each person and template (43108, WX 14.2)."""
        content = message.content
        template = content.template_id if isinstance(content, NotificationContent) else None
        return self._turns.setdefault(
            (message.sender_id, message.recipient, template), asyncio.Lock()
        )

    async def _answer_to(self, message: Message, flight: Flight) -> Answer:
        """Call; where WeChat does not have the file any more, once more with a new upload."""
        app, file = self._apps[message.sender_id], file_of(message.content)
        media_id = await self._media_id(app, file)
        answer = await self._call(app, message, media_id, flight)
        if answer.code == NO_SUCH_FILE and file is not None and file.key is not None:
            if not self._uploads.forget(app.app_id, file.key, media_id):
                return answer
            media_id = await self._media_id(app, file)
            answer = await self._call(app, message, media_id, flight)
        return answer

    async def _media_id(self, app: WechatApp, file: File | None) -> str:
        if file is None or file.key is None:
            return "" if file is None else file.id or ""
        return await self._uploads.media_id(app.app_id, file.key)

    async def _call(
        self, app: WechatApp, message: Message, media_id: str, flight: Flight
    ) -> Answer:
        draft = draft_of(message, app.state, media_id)
        return await self._api.post(app, draft.name, draft.body, flight)


_Turn = tuple[str, str, str | None]


def _reply_without(error: NoToken | NoAnswer | NotUploaded | TimeoutError, flight: Flight) -> Reply:
    """Return what a send ends in that brought no answer."""
    match error:
        case NotUploaded():
            return error.reply
        case NoToken(answer=Answer() as answer):
            return refusal_of_token(answer, datetime.now(UTC))
        case NoToken():
            return Deferred(network(error.why))
        case NoAnswer():
            was_sent, failure = error.was_sent, network(error.why)
        case TimeoutError():
            was_sent, failure = flight.is_out, network("TimeoutError")
    return InDoubt(failure) if was_sent else Deferred(failure)


def _never(detail: str) -> Failure:
    return Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail=detail)


class _Settings(WechatApiSettings, MediaSettings):
    """What the channel reads from the environment."""


def open_channel(
    store: FileStore | None = None, shared: SharedTokens | None = None
) -> WechatChannel | None:
    """Return the channel as the environment says, None where it names no app.

    ``store``: where files are read from; without it the environment's, as its bytes are.
    ``shared``: where processes meet that use the same access tokens.
    """
    settings = read(_Settings)
    if not settings.wechat_apps:
        return None
    return WechatChannel(settings, store or open_store(settings), shared)
