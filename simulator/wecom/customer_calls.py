"""What can be read of members' customers, their tags and their groups (WX 4)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from simulator.conduct import Outcome
from simulator.tencent.documents import Json
from simulator.wecom import paging
from simulator.wecom.call import Call
from simulator.wecom.directory import MEMBER_NAMES, Chat, Customer, TagGroup
from simulator.wecom.refusals import OK, Refusal, told
from simulator.world import World

_CUSTOMERS_SIZE, _CHATS_SIZE = paging.Size(50, 100), paging.Size(1000, 1000)
_MOST_MEMBERS = 100
_UNKNOWN_CHAT, _UNKNOWN_MEMBER, _NO_CUSTOMERS = 40050, 60111, 84061
_MEMBER, _EXTERNAL = 1, 2
_JOINED_BY_INVITATION = 1
_OF_WECHAT = 1

Members = Annotated[list[str], Meta(max_length=_MOST_MEMBERS)]
Limit = Annotated[int, Meta(ge=0)]


def follow_users(world: World, call: Call) -> Outcome:
    """GET get_follow_user_list: members who may have customers."""
    del world, call
    return Outcome(told({**OK, "follow_user": list(MEMBER_NAMES)}), "answered")


def customers(world: World, call: Call) -> Outcome | Refusal:
    """GET list: the ids of one member's customers; of none it is an error (WX 13)."""
    directory, member = world.wecom.directory, call.query.get("userid", "")
    if not directory.is_member(member):
        return Refusal(_UNKNOWN_MEMBER)
    found = [customer.id for customer in directory.customers_of(member)]
    if not found:
        return Refusal(_NO_CUSTOMERS)
    return Outcome(told({**OK, "external_userid": found}), "answered")


class CustomersQuery(Struct, forbid_unknown_fields=True):
    """Whose customers."""

    userid_list: Members
    limit: Limit = 0
    cursor: str = ""


def customers_of_members(world: World, call: Call, asked: CustomersQuery) -> Outcome | Refusal:
    """POST batch/get_by_user: a customer stands there once for each member who follows it."""
    directory = world.wecom.directory
    unknown = [member for member in asked.userid_list if not directory.is_member(member)]
    if unknown:
        return Refusal(_UNKNOWN_MEMBER, f"userid_list: {unknown[0]!r}")
    items = [
        _followed(customer, member)
        for member in asked.userid_list
        for customer in directory.customers_of(member)
    ]
    page, of = (asked.limit, asked.cursor), "|".join(asked.userid_list)
    return _told(
        paging.page(call, "external_contact_list", items, _CUSTOMERS_SIZE, page, of),
        {"fail_info": {"unlicensed_userid_list": []}},
    )


def _followed(customer: Customer, member: str) -> Json:
    return {
        "external_contact": {
            "external_userid": customer.id,
            "name": customer.name,
            "type": _OF_WECHAT,
        },
        "follow_info": {
            "userid": member,
            "remark": customer.name,
            "createtime": int(customer.since),
            "tag_id": list(customer.tags),
            "remark_mobiles": [customer.mobile],
            "add_way": 1,
        },
    }


class TagsQuery(Struct, forbid_unknown_fields=True):
    """Which tags; none named: all of them, both: the groups win."""

    tag_id: list[str] = []
    group_id: list[str] = []


def tags(world: World, call: Call, asked: TagsQuery) -> Outcome:
    """POST get_corp_tag_list: the groups, each with its tags."""
    del call
    since = int(world.wecom.directory.began_at)
    groups = (
        _tags_shown(group, [] if asked.group_id else asked.tag_id, since)
        for group in world.wecom.directory.tag_groups
        if not asked.group_id or group.id in asked.group_id
    )
    found = [group for group in groups if group["tag"]]
    return Outcome(told({**OK, "tag_group": found}), "answered")


def _tags_shown(group: TagGroup, wanted: list[str], since: int) -> Json:
    shown = [
        {"id": tag.id, "name": tag.name, "create_time": since, "order": tag.order, "deleted": False}
        for tag in group.tags
        if not wanted or tag.id in wanted
    ]
    return {
        "group_id": group.id,
        "group_name": group.name,
        "create_time": since,
        "order": group.order,
        "deleted": False,
        "tag": shown,
    }


class _Owners(Struct, forbid_unknown_fields=True):
    userid_list: Members = []


class ChatsQuery(Struct, forbid_unknown_fields=True):
    """Which customer groups; without owners those of all members."""

    limit: Annotated[int, Meta(ge=1)]
    status_filter: Literal[0, 1, 2, 3] = 0
    owner_filter: _Owners | None = None
    cursor: str = ""


def chats(world: World, call: Call, asked: ChatsQuery) -> Outcome | Refusal:
    """POST groupchat/list: their ids; none of them is being handed over."""
    owners = asked.owner_filter.userid_list if asked.owner_filter else []
    items = [
        {"chat_id": chat.id, "status": 0}
        for chat in world.wecom.directory.chats.values()
        if (not owners or chat.owner in owners) and not asked.status_filter
    ]
    page, of = (asked.limit, asked.cursor), "|".join(owners)
    return _told(paging.page(call, "group_chat_list", items, _CHATS_SIZE, page, of), {})


class ChatQuery(Struct, forbid_unknown_fields=True):
    """Which customer group, and whether names are wanted."""

    chat_id: str
    need_name: Literal[0, 1] = 0


def chat(world: World, call: Call, asked: ChatQuery) -> Outcome | Refusal:
    """POST groupchat/get: who is in it."""
    del call
    found = world.wecom.directory.chats.get(asked.chat_id)
    if found is None:
        return Refusal(_UNKNOWN_CHAT)
    about = {
        "chat_id": found.id,
        "name": found.name,
        "owner": found.owner,
        "create_time": int(found.since),
        "notice": "",
        "member_list": _people_of(world, found, is_named=bool(asked.need_name)),
        "admin_list": [],
        "member_version": world.wecom.member_versions.get(found.id, ""),
    }
    return Outcome(told({**OK, "group_chat": about}), "answered")


def _people_of(world: World, found: Chat, *, is_named: bool) -> list[Json]:
    listed = world.wecom.directory.customers
    people = [(found.owner, _MEMBER, found.owner)]
    people += [(customer, _EXTERNAL, listed[customer].name) for customer in found.customers]
    joined: Json = {"join_time": int(found.since), "join_scene": _JOINED_BY_INVITATION}
    return [
        {"userid": userid, "type": kind, **joined, **({"name": name} if is_named else {})}
        for userid, kind, name in people
    ]


def _told(page: Json | Refusal, more: Json) -> Outcome | Refusal:
    return page if isinstance(page, Refusal) else Outcome(told(page | more), "answered")
