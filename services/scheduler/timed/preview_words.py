"""What people are told of a content that cannot be previewed, in two languages (PV-03, PV-04)."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from domain.languages import spoken
from domain.task_rules import (
    LONGEST_APPID,
    LONGEST_LINK,
    LONGEST_PAGE_PATH,
    LONGEST_TEXT,
    MOST_RECIPIENTS,
    Problem,
    Wrong,
)

_PLACE: Final = re.compile(r"\[(\d+)\]$")


class _Words(NamedTuple):
    chinese: str
    english: str


_PICTURE: Final = _Words(
    "图片须为已上传的 JPEG 或 PNG,且不超过 2 MB",
    "The image must be an uploaded JPEG or PNG of at most 2 MB",
)
_CARD: Final = _Words(
    "小程序的 appid 或页面路径无效", "The mini-program's appid or page path is not valid"
)
_SAID: Final[Mapping[tuple[str, Wrong], _Words]] = {
    ("content.text", Wrong.TOO_LONG): _Words(
        "文本超长,请精简", f"The text is too long: at most {LONGEST_TEXT} characters"
    ),
    ("content.text", Wrong.MALFORMED): _Words(
        "文本含有无法发送的字符", "The text holds a character that cannot be sent"
    ),
    ("content.image", Wrong.TOO_LONG): _PICTURE,
    ("content.image", Wrong.MALFORMED): _PICTURE,
    ("content.link", Wrong.TOO_LONG): _Words(
        f"链接超长,最多 {LONGEST_LINK} 个字符",
        f"The link is too long: at most {LONGEST_LINK} characters",
    ),
    ("content.link", Wrong.MALFORMED): _Words(
        "链接不是有效的网址或小程序链接",
        "The link is no valid http or https address, and none to a mini-program",
    ),
    ("content.miniprogram.appid", Wrong.REQUIRED): _CARD,
    ("content.miniprogram.appid", Wrong.MALFORMED): _CARD,
    ("content.miniprogram.pagePath", Wrong.REQUIRED): _CARD,
    ("content.miniprogram.pagePath", Wrong.MALFORMED): _CARD,
    ("content.miniprogram.appid", Wrong.TOO_LONG): _Words(
        f"小程序的 appid 超长,最多 {LONGEST_APPID} 个字符",
        f"The mini-program's appid is too long: at most {LONGEST_APPID} characters",
    ),
    ("content.miniprogram.pagePath", Wrong.TOO_LONG): _Words(
        f"小程序的页面路径超长,最多 {LONGEST_PAGE_PATH} 个字符",
        f"The mini-program's page path is too long: at most {LONGEST_PAGE_PATH} characters",
    ),
    ("content", Wrong.OUT_OF_PLACE): _Words(
        "这些内容无法组成一条消息:{why}", "These parts make no message: {why}"
    ),
    ("recipients", Wrong.TOO_MANY): _Words(
        f"预览接收人过多,最多 {MOST_RECIPIENTS} 人",
        f"Too many recipients: at most {MOST_RECIPIENTS}",
    ),
    ("recipients", Wrong.MALFORMED): _Words(
        "第 {number} 位接收人没有可用的微信 openid",
        "Recipient {number} has no openid that could be written to",
    ),
    ("recipients", Wrong.TWICE): _Words(
        "第 {number} 位接收人重复", "Recipient {number} is named twice"
    ),
}


def words_of(problems: Iterable[Problem], accepted: str | None) -> tuple[str, ...]:
    """Return what is said of them, each thing once, for an ``Accept-Language``.

    >>> words_of([Problem("content.text", Wrong.TOO_LONG, "")], "zh-CN")
    ('文本超长,请精简',)
    """
    return tuple(dict.fromkeys(_said(problem, accepted) for problem in problems))


def _said(problem: Problem, accepted: str | None) -> str:
    place = _PLACE.search(problem.field)
    # What does not go together is told of the whole.
    is_of_all = problem.wrong is Wrong.OUT_OF_PLACE
    field = "content" if is_of_all else _PLACE.sub("", problem.field)
    words = _SAID[field, problem.wrong]
    text = spoken(accepted, chinese=words.chinese, english=words.english)
    return text.format(number=int(place[1]) + 1 if place else "", why=problem.problem)
