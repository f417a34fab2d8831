"""What the pages of a preview say, in Chinese or English (PV-02, PV-06)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.answers import LONGEST_COMMENT, Choice
from domain.languages import spoken
from schemas.http.previews import PROMPT
from services.ingest_webhook.pages.look import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything that is said in one language."""

    language: str
    """For the document: BCP 47."""
    title: str
    prompt: str
    at: str
    """What stands before the time, and before the number of groups."""
    groups: str
    content: str
    """What the part is called that shows the message."""
    picture: str
    card: str
    feedback: str
    outdated: str
    comment: str
    """What the field is called, and its hint."""
    hint: str
    choices: Mapping[Choice, str]
    received: Mapping[Choice, Notice]
    unknown: Notice
    """The link opens nothing; not a word about why."""
    expired: Notice
    not_shown: Notice
    """We cannot say what it is about at this moment."""
    not_now: Notice
    """We cannot keep an answer at this moment."""
    not_taken: Notice
    """What was sent is no answer."""


CHINESE: Final = Words(
    language="zh-CN",
    title="预览确认",
    prompt=PROMPT,
    at="推送时间",
    groups="群聊数量",
    content="推送内容",
    picture="推送的图片",
    card="小程序",
    feedback="推送时会附上一个反馈链接。",
    outdated="此内容之后已被修改,请等待新的预览。",
    comment="意见（选填）",
    hint=f"如需修改，请写明要改的地方。最多 {LONGEST_COMMENT} 字。",
    choices={Choice.CONFIRM: "确认", Choice.MODIFY: "修改"},
    received={
        Choice.CONFIRM: Notice(title="已收到：确认", text="谢谢！您可以关闭此页面。"),
        Choice.MODIFY: Notice(
            title="已收到：修改", text="您的回复已转交给发送人。您可以关闭此页面。"
        ),
    },
    unknown=Notice(title="找不到此预览", text="请从您收到的通知中重新打开链接。"),
    expired=Notice(title="链接已过期", text="请联系发送人，重新发送一次预览。"),
    not_shown=Notice(title="暂时无法显示", text="请稍后再打开一次链接。"),
    not_now=Notice(title="暂时无法保存", text="您的回复尚未保存，请稍后再试一次。"),
    not_taken=Notice(title="未能提交", text="请检查填写的内容，然后再试一次。"),
)
ENGLISH: Final = Words(
    language="en",
    title="Confirm a preview",
    prompt="Please check the content, then answer ‘Confirm’ or ‘Modify’",
    at="Goes out",
    groups="Group chats",
    content="Content",
    picture="The picture that goes out",
    card="Mini-program",
    feedback="A link for feedback goes out with it.",
    outdated="This content has been changed since: please wait for another preview.",
    comment="Comment (optional)",
    hint=f"If something should change, say what. At most {LONGEST_COMMENT} characters.",
    choices={Choice.CONFIRM: "Confirm", Choice.MODIFY: "Modify"},
    received={
        Choice.CONFIRM: Notice(
            title="Received: confirm", text="Thank you! You can close this page."
        ),
        Choice.MODIFY: Notice(
            title="Received: modify",
            text="Your answer is passed on to the sender. You can close this page.",
        ),
    },
    unknown=Notice(
        title="Preview not found", text="Please open the link from your notification again."
    ),
    expired=Notice(title="This link has expired", text="Please ask the sender for a new preview."),
    not_shown=Notice(
        title="Cannot be shown right now", text="Please open the link again in a moment."
    ),
    not_now=Notice(
        title="Cannot be saved right now",
        text="Your answer is not saved yet. Please try again in a moment.",
    ),
    not_taken=Notice(title="Not submitted", text="Please check what you entered, then try again."),
)


def words_for(accepted: str | None) -> Words:
    """Return the words for an ``Accept-Language``."""
    return spoken(accepted, chinese=CHINESE, english=ENGLISH)
