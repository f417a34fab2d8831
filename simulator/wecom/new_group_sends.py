"""Creating a group send: its checks, and who is asked to send to whom (WX 2)."""

from typing import NamedTuple

from msgspec import Struct

from simulator.conduct import Outcome
from simulator.ledger import Message
from simulator.tencent.documents import Json
from simulator.wecom import attachments, ids
from simulator.wecom.attachments import Attachment
from simulator.wecom.bodies import WRONG_PARAMETER
from simulator.wecom.call import Call
from simulator.wecom.group_sends import ChatType, GroupSend
from simulator.wecom.magic import tail_of
from simulator.wecom.refusals import OK, Refusal, told
from simulator.world import World

_LONGEST_TEXT = 4000  # bytes
_MOST_CUSTOMERS, _MOST_CHATS, _MOST_TAGS = 10_000, 2_000, 100
_EMPTY, _WRONG_TAG, _NO_SENDER, _UNKNOWN_SENDER = 40063, 40068, 41009, 60111
_NOBODY, _TOO_MANY_ATTACHMENTS, _NOTHING_TO_SEND, _TEXT_TOO_LONG = 41048, 41064, 44004, 45002
_CONTENT = ("text", "attachments")


class _Text(Struct, forbid_unknown_fields=True):
    content: str = ""


class _TagList(Struct, forbid_unknown_fields=True):
    tag_list: list[str] = []


class _TagFilter(Struct, forbid_unknown_fields=True):
    group_list: list[_TagList] = []


class NewGroupSend(Struct, forbid_unknown_fields=True):
    """What is to be sent to whom, and by whom."""

    chat_type: ChatType = "single"
    external_userid: list[str] = []
    chat_id_list: list[str] = []
    tag_filter: _TagFilter | None = None
    sender: str = ""
    allow_select: bool = False
    text: _Text | None = None
    attachments: list[Attachment] = []


class _Targets(NamedTuple):
    """Whom each member is asked to send to, and who cannot be reached."""

    by_member: dict[str, list[str]]
    fail_list: list[str]


def create(world: World, call: Call, order: NewGroupSend) -> Outcome | Refusal:
    """POST add_msg_template: a task on members' phones; nothing is sent yet."""
    refusal = _problem_of_targets(world, order) or _problem_of_content(world, order)
    if refusal is not None:
        return refusal
    targets = _targets(world, call, order)
    if not targets.by_member:
        return Refusal(_NOBODY)
    now = world.clock.now()
    send = GroupSend(
        msgid=f"msg{ids.code(world, 'group', call.key)[:29]}",
        key=call.key,
        chat_type=order.chat_type,
        content={name: call.content[name] for name in _CONTENT if name in call.content},
        created_at=now,
        dispatched_at=now + call.knobs.wx_dispatching_s,
        knobs=call.knobs,
        chance=call.chance,
        fail_list=targets.fail_list,
    )
    world.wecom.group_sends.begin(send, targets.by_member, is_select=order.allow_select)
    world.ledger.note_accepted(
        Message(send.msgid, call.key, world.wecom.corp_id, call.recipient, "group", now)
    )
    body: Json = {**OK, "fail_list": targets.fail_list, "msgid": send.msgid}
    return Outcome(told(body), "accepted")


def _problem_of_targets(world: World, order: NewGroupSend) -> Refusal | None:
    if order.sender and not world.wecom.directory.is_member(order.sender):
        return Refusal(_UNKNOWN_SENDER, f"sender {order.sender!r}")
    if order.chat_type == "group":
        return _problem_of_groups(order)
    return _problem_of_customers(order) or _problem_of_tags(world, order)


def _problem_of_groups(order: NewGroupSend) -> Refusal | None:
    if not order.sender:
        return Refusal(_NO_SENDER, "sender")
    if order.external_userid or order.tag_filter or order.allow_select:
        return Refusal(WRONG_PARAMETER, "customers with chat_type group")
    is_long = len(order.chat_id_list) > _MOST_CHATS
    return Refusal(WRONG_PARAMETER, "chat_id_list: too long") if is_long else None


def _problem_of_customers(order: NewGroupSend) -> Refusal | None:
    if order.chat_id_list:
        return Refusal(WRONG_PARAMETER, "chat_id_list with chat_type single")
    if not (order.sender or order.external_userid or _tags(order)):
        return Refusal(_EMPTY, "sender, external_userid or tag_filter")
    is_long = len(order.external_userid) > _MOST_CUSTOMERS
    return Refusal(WRONG_PARAMETER, "external_userid: too long") if is_long else None


def _problem_of_tags(world: World, order: NewGroupSend) -> Refusal | None:
    if order.external_userid:
        return None  # then the tags are not looked at
    tags = _tags(order)
    if any(len(listed) > _MOST_TAGS for listed in tags):
        return Refusal(WRONG_PARAMETER, "tag_list: too long")
    known = world.wecom.directory.has_tag
    unknown = (tag for listed in tags for tag in listed if not known(tag))
    return next((Refusal(_WRONG_TAG, tag) for tag in unknown), None)


def _problem_of_content(world: World, order: NewGroupSend) -> Refusal | None:
    text = order.text.content if order.text else ""
    if not text and not order.attachments:
        return Refusal(_NOTHING_TO_SEND, "text and attachments")
    if len(text.encode()) > _LONGEST_TEXT:
        return Refusal(_TEXT_TOO_LONG, f"text.content: most {_LONGEST_TEXT} bytes")
    if len(order.attachments) > attachments.MOST:
        return Refusal(_TOO_MANY_ATTACHMENTS)
    problems = (attachment.problem(world) for attachment in order.attachments)
    return next((problem for problem in problems if problem is not None), None)


def _tags(order: NewGroupSend) -> list[list[str]]:
    return [listed.tag_list for listed in order.tag_filter.group_list] if order.tag_filter else []


def _targets(world: World, call: Call, order: NewGroupSend) -> _Targets:
    directory, sender = world.wecom.directory, order.sender
    wanted = order.external_userid or order.chat_id_list
    if order.chat_type == "group":
        wanted = wanted or [chat.id for chat in directory.chats.values() if chat.owner == sender]
    elif not wanted and order.tag_filter:
        wanted = directory.tagged(_tags(order), sender)
    elif not wanted:
        wanted = [customer.id for customer in directory.customers_of(sender)]
    found = _Targets({}, [])
    for target in dict.fromkeys(wanted):
        member = directory.follower_of(target, sender)
        if order.chat_type == "group":
            member = sender if directory.has_chat(target, sender) else None
        is_magic = tail_of(target) is not None
        fails = call.chance.happens(f"wx.fail_list.{target}", call.knobs.wx_fail_list)
        if member is None or (fails and not is_magic):
            found.fail_list.append(target)
        else:
            found.by_member.setdefault(member, []).append(target)
    return found
