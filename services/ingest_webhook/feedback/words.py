"""What the form for feedback says, in Chinese or English."""

from dataclasses import dataclass
from typing import Final

from domain.languages import spoken
from domain.opinions import LONGEST_OPINION
from services.ingest_webhook.pages.look import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything that is said in one language."""

    language: str
    """For the document: BCP 47."""
    title: str
    prompt: str
    opinion: str
    """What the field is called, and its hint."""
    hint: str
    send: str
    received: Notice
    unknown: Notice
    """The link opens nothing; not a word about why."""
    closed: Notice
    not_now: Notice
    """We cannot keep it at this moment, or it is one too many."""
    not_taken: Notice
    """What was sent is no opinion."""


CHINESE: Final = Words(
    language="zh-CN",
    title="反馈",
    prompt="您对这次推送有什么意见或建议？",
    opinion="您的意见",
    hint=f"最多 {LONGEST_OPINION} 字。再次提交会替换您之前的意见。",
    send="提交",
    received=Notice(title="已收到您的反馈", text="谢谢！您可以关闭此页面。"),
    unknown=Notice(title="找不到此反馈表", text="请从您收到的消息中重新打开链接。"),
    closed=Notice(title="反馈已结束", text="这次推送不再收集反馈。"),
    not_now=Notice(title="暂时无法保存", text="您的反馈尚未保存，请稍后再试一次。"),
    not_taken=Notice(title="未能提交", text=f"请填写 1 到 {LONGEST_OPINION} 字的意见。"),
)
ENGLISH: Final = Words(
    language="en",
    title="Feedback",
    prompt="What do you think of this message? What could be better?",
    opinion="Your opinion",
    hint=f"At most {LONGEST_OPINION:,} characters. Sent again, it replaces what you said before.",
    send="Send",
    received=Notice(title="Feedback received", text="Thank you! You can close this page."),
    unknown=Notice(
        title="Form not found", text="Please open the link from the message you received again."
    ),
    closed=Notice(title="Feedback has ended", text="No more is collected about this message."),
    not_now=Notice(
        title="Cannot be saved right now",
        text="Your feedback is not saved yet. Please try again in a moment.",
    ),
    not_taken=Notice(
        title="Not sent", text=f"Please write between 1 and {LONGEST_OPINION:,} characters."
    ),
)


def words_for(accepted: str | None) -> Words:
    """Return the words for an ``Accept-Language``."""
    return spoken(accepted, chinese=CHINESE, english=ENGLISH)
