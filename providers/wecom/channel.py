"""Sends through WeCom: to members, chats, robots' groups and customers (WX 2, 5, 6, 11; CF-12).

A sender is an app of WECOM_APPS, written as company and agent (``ww….1000002``), or ``robots``.
Only group sends have results of their own afterwards; everything else is over with the answer.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from domain.admission import ChannelLimits, Rate
from domain.failures import Failure
from domain.outcomes import Deferred, InDoubt, Rejected, Reply, Scope
from providers.contract import AskLater, Found, Message, Polled, Sent
from providers.tencent.shared_tokens import SharedTokens
from providers.uploads import NotUploaded
from providers.wecom.answers import accepted
from providers.wecom.api import Flight, WecomApi
from providers.wecom.api_settings import WecomApp, WecomRobot, WecomSendSettings
from providers.wecom.carrying import CannotCarry, Media, Wanted, encoded
from providers.wecom.drafts import Draft, Drafts
from providers.wecom.failures import MEDIA_GONE, is_of_message
from providers.wecom.files import Files
from providers.wecom.group_sends import targets_of, without
from providers.wecom.polling import GroupSends, unanswered
from providers.wecom.recipients import Members, address_of, target_of
from providers.wecom.replies import network, reply_of
from providers.wecom.tokens import CallFailed
from runtime.media import MediaSettings, open_store
from runtime.sealed_files import FileStore
from runtime.settings import Settings, read
from schemas.topics.contents import Content, GroupSendContent
from schemas.topics.provider_events import StatusReported

LIMITS: Final = ChannelLimits(per_pair=Rate(per_second=1 / 5, burst=6))
"""At most 18 in any minute and 726 in any hour. A member gets 30 a minute and 1,000 an hour of an
app, and the surplus is dropped without an error (WX 12); a robot says 20 a minute (WX 11). One rate
holds for both, so it is the robot's, with two to spare for calls that overtake each other."""


class _Settings(Settings, WecomSendSettings, MediaSettings):
    """What the channel reads from the environment."""


