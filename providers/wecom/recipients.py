"""Whom a message is for: members, a chat of the app, or a robot's group (WX 5, 6, 11).

    zhangsan            one member
    lisi|zhangsan       several members, one message
    chat:wrkSFfCgAA     a group chat that the app created
    robot:ops           the group of a robot in the settings

The recipient of a group send is a name only: whom it goes to stands in its content.
"""

import re
from dataclasses import dataclass
from typing import Final

from domain.recipients import InvalidRecipient

_CHAT, _ROBOT = "chat:", "robot:"
_MEMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
"""A userid; not ``@all``, which is the whole company."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Members:
    """Members of the company by their userids."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chat:
    """A group chat of the company by its id."""

    id: str


@dataclass(frozen=True, slots=True)
class RobotGroup:
    """The group of a robot, by the robot's name."""

    name: str


Target = Members | Chat | RobotGroup


def address_of(recipient: str) -> str:
    """Return the one spelling of a recipient. Raises `InvalidRecipient`.

    >>> address_of(" zhangsan | lisi "), address_of("Spring campaign")
    ('lisi|zhangsan', 'Spring campaign')
    """
    text = recipient.strip()
    if not text or "\x00" in text:
        raise InvalidRecipient("neither a member nor a chat, a robot or a name")
    match target_of(text):
        case Members(ids):
            return "|".join(sorted(set(ids)))
        case None if text.startswith((_CHAT, _ROBOT)):
            raise InvalidRecipient("no id after the colon, or one that cannot be")
        case _:
            return text


def target_of(recipient: str) -> Target | None:
    """Return whom it names; None for what can only be the name of a group send."""
    for prefix, kind in ((_CHAT, Chat), (_ROBOT, RobotGroup)):
        if recipient.startswith(prefix):
            name = recipient.removeprefix(prefix)
            return kind(name) if _NAME.fullmatch(name) else None
    ids = tuple(part.strip() for part in recipient.split("|"))
    return Members(ids) if all(map(_MEMBER.fullmatch, ids)) else None
