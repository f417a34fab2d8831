"""Group chats among members: only those that the app itself has made (WX 6)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from simulator.conduct import Outcome
from simulator.wecom import contents, ids
from simulator.wecom.app_messages import deliver
from simulator.wecom.bodies import shaped
from simulator.wecom.call import Call
from simulator.wecom.refusals import OK, Refusal, told
from simulator.world import World

_CHATS_A_DAY, _PERSON_TIMES_A_MINUTE = 1000, 20_000
_UNKNOWN_MEMBERS, _TAKEN, _TOO_OFTEN = 40031, 40058, 45009
_NO_CHAT, _WRONG_CHAT, _NOT_OURS = 86001, 86003, 86008
_ID = r"^[0-9A-Za-z]{1,32}$"


class NewChat(Struct, forbid_unknown_fields=True):
    """A chat to be made."""

    userlist: Annotated[list[str], Meta(min_length=2, max_length=2000)]
    name: Annotated[str, Meta(max_length=50)] = ""
    owner: str = ""
    chatid: Annotated[str, Meta(pattern=_ID)] | None = None


def create(world: World, call: Call, order: NewChat) -> Outcome | Refusal:
    """POST appchat/create: a thousand a day."""
    account, now = world.wecom, world.clock.now()
    people = {*order.userlist, *filter(None, [order.owner])}
    if not all(map(account.directory.is_member, people)):
        return Refusal(_UNKNOWN_MEMBERS)
    if account.chats.made.count(now) >= _CHATS_A_DAY:
        return Refusal(_TOO_OFTEN)
    chat_id = order.chatid or f"wr{ids.code(world, 'chat', call.name)[:30]}"
    if not account.chats.add(chat_id, order.userlist):
        return Refusal(_TAKEN, f"chatid {chat_id!r}")
    account.chats.made.note(now)
    return Outcome(told({**OK, "chatid": chat_id}), "answered")


class _Envelope(Struct, forbid_unknown_fields=True):
    msgtype: str
    chatid: str = ""
    safe: Literal[0, 1] = 0


def send(world: World, call: Call) -> Outcome | Refusal:
    """POST appchat/send: the answer has no id."""
    plain, held = contents.split(call.content)
    envelope = call.problem or shaped(plain, _Envelope)
    if isinstance(envelope, Refusal):
        return envelope
    members = world.wecom.chats.members_of(envelope.chatid)
    if members is None:
        return _no_chat(envelope.chatid)
    refusal = contents.problem_of(world, contents.FOR_CHATS, envelope.msgtype, held)
    if refusal is not None:
        return refusal
    now, outgoing = world.clock.now(), world.wecom.outgoing
    if outgoing.person_times.count(now) + len(members) > _PERSON_TIMES_A_MINUTE:
        return Refusal(_TOO_OFTEN)
    outgoing.person_times.note(now, len(members))
    deliver(world, call, ids.code(world, "chat", call.key), members, outgoing.to_chats)
    return Outcome(told(OK), "accepted")


def _no_chat(chat_id: str) -> Refusal:
    if not chat_id:
        return Refusal(_NO_CHAT)
    # Ids of customers' groups look like the app's own, but no app has made them.
    is_one = chat_id.replace("_", "").replace("-", "").isalnum()
    return Refusal(_NOT_OURS if is_one else _WRONG_CHAT)