class WecomChannel:
    """WeCom behind the interface of a channel."""

    def __init__(
        self,
        settings: WecomSendSettings,
        store: FileStore,
        shared: SharedTokens | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clock``: in seconds; says how old an upload is."""
        self._answer_within = settings.wecom_answer_within
        self._api = WecomApi(settings, shared)
        self._drafts = Drafts(settings)
        self._files = Files(self._api, settings, store, clock)
        self._group_sends = GroupSends(self._api, answered_within=settings.wecom_answer_within)

    @property
    def limits(self) -> ChannelLimits:
        """What a member and a robot's group take."""
        return LIMITS

    def address(self, recipient: str) -> str:
        """Return the one spelling of a recipient. Raises `InvalidRecipient`."""
        return address_of(recipient)

    def problem(self, message: Message) -> Failure | None:
        """Return why it could never be sent: unknown names, sizes in bytes, what nobody carries."""
        return self._drafts.problem(message)

    def is_free_form(self, content: Content) -> bool:
        """Tell that nothing here waits for a person's message."""
        del content
        return False

    def participants(self, message: Message) -> Sequence[str]:
        """Return the targets of a group send, or the members where it is for several."""
        if isinstance(message.content, GroupSendContent):
            return targets_of(message.content)
        target = target_of(message.recipient)
        return target.ids if isinstance(target, Members) and len(target.ids) > 1 else ()

    def without(self, message: Message, unwanted: Collection[str]) -> Message:
        """Return the message for the other participants."""
        if isinstance(message.content, GroupSendContent):
            return replace(message, content=without(message.content, unwanted))
        left = (one for one in self.participants(message) if one not in unwanted)
        return replace(message, recipient="|".join(left))

    def counted(self, message: Message) -> Sequence[str]:
        """Return the members: of each, WeCom counts what it gets of an app (WX 12)."""
        if isinstance(message.content, GroupSendContent):
            return ()
        target = target_of(message.recipient)
        return target.ids if isinstance(target, Members) else ()

    def is_of_message(self, failure: Failure) -> bool:
        """Tell whether the failure speaks of one message alone, and not of the app."""
        return is_of_message(failure.provider_code)

    async def send(self, message: Message) -> Reply:
        """Call WeCom once, after the files it needs are there."""
        flight = Flight()
        try:
            async with asyncio.timeout(self._answer_within.total_seconds()):
                return await self._send(message, flight)
        except CannotCarry as error:
            return Rejected(error.failure)
        except NotUploaded as error:
            return error.reply
        except TimeoutError:
            failure = network("TimeoutError")
            return InDoubt(failure) if flight.is_out else Deferred(failure)

    def is_polled(self, content: Content) -> bool:
        """Tell whether its results have to be asked for."""
        return isinstance(content, GroupSendContent)

    async def poll(self, sent: Sent) -> Polled:
        """Ask what became of a group send. Raises `AskLater`."""
        content = sent.message.content
        if not isinstance(content, GroupSendContent):
            return Polled((), complete=True)
        return await self._group_sends.poll(self._app_of(sent.message), sent, content)

    def unanswered(self, sent: Sent, *, at: datetime) -> Sequence[StatusReported]:
        """Return that whoever has no result has not been sent to: nobody confirmed it (CF-12)."""
        content = sent.message.content
        return unanswered(sent, content, at) if isinstance(content, GroupSendContent) else ()

    async def find(self, message: Message, *, called_at: datetime) -> Sequence[Found]:
        """Return the group sends that a call without an answer may have created.

        The likeliest first. Raises `AskLater`.

        WeCom has no list of other messages.
        """
        content = message.content
        if not isinstance(content, GroupSendContent):
            return ()
        return await self._group_sends.find(self._app_of(message), content, called_at)

    async def close(self) -> None:
        """Close the connections."""
        await self._files.close()
        await self._api.close()

    async def _send(self, message: Message, flight: Flight) -> Reply:
        draft = self._drafts.of(message)
        try:
            answer = await self._answer_to(draft, flight)
        except CallFailed as error:
            # What a robot may not say any more for now, other robots may.
            is_robot = isinstance(draft.by, WecomRobot)
            return reply_of(error, Scope.RECIPIENT if is_robot else Scope.SENDER)
        return accepted(message, answer)

    async def _answer_to(self, draft: Draft, flight: Flight) -> bytes:
        """Call; where an upload has expired, once more with a new one (IM-28)."""
        ids = await self._ids_for(draft)
        try:
            return await self._call(draft, ids, flight)
        except CallFailed as error:
            if error.code not in MEDIA_GONE or not self._files.forget(draft.by, ids):
                raise
        flight.is_out = False
        return await self._call(draft, await self._ids_for(draft), flight)

    async def _ids_for(self, draft: Draft) -> dict[Wanted, str]:
        media = Media()
        draft.body(media)
        return await self._files.ids_of(draft.by, media.wanted)

    async def _call(self, draft: Draft, ids: dict[Wanted, str], flight: Flight) -> bytes:
        content = encoded(draft.body(Media(ids)))
        if isinstance(draft.by, WecomRobot):
            return await self._api.robot_send(draft.by, content, flight)
        return await self._api.send(draft.by, draft.path, content, flight)

    def _app_of(self, message: Message) -> WecomApp:
        try:
            return self._drafts.app(message.sender_id)
        except CannotCarry:
            # It was when the message was sent, and may be again.
            raise AskLater("app not in WECOM_APPS") from None


def open_channel(
    store: FileStore | None = None, shared: SharedTokens | None = None
) -> WecomChannel | None:
    """Return the channel as the environment says, None where it names neither app nor robot.

    ``store``: where files are read from; without it the environment's, as its bytes are.
    ``shared``: where processes meet that use the same access tokens.
    """
    settings = read(_Settings)
    if not settings.wecom_apps and not settings.wecom_robots:
        return None
    return WecomChannel(settings, store or open_store(settings), shared)
