"""Messages of the app to members: send, recall, change a card (WX 5)."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct, convert

from simulator.conduct import Outcome
from simulator.ledger import Message
from simulator.tencent.documents import Json
from simulator.wecom import contents, ids
from simulator.wecom.bodies import WRONG_PARAMETER, shaped
from simulator.wecom.call import Call
from simulator.wecom.cards import Card
from simulator.wecom.directory import EVERYBODY, MEMBER_NAMES
from simulator.wecom.limits import MemberLimits
from simulator.wecom.refusals import OK, Refusal, told
from simulator.world import World

_ALL = "@all"
_MOST_USERS, _MOST_OTHERS = 1000, 100
_LONGEST_CHECK_S = 4 * 3600
_RECALLED_WITHIN_S = 24 * 3600
_CARD, _NOTICE = "template_card", "miniprogram_notice"

_TOO_MANY_USERS, _NO_AGENT, _WRONG_AGENT = 40032, 41011, 301002
_NOBODY, _ALL_INVALID = 82001, 81013
_TOO_OLD, _WRONG_CODE, _SAME_TASK = 42052, 60140, 42017
_KINDS: contents.Kinds = {**contents.FOR_MEMBERS, _CARD: Card}

Flag = Literal[0, 1]


class _Envelope(Struct, forbid_unknown_fields=True):
    """What stands around the content of a message."""

    msgtype: str
    agentid: int | None = None
    touser: str = ""
    toparty: str = ""
    totag: str = ""
    safe: Literal[0, 1, 2] = 0
    enable_id_trans: Flag = 0
    enable_duplicate_check: Flag = 0
    duplicate_check_interval: Annotated[int, Meta(ge=0, le=_LONGEST_CHECK_S)] = 1800


class _Found(NamedTuple):
    """Who is written to, and who of those that were named does not exist."""

    members: list[str]
    users: list[str]
    parties: list[str]
    tags: list[str]

    def told(self, msgid: str) -> Json:
        """Return what the call is answered: ids of nobody in lower case (WX 5)."""
        return {
            **OK,
            "invaliduser": "|".join(self.users).lower(),
            "invalidparty": "|".join(self.parties),
            "invalidtag": "|".join(self.tags),
            "unlicenseduser": "",
            "msgid": msgid,
        }


def send(world: World, call: Call) -> Outcome | Refusal:
    """POST message/send: to members, as far as they exist."""
    plain, held = contents.split(call.content)
    envelope = call.problem or shaped(plain, _Envelope)
    if isinstance(envelope, Refusal):
        return envelope
    found = _recipients(world, envelope)
    refusal = _problem_of(world, envelope, found) or contents.problem_of(
        world, _KINDS, envelope.msgtype, held
    )
    if refusal is not None:
        return refusal
    now, outgoing = world.clock.now(), world.wecom.outgoing
    before = outgoing.repeated(call.key, now) if envelope.enable_duplicate_check else None
    if before is not None:
        return Outcome(told(found.told(before)), "answered", detail="a repetition: not delivered")
    card = convert(held, Card) if envelope.msgtype == _CARD else None
    if card is not None and not world.wecom.cards.add(card.task_id):
        return Refusal(_SAME_TASK, repr(card.task_id))
    msgid = ids.code(world, "app", call.key)
    outgoing.note(call.key, msgid, now, now + envelope.duplicate_check_interval)
    deliver(world, call, msgid, found.members, outgoing.to_members)
    body = found.told(msgid)
    if card is not None and card.has_code:
        body["response_code"] = code = ids.code(world, "response", msgid)
        world.wecom.cards.give(code)
    return Outcome(told(body), "accepted")


def _problem_of(world: World, envelope: _Envelope, found: _Found) -> Refusal | None:
    if envelope.agentid is None:
        return Refusal(_NO_AGENT)
    if envelope.agentid != world.wecom.agent_id:
        return Refusal(_WRONG_AGENT)
    if not (envelope.touser or envelope.toparty or envelope.totag):
        return Refusal(_NOBODY)
    others = (_listed(envelope.toparty), _listed(envelope.totag))
    if len(_listed(envelope.touser)) > _MOST_USERS:
        return Refusal(_TOO_MANY_USERS)
    is_notice_for_all = envelope.msgtype == _NOTICE and envelope.touser == _ALL
    if any(len(named) > _MOST_OTHERS for named in others) or is_notice_for_all:
        return Refusal(WRONG_PARAMETER, "touser, toparty, totag")
    return None if found.members else Refusal(_ALL_INVALID)


def _listed(joined: str) -> list[str]:
    return [part for part in joined.split("|") if part]


def _recipients(world: World, envelope: _Envelope) -> _Found:
    is_member = world.wecom.directory.is_member
    users = _listed(envelope.touser)
    if envelope.touser == _ALL:
        return _Found(list(MEMBER_NAMES), [], [], [])
    parties, tags = _listed(envelope.toparty), _listed(envelope.totag)
    everybody = MEMBER_NAMES if EVERYBODY in {*parties, *tags} else ()
    return _Found(
        list(dict.fromkeys([*filter(is_member, users), *everybody])),
        [user for user in users if not is_member(user)],
        [party for party in parties if party != EVERYBODY],
        [tag for tag in tags if tag != EVERYBODY],
    )


def deliver(
    world: World, call: Call, message_id: str, members: Sequence[str], limits: MemberLimits
) -> None:
    """Note an accepted message and let it reach its members, silently within their limits."""
    now, ledger = world.clock.now(), world.ledger
    message = Message(message_id, call.key, world.wecom.corp_id, call.recipient, call.name, now)
    ledger.note_accepted(message)
    above = [member for member in members if not limits.takes(member, now)]
    ledger.tally.dropped.update(above)
    if len(above) < len(members) or not call.knobs.wx_silent_drop:
        ledger.note_status(message, "sent", now)


class Recall(Struct, forbid_unknown_fields=True):
    """What is to be taken back."""

    msgid: str


def recall(world: World, call: Call, asked: Recall) -> Outcome | Refusal:
    """POST message/recall: what the app sent within the last 24 hours."""
    del call
    sent_at = world.wecom.outgoing.sent_at(asked.msgid)
    if sent_at is None:
        return Refusal(WRONG_PARAMETER, "msgid: not a message of this app")
    if world.clock.now() > sent_at + _RECALLED_WITHIN_S:
        return Refusal(_TOO_OLD)
    return Outcome(told(OK), "answered")


class _Replaced(Struct, forbid_unknown_fields=True):
    replace_name: str


class CardUpdate(Struct, forbid_unknown_fields=True):
    """What becomes of a card, for whom."""

    response_code: str
    agentid: int | None = None
    userids: list[str] = []
    partyids: list[int] = []
    tagids: list[int] = []
    atall: Flag = 0
    enable_id_trans: Flag = 0
    button: _Replaced | None = None
    template_card: Card | None = None


def update_card(world: World, call: Call, asked: CardUpdate) -> Outcome | Refusal:
    """POST message/update_template_card: by a code that works once within 72 hours."""
    del call
    if asked.agentid != world.wecom.agent_id:
        return Refusal(_NO_AGENT if asked.agentid is None else _WRONG_AGENT)
    if (asked.button is None) == (asked.template_card is None):
        return Refusal(WRONG_PARAMETER, "button or template_card")
    problem = asked.template_card.problem(world) if asked.template_card else None
    if problem is not None:
        return problem
    is_member = world.wecom.directory.is_member
    unknown = [user for user in asked.userids if not is_member(user)]
    if unknown and len(unknown) == len(asked.userids):
        return Refusal(_ALL_INVALID)
    if not world.wecom.cards.use(asked.response_code):
        return Refusal(_WRONG_CODE)
    return Outcome(told({**OK, "invaliduser": unknown}), "answered")
