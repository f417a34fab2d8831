"""Which call of WeCom is answered by what (4.1)."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from msgspec import Struct

from simulator.conduct import Outcome
from simulator.wecom import (
    app_chats,
    app_messages,
    calls,
    customer_calls,
    group_send_calls,
    new_group_sends,
    robots,
    uploads,
)
from simulator.wecom.bodies import shaped
from simulator.wecom.call import Call
from simulator.wecom.refusals import Refusal
from simulator.world import World

Body = TypeVar("Body", bound=Struct)
Answering = Callable[[World, Call], Outcome | Refusal]


class Endpoint(NamedTuple):
    """One call."""

    method: str
    answer: Answering
    empty: str = ""
    """The list that its refusals carry empty."""
    has_token: bool = True
    is_counted: bool = True
    """Against the base frequency; sends are not (WX 12)."""
    largest: int | None = None
    """Bytes of its body; default: what every call may have."""


def _reading(
    body: type[Body], answer: Callable[[World, Call, Body], Outcome | Refusal]
) -> Answering:
    """Return what answers a call by its body in this shape."""

    def read(world: World, call: Call) -> Outcome | Refusal:
        asked = call.problem or shaped(call.content, body)
        return asked if isinstance(asked, Refusal) else answer(world, call, asked)

    return read


_ABOUT_CUSTOMERS = "externalcontact"
_UPLOAD = Endpoint("POST", uploads.upload, largest=uploads.LARGEST_UPLOAD)
_ROBOT = Endpoint("POST", robots.send, has_token=False, is_counted=False)

ENDPOINTS: dict[str, Endpoint] = {
    "gettoken": Endpoint("GET", calls.get_token, has_token=False),
    "media/get": Endpoint("GET", calls.get_media),
    "media/upload": _UPLOAD,
    "media/uploadimg": _UPLOAD._replace(answer=uploads.upload_picture),
    "kf/sync_msg": Endpoint("POST", _reading(calls.SyncBody, calls.sync_messages), "msg_list"),
    f"{_ABOUT_CUSTOMERS}/add_msg_template": Endpoint(
        "POST", _reading(new_group_sends.NewGroupSend, new_group_sends.create), is_counted=False
    ),
    f"{_ABOUT_CUSTOMERS}/get_groupmsg_list_v2": Endpoint(
        "POST", _reading(group_send_calls.ListQuery, group_send_calls.get_list), "group_msg_list"
    ),
    f"{_ABOUT_CUSTOMERS}/get_groupmsg_task": Endpoint(
        "POST", _reading(group_send_calls.TaskQuery, group_send_calls.get_task), "task_list"
    ),
    f"{_ABOUT_CUSTOMERS}/get_groupmsg_send_result": Endpoint(
        "POST", _reading(group_send_calls.ResultQuery, group_send_calls.get_result), "send_list"
    ),
    f"{_ABOUT_CUSTOMERS}/remind_groupmsg_send": Endpoint(
        "POST", _reading(group_send_calls.OneGroupSend, group_send_calls.remind)
    ),
    f"{_ABOUT_CUSTOMERS}/cancel_groupmsg_send": Endpoint(
        "POST", _reading(group_send_calls.OneGroupSend, group_send_calls.cancel)
    ),
    f"{_ABOUT_CUSTOMERS}/get_follow_user_list": Endpoint(
        "GET", customer_calls.follow_users, "follow_user"
    ),
    f"{_ABOUT_CUSTOMERS}/list": Endpoint("GET", customer_calls.customers, "external_userid"),
    f"{_ABOUT_CUSTOMERS}/batch/get_by_user": Endpoint(
        "POST",
        _reading(customer_calls.CustomersQuery, customer_calls.customers_of_members),
        "external_contact_list",
    ),
    f"{_ABOUT_CUSTOMERS}/get_corp_tag_list": Endpoint(
        "POST", _reading(customer_calls.TagsQuery, customer_calls.tags), "tag_group"
    ),
    f"{_ABOUT_CUSTOMERS}/groupchat/list": Endpoint(
        "POST", _reading(customer_calls.ChatsQuery, customer_calls.chats), "group_chat_list"
    ),
    f"{_ABOUT_CUSTOMERS}/groupchat/get": Endpoint(
        "POST", _reading(customer_calls.ChatQuery, customer_calls.chat)
    ),
    "message/send": Endpoint("POST", app_messages.send, is_counted=False),
    "message/recall": Endpoint("POST", _reading(app_messages.Recall, app_messages.recall)),
    "message/update_template_card": Endpoint(
        "POST", _reading(app_messages.CardUpdate, app_messages.update_card)
    ),
    "appchat/create": Endpoint("POST", _reading(app_chats.NewChat, app_chats.create)),
    "appchat/send": Endpoint("POST", app_chats.send, is_counted=False),
    "webhook/send": _ROBOT,
    "webhook/upload_media": _ROBOT._replace(answer=robots.upload, largest=uploads.LARGEST_UPLOAD),
}
