"""What notices and alerts say, in Chinese or English (NF-01, NF-02, NF-08)."""

from dataclasses import dataclass
from typing import Final

from runtime.robot_alerts import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything that is said in one language, to be filled in."""

    soon: str
    """The state of what is about to happen: two to five characters, as a template takes them."""
    told: str
    """The state of what somebody else tells."""
    sent: str
    partly: str
    failed: str
    reminder: str
    result_sent: str
    result_partly: str
    result_failed: str
    missed: str
    modify: str
    """The state of a preview that somebody wants changed."""
    modify_said: str
    """With what they wrote."""
    paused: str
    stays_paused: str
    """Its time to go on came, and it did not."""
    unconfirmed: str
    needs_a_time: str
    unsendable: str
    times: str
    """How often a reason was given."""
    alert: str
    alert_task: str
    alert_more: str


CHINESE: Final = Words(
    soon="即将推送",
    told="通知",
    sent="推送成功",
    partly="部分成功",
    failed="推送失败",
    reminder="将于 {time} 推送到 {groups} 个群",
    result_sent="已推送到 {sent} 个群",
    result_partly="已推送到 {sent} 个群，{failed} 个群失败",
    result_failed="推送失败，{failed} 个群未送达",
    missed="错过了 {time} 的推送",
    modify="需要修改",
    modify_said="{message}：{comment}",
    paused="仍暂停",
    stays_paused="未能自动恢复，任务仍暂停",
    unconfirmed="预览未确认",
    needs_a_time="原定时间已过，请选择新的时间",
    unsendable="内容无法发送",
    times="{reason}（{count}）",
    alert="定时推送失败：{tasks} 个任务",
    alert_task="{task}：{failures} 次，{reasons}",
    alert_more="另有 {tasks} 个任务",
)
ENGLISH: Final = Words(
    soon="Soon",
    told="Notice",
    sent="Sent",
    partly="Partly sent",
    failed="Failed",
    reminder="Goes to {groups} groups at {time}",
    result_sent="Sent to {sent} groups",
    result_partly="Sent to {sent} groups, failed for {failed}",
    result_failed="Failed for {failed} groups",
    missed="Missed its time {time}",
    modify="Change wanted",
    modify_said="{message}: {comment}",
    paused="Paused",
    stays_paused="Could not go on by itself and stays paused",
    unconfirmed="The preview is not confirmed",
    needs_a_time="Its time has passed: choose another",
    unsendable="The content cannot be sent",
    times="{reason} ({count})",
    alert="Timed pushes failed: {tasks} tasks",
    alert_task="{task}: {failures} times, {reasons}",
    alert_more="and {tasks} more tasks",
)

WORDS: Final[dict[Language, Words]] = {"zh": CHINESE, "en": ENGLISH}
