"""What is asked about group sends: the list, what members did, what customers got (WX 2, 3)."""

from typing import Annotated

from msgspec import Meta, Struct

from simulator.conduct import Outcome
from simulator.tencent.documents import Json
from simulator.wecom import paging
from simulator.wecom.bodies import WRONG_PARAMETER
from simulator.wecom.call import Call
from simulator.wecom.group_sends import SENT, ChatType, GroupSend, MemberTask
from simulator.wecom.refusals import OK, Refusal, told
from simulator.world import World

_NO_MEMBER, _UNKNOWN_MEMBER = 41009, 60111
_NO_ID, _UNKNOWN_ID, _DISPATCHING, _CANCELLED, _REMINDED_ENOUGH = 41046, 41047, 41063, 41093, 41094
_REMINDERS, _DAY_S, _MONTH_S = 3, 86_400, 31 * 86_400
_LIST_SIZE, _RESULT_SIZE = paging.Size(50, 100), paging.Size(500, 1000)
_PERSONAL = 1

Limit = Annotated[int, Meta(ge=0)]


class ListQuery(Struct, forbid_unknown_fields=True):
    """Which group sends, by the span in which they were created."""

    chat_type: ChatType
    start_time: int
    end_time: int
    creator: str = ""
    filter_type: Annotated[int, Meta(ge=0, le=2)] = 2
    limit: Limit = 0
    cursor: str = ""


def get_list(world: World, call: Call, asked: ListQuery) -> Outcome | Refusal:
    """POST get_groupmsg_list_v2: what was created in a span, oldest first.

    While one of them is being dispatched the list is not ready (WX 3, pitfalls).
    """
    if not 0 <= asked.end_time - asked.start_time <= _MONTH_S:
        return Refusal(WRONG_PARAMETER, "start_time, end_time: a month at most")
    found = [
        send
        for send in world.wecom.group_sends
        if send.chat_type == asked.chat_type
        and asked.start_time <= int(send.created_at) <= asked.end_time
    ]
    now = world.clock.now()
    if any(now < send.dispatched_at for send in found):
        return Refusal(_DISPATCHING)
    # All of ours are the company's, made by an app: they have no creator.
    is_for_others = bool(asked.creator) or asked.filter_type == _PERSONAL
    items = [] if is_for_others else [_listed(send) for send in found]
    # What the list is of: tasks created later than asked for cannot shift its pages.
    of = f"{asked.chat_type}{asked.start_time}"
    page = (asked.limit, asked.cursor)
    return _paged(paging.page(call, "group_msg_list", items, _LIST_SIZE, page, of))


def _listed(send: GroupSend) -> Json:
    about: Json = {"msgid": send.msgid, "create_time": int(send.created_at), "create_type": 0}
    return about | send.content


class TaskQuery(Struct, forbid_unknown_fields=True):
    """Which group send."""

    msgid: str = ""
    limit: Limit = 0
    cursor: str = ""


def get_task(world: World, call: Call, asked: TaskQuery) -> Outcome | Refusal:
    """POST get_groupmsg_task: what each member has done."""
    send = _dispatched(world, asked.msgid)
    if isinstance(send, Refusal):
        return send
    now = world.clock.now()
    items = [_task_shown(task, now) for task in send.tasks.values()]
    page = (asked.limit, asked.cursor)
    return _paged(paging.page(call, "task_list", items, _RESULT_SIZE, page, send.msgid))


def _task_shown(task: MemberTask, now: float) -> Json:
    status = task.status(now - task.lag_s)
    shown: Json = {"userid": task.userid, "status": status}
    return shown | {"send_time": int(task.finished_at)} if status else shown


class ResultQuery(Struct, forbid_unknown_fields=True):
    """Which group send, and which of its members."""

    msgid: str = ""
    userid: str = ""
    limit: Limit = 0
    cursor: str = ""


def get_result(world: World, call: Call, asked: ResultQuery) -> Outcome | Refusal:
    """POST get_groupmsg_send_result: what became of each customer or group of one member."""
    send = _dispatched(world, asked.msgid)
    if isinstance(send, Refusal):
        return send
    if not asked.userid:
        return Refusal(_NO_MEMBER, "userid")
    task = send.tasks.get(asked.userid)
    if task is None:
        return Refusal(_UNKNOWN_MEMBER, f"userid {asked.userid!r}")
    items = _rows_shown(send, task, world.clock.now() - task.lag_s)
    page, of = (asked.limit, asked.cursor), f"{send.msgid}/{task.userid}"
    return _paged(paging.page(call, "send_list", items, _RESULT_SIZE, page, of))


def _rows_shown(send: GroupSend, task: MemberTask, now: float) -> list[Json]:
    name = "external_userid" if send.chat_type == "single" else "chat_id"
    shown: list[Json] = []
    for row in task.rows:
        status = row.status(now)
        if send.chat_type == "group" and status != SENT:
            continue  # of groups only what was sent is listed
        item: Json = {name: row.target, "userid": task.userid, "status": status}
        shown.append(item | {"send_time": int(row.at)} if status == SENT else item)
    return shown


class OneGroupSend(Struct, forbid_unknown_fields=True):
    """The group send that something is done about."""

    msgid: str = ""


def remind(world: World, call: Call, asked: OneGroupSend) -> Outcome | Refusal:
    """POST remind_groupmsg_send: ask the members again, three times a day at most."""
    del call
    send = _living(world, asked.msgid)
    if isinstance(send, Refusal):
        return send
    now = world.clock.now()
    if sum(at > now - _DAY_S for at in send.reminded_at) >= _REMINDERS:
        return Refusal(_REMINDED_ENOUGH)
    world.wecom.group_sends.remind(send, now)
    return Outcome(told(OK), "answered")


def cancel(world: World, call: Call, asked: OneGroupSend) -> Outcome | Refusal:
    """POST cancel_groupmsg_send: members who have not sent yet cannot any more."""
    del call
    send = _living(world, asked.msgid)
    if isinstance(send, Refusal):
        return send
    world.wecom.group_sends.cancel(send, world.clock.now())
    return Outcome(told(OK), "answered")


def _living(world: World, msgid: str) -> GroupSend | Refusal:
    """Return a group send that has not been cancelled."""
    if not msgid:
        return Refusal(_NO_ID)
    send = world.wecom.group_sends.find(msgid)
    if send is None:
        return Refusal(_UNKNOWN_ID)
    return Refusal(_CANCELLED) if world.clock.now() >= send.cancelled_at else send


def _dispatched(world: World, msgid: str) -> GroupSend | Refusal:
    """Return a group send whose results can be asked for."""
    send = _living(world, msgid)
    if isinstance(send, Refusal):
        return send
    return Refusal(_DISPATCHING) if world.clock.now() < send.dispatched_at else send


def _paged(page: Json | Refusal) -> Outcome | Refusal:
    return page if isinstance(page, Refusal) else Outcome(told(page), "answered")
