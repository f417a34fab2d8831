"""What WeCom tells of customers, groups, tags and the app's health, by command (WX 9)."""

from hashlib import blake2b

from msgspec import Struct

from simulator.tencent.documents import Json
from simulator.tencent.pusher import Pusher
from simulator.world import World

_CHAT = "change_external_chat"
_UPDATE = "update"

_CUSTOMER: Json = {"UserID": "zhangsan", "ExternalUserID": "wmAJ2GCAAAXtWyujaWJHDDGi0mACAAAA"}
_GROUP: Json = {"ChatId": "wrOgQhDgAAMYQiS5ol9G7gK9JVAAAA"}
_TAG: Json = {"Id": "etAJ2GCAAAXtWyujaWJHDDGi0mTAG", "TagType": "tag"}
_WELCOME: Json = {"State": "hall-3", "WelcomeCode": "CALLBACK_CODE_1"}

# (event, change) -> what stands in it when nobody says otherwise.
EXAMPLES: dict[tuple[str, str | None], Json] = {
    ("change_external_contact", "add_external_contact"): {**_CUSTOMER, **_WELCOME},
    ("change_external_contact", "add_half_external_contact"): {**_CUSTOMER, **_WELCOME},
    ("change_external_contact", "edit_external_contact"): _CUSTOMER,
    ("change_external_contact", "del_external_contact"): {
        **_CUSTOMER,
        "Source": "DELETE_BY_TRANSFER",
    },
    ("change_external_contact", "del_follow_user"): _CUSTOMER,
    ("change_external_contact", "transfer_fail"): {
        **_CUSTOMER,
        "FailReason": "customer_refused",
    },
    (_CHAT, "create"): _GROUP,
    (_CHAT, _UPDATE): {
        **_GROUP,
        "UpdateDetail": "add_member",
        "JoinScene": 1,
        "MemChangeCnt": 1,
        "MemChangeList": {"Item": ["zhangsan"]},
    },
    (_CHAT, "dismiss"): _GROUP,
    ("change_external_tag", "create"): _TAG,
    ("change_external_tag", "update"): _TAG,
    ("change_external_tag", "delete"): _TAG,
    ("change_external_tag", "shuffle"): {"Id": _TAG["Id"]},
    ("low_active_alert", None): {"EffectTime": 1735660800},
}


class Event(Struct, forbid_unknown_fields=True):
    """An event as it is ordered; one that is not known is told all the same."""

    event: str
    change: str | None = None
    """Its `ChangeType`."""
    fields: Json = {}
    """What it holds beside, or instead of, the example's fields."""
    user: str = "sys"
    is_of_app: bool = False
    """Whether it names the app (`AgentID`)."""


def announce(world: World, pusher: Pusher, order: Event) -> str:
    """Tell the product; return the name under which the ledger keeps it."""
    kind = order.event if order.change is None else f"{order.event}.{order.change}"
    message: Json = {
        "ToUserName": world.wecom.corp_id,
        "FromUserName": order.user,
        "CreateTime": int(world.clock.now()),
        "MsgType": "event",
        "Event": order.event,
    }
    if order.change is not None:
        message["ChangeType"] = order.change
    message |= EXAMPLES.get((order.event, order.change), {}) | order.fields
    if (order.event, order.change) == (_CHAT, _UPDATE):
        message = _versioned(world, message) | order.fields
    if order.is_of_app:
        message["AgentID"] = world.wecom.agent_id
    name = f"{kind}#{world.ledger.next_notice()}"
    pusher.tell(name, message)
    return name


def _versioned(world: World, message: Json) -> Json:
    """Chain the versions of a group's members, so that a lost event can be noticed."""
    versions = world.wecom.member_versions
    chat = str(message["ChatId"])
    last = versions.get(chat) or _version_after(chat)
    versions[chat] = _version_after(last)
    return {**message, "LastMemVer": last, "CurMemVer": versions[chat]}


def _version_after(version: str) -> str:
    return blake2b(version.encode(), digest_size=16).hexdigest()
