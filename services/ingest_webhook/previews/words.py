"""What the pages of a preview say, in Chinese or English (PV-02, PV-06)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.answers import LONGEST_COMMENT, Choice
from domain.languages import spoken
from services.ingest_webhook.pages.look import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything that is said in one language."""

    language: str
    """For the document: BCP 47."""
    title: str
    prompt: str
    comment: str
    """What the field is called, and its hint."""
    hint: str
    choices: Mapping[Choice, str]
    received: Mapping[Choice, Notice]
    unknown: Notice
    """The link opens nothing; not a word about why."""
    expired: Notice
    not_now: Notice
    """We cannot keep an answer at this moment."""
    not_taken: Notice
    """What was sent is no answer."""


CHINESE: Final = Words(
    language="zh-CN",
    title="预览确认",
    prompt="请查看您收到的预览内容，然后选择“确认”或“修改”。",
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
    not_now=Notice(title="暂时无法保存", text="您的回复尚未保存，请稍后再试一次。"),
    not_taken=Notice(title="未能提交", text="请检查填写的内容，然后再试一次。"),
)
ENGLISH: Final = Words(
    language="en",
    title="Confirm a preview",
    prompt="Please look at the preview you received, then choose “Confirm” or “Modify”.",
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
    not_now=Notice(
        title="Cannot be saved right now",
        text="Your answer is not saved yet. Please try again in a moment.",
    ),
    not_taken=Notice(title="Not submitted", text="Please check what you entered, then try again."),
)


def words_for(accepted: str | None) -> Words:
    """Return the words for an ``Accept-Language``."""
    return spoken(accepted, chinese=CHINESE, english=ENGLISH)
