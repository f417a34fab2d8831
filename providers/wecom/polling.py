"""Asks WeCom about group sends: who has it by now, and which task a lost answer created (WX 3)."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, cast

import msgspec

from domain.identity import ProviderMessageId
from providers.contract import AskLater, Found, Polled, Sent
from providers.json_bodies import decode
from providers.wecom.api import WecomApi
from providers.wecom.api_settings import WecomApp
from providers.wecom.failures import Kind
from providers.wecom.group_sends import CHAT_TYPES, targets_of
from providers.wecom.results import GroupSend, cancelled, of_send_list, unconfirmed
from providers.wecom.tokens import CallFailed
from schemas.topics.contents import Attachment, DocumentContent, GroupSendContent, type_of
from schemas.topics.provider_events import StatusReported

log = logging.getLogger(__name__)

_PREFIX: Final = "externalcontact/"
_CANCELLED: Final = 41093
_PAGE: Final = 1_000
_LIST_PAGE: Final = 100
"""The most that WeCom gives at once; beyond it, it falls back to less."""
_MOST_EMPTY: Final = 20
"""Pages that lead to the same place; an empty one may lead back to itself."""
_BY_COMPANY: Final = 0
"""Tasks made by API are those of the company."""
_CLOCKS_DIFFER: Final = timedelta(seconds=30)
"""Between WeCom and us, at most."""


class _Page(msgspec.Struct):
    next_cursor: str = ""


class _Task(msgspec.Struct):
    userid: str


class _Tasks(_Page):
    task_list: list[_Task] = []


class _Results(_Page):
    send_list: list[Any] = []


class _Text(msgspec.Struct):
    content: str = ""


class _Attachment(msgspec.Struct):
    msgtype: str = ""


class _Listed(msgspec.Struct):
    msgid: str
    create_time: int
    text: _Text | None = None
    attachments: list[_Attachment] | None = None


class _List(_Page):
    group_msg_list: list[_Listed] = []


P = TypeVar("P", bound=_Page)


@dataclass(frozen=True, slots=True)
class _Question:
    """A call whose answer comes in pages."""

    app: WecomApp
    name: str
    body: Mapping[str, object]


class GroupSends:
    """The group sends of the apps in the settings."""

    def __init__(self, api: WecomApi, *, answered_within: timedelta) -> None:
        self._api = api
        self._answered_within = answered_within
        """How long the call that creates a task may last."""

    async def poll(self, app: WecomApp, sent: Sent, content: GroupSendContent) -> Polled:
        """Ask every member who has a part in it, until each target has its result.

        Also those who have not sent yet: their rows change one by one, and 10,000 calls of a name
        are allowed in a minute. Raises `AskLater`.
        """
        task = _task_of(sent)
        left = set(targets_of(content)) - sent.already
        results: list[StatusReported] = []
        try:
            for member in await self._members(app, task.msgid):
                if not left:
                    break
                for report in await self._reports(app, task, member):
                    if report.participant in left:
                        left.remove(report.participant)
                        results.append(report)
        except CallFailed as error:
            if error.code == _CANCELLED:
                # Nobody can ask any more; whatever was sent before is lost to us.
                return Polled([*results, *cancelled(task, sorted(left))], complete=True)
            if not results:
                raise AskLater(error.why) from None
        return Polled(results, complete=not left)

    async def find(
        self, app: WecomApp, content: GroupSendContent, called_at: datetime
    ) -> list[Found]:
        """Return the tasks that a call without an answer may have created, the likeliest first.

        WeCom's list tells text, attachments and time, but not for whom a task is. So each that is
        alike is asked for its first rows: one of another part of the same campaign names other
        customers. What cannot be told apart so (groups, whose rows come late) is told by the
        time: the first that was not created before the call. Two alike for the same targets are
        told apart by the caller, who knows whose each is. Raises `AskLater`.
        """
        try:
            alike = await self._alike(app, content, called_at)
            told = [(task, await self._is_for(app, task.msgid, content)) for task in alike]
        except CallFailed as error:
            raise AskLater(error.why) from None
        began = int(called_at.timestamp())
        likely = {
            # Not before the call, then near to it: clocks may differ.
            task.msgid: (is_ours is None, task.create_time < began, abs(task.create_time - began))
            for task, is_ours in told
            if is_ours is not False
        }
        created = {task.msgid: datetime.fromtimestamp(task.create_time, UTC) for task in alike}
        nearest = sorted(likely, key=lambda msgid: (likely[msgid], msgid))
        return [Found(ProviderMessageId(msgid), created[msgid]) for msgid in nearest]

    async def cancel(self, app: WecomApp, msgid: str) -> None:
        """Stop the members who have not sent it yet. Raises `CallFailed`."""
        await self._api.post(app, f"{_PREFIX}cancel_groupmsg_send", {"msgid": msgid})

    async def remind(self, app: WecomApp, msgid: str) -> None:
        """Ask the members again, three times a day at most. Raises `CallFailed`."""
        await self._api.post(app, f"{_PREFIX}remind_groupmsg_send", {"msgid": msgid})

    async def _alike(
        self, app: WecomApp, content: GroupSendContent, called_at: datetime
    ) -> list[_Listed]:
        until = called_at + self._answered_within + _CLOCKS_DIFFER
        question = _Question(
            app,
            "get_groupmsg_list_v2",
            {
                "chat_type": CHAT_TYPES[content.target_kind],
                "start_time": int((called_at - _CLOCKS_DIFFER).timestamp()),
                "end_time": int(until.timestamp()) + 1,
                "filter_type": _BY_COMPANY,
                "limit": _LIST_PAGE,
            },
        )
        pages = await self._pages(question, _List)
        listed = (task for page in pages for task in page.group_msg_list)
        return [task for task in listed if _is_alike(task, content)]

    async def _is_for(self, app: WecomApp, msgid: str, content: GroupSendContent) -> bool | None:
        """Tell whether a task is for the content's targets; None where it names nobody yet."""
        for member in await self._members(app, msgid):
            for row in await self._rows(app, msgid, member):
                return _participant_of(row) in content.targets
        return None

    async def _reports(self, app: WecomApp, task: GroupSend, member: str) -> list[StatusReported]:
        callback = of_send_list(task, await self._rows(app, task.msgid, member))
        for part in callback.ignored:
            told = {"message_id": task.message_id, "reason": part.reason, "where": part.where}
            log.warning("wecom.row_ignored", extra=told)
        return [event for event in callback.events if isinstance(event, StatusReported)]

    async def _members(self, app: WecomApp, msgid: str) -> list[str]:
        question = _Question(app, "get_groupmsg_task", {"msgid": msgid, "limit": _PAGE})
        pages = await self._pages(question, _Tasks)
        return [task.userid for page in pages for task in page.task_list]

    async def _rows(self, app: WecomApp, msgid: str, member: str) -> list[object]:
        body = {"msgid": msgid, "userid": member, "limit": _PAGE}
        pages = await self._pages(_Question(app, "get_groupmsg_send_result", body), _Results)
        return [row for page in pages for row in page.send_list]

    async def _pages(self, question: _Question, kind: type[P]) -> list[P]:
        try:
            return await self._pages_in_a_row(question, kind)
        except CallFailed as error:
            if error.kind is not Kind.CURSOR:
                raise
        # The cursor has ended on the way (50100): once more from the beginning.
        return await self._pages_in_a_row(question, kind)

    async def _pages_in_a_row(self, question: _Question, kind: type[P]) -> list[P]:
        pages: list[P] = []
        seen = Counter[str]()
        body = dict(question.body)
        while True:
            answer = await self._api.post(question.app, _PREFIX + question.name, body)
            try:
                page = msgspec.convert(decode(answer), kind, strict=False)
            except ValueError:
                raise CallFailed("page unreadable") from None
            pages.append(page)
            if not page.next_cursor:
                return pages
            seen[page.next_cursor] += 1
            if seen[page.next_cursor] > _MOST_EMPTY:
                raise CallFailed("pages lead nowhere")
            body["cursor"] = page.next_cursor


def unanswered(sent: Sent, content: GroupSendContent, at: datetime) -> list[StatusReported]:
    """Return that whoever has no result by then failed: nobody confirmed it (CF-12)."""
    left = (target for target in targets_of(content) if target not in sent.already)
    return unconfirmed(_task_of(sent), left, at)


def _task_of(sent: Sent) -> GroupSend:
    sender = sent.message.sender_id
    return GroupSend(
        corp_id=sender.partition(".")[0],
        sender_id=sender,
        message_id=sent.message.message_id,
        msgid=sent.provider_message_id,
        created_at=sent.accepted_at,
    )


def _is_alike(task: _Listed, content: GroupSendContent) -> bool:
    told = [each.msgtype for each in task.attachments or ()]
    words = "" if task.text is None else task.text.content
    return words == (content.text or "") and told == [_type_of(a) for a in content.attachments]


def _type_of(attachment: Attachment) -> str:
    return "file" if isinstance(attachment, DocumentContent) else type_of(attachment)


def _participant_of(row: object) -> object:
    if not isinstance(row, dict):
        return None
    told = cast("dict[str, object]", row)
    return told.get("external_userid") or told.get("chat_id")
