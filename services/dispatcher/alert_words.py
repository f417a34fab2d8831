"""What alerts about senders say, in Chinese or English (IM-54)."""

from collections.abc import Mapping
from typing import Final, Literal

from runtime.robot_alerts import Language

What = Literal["halted", "held", "late"]

WORDS: Final[Mapping[Language, Mapping[What, str]]] = {
    "zh": {
        "halted": "发送账号 {sender} 无法发送：{why}",
        "held": "发送账号 {sender} 暂停发送至 {why}",
        "late": "发送账号 {sender} 有 {why} 条消息超时未发送",
    },
    "en": {
        "halted": "Sender {sender} cannot send: {why}",
        "held": "Sender {sender} has to pause until {why}",
        "late": "Sender {sender}: {why} messages are late",
    },
}
