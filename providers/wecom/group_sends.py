"""The body of a group send to customers or customer groups (WX 2; WC-01, WC-04, CF-19)."""

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import structs

from providers.wecom.app_messages import file_of, link_of
from providers.wecom.carrying import Body, CannotCarry, Media, within
from schemas.topics.contents import (
    Attachment,
    DocumentContent,
    GroupSendContent,
    ImageContent,
    LinkContent,
    MiniProgramContent,
    VideoContent,
)

PATH: Final = "cgi-bin/externalcontact/add_msg_template"
CHAT_TYPES: Final[Mapping[str, str]] = {"customers": "single", "groups": "group"}

_LONGEST_TEXT: Final = 4_000
_LONGEST_PAGE_TITLE: Final = 64
_MOST_GROUPS: Final = 2_000


def body_of(content: GroupSendContent, media: Media) -> Body:
    """Return the body of ``add_msg_template``. Raises `CannotCarry`."""
    if content.text is None and not content.attachments:
        raise CannotCarry("a group send needs `content.text` or `content.attachments`")
    body: Body = {"chat_type": CHAT_TYPES[content.target_kind], **_targets(content)}
    if content.text is not None:
        body["text"] = {"content": within(_LONGEST_TEXT, "content.text", content.text)}
    if content.attachments:
        body["attachments"] = [
            _attachment(each, f"content.attachments[{place}]", media)
            for place, each in enumerate(content.attachments)
        ]
    return body


def targets_of(content: GroupSendContent) -> tuple[str, ...]:
    """Return whom it goes to, each once, in their order."""
    return tuple(dict.fromkeys(content.targets))


def without(content: GroupSendContent, unwanted: Collection[str]) -> GroupSendContent:
    """Return the content for the other targets; their numbers stay beside them."""
    kept = [place for place, one in enumerate(content.targets) if one not in unwanted]
    return structs.replace(
        content,
        targets=tuple(content.targets[place] for place in kept),
        customer_ids=tuple(content.customer_ids[place] for place in kept)
        if content.customer_ids
        else (),
    )


def _targets(content: GroupSendContent) -> Body:
    targets = targets_of(content)
    sender: Body = {} if content.member is None else {"sender": content.member}
    if content.target_kind == "customers":
        return {"external_userid": targets, **sender, "allow_select": content.may_select}
    if content.member is None:
        raise CannotCarry("`content.member`: a group send to groups needs their owner")
    if content.may_select:
        raise CannotCarry("`content.maySelect`: a member can leave out customers, but no groups")
    if len(targets) > _MOST_GROUPS:
        raise CannotCarry(f"`content.targets`: WeCom takes {_MOST_GROUPS} groups at most")
    return {"chat_id_list": targets, **sender}


def _attachment(attachment: Attachment, where: str, media: Media) -> Body:
    match attachment:
        case ImageContent() | VideoContent() | DocumentContent():
            kind, media_id = file_of(attachment, media, where=where)
            return {"msgtype": kind, kind: {"media_id": media_id}}
        case LinkContent():
            return {"msgtype": "link", "link": link_of(attachment, where=where, about="desc")}
        case MiniProgramContent():
            page = {
                "title": within(_LONGEST_PAGE_TITLE, f"{where}.title", attachment.title),
                "pic_media_id": media.id_of("image", attachment.cover),
                "appid": attachment.app_id,
                "page": attachment.page,
            }
            return {"msgtype": "miniprogram", "miniprogram": page}
