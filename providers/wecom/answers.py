"""What WeCom says when it takes a message: a name for it, and whom it misses (WX 2, WX 5)."""

from typing import Annotated, Any, Final

import msgspec

from domain.failures import ErrorCode, Failure, Origin
from domain.identity import ProviderMessageId
from domain.outcomes import Accepted, InDoubt, Rejected, Reply
from providers.contract import Message
from providers.wecom.group_sends import targets_of
from providers.wecom.recipients import Members, target_of
from providers.wecom.results import refused_of
from schemas.topics.contents import GroupSendContent

_UNREADABLE: Final = Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail="answer unreadable")
_NAMELESS: Final = Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail="answer without a msgid")
_OUTSIDE: Final = Failure(
    ErrorCode.INVALID_RECIPIENT,
    Origin.PROVIDER,
    "invaliduser",
    "unknown, or outside the app",
)
_UNLICENSED: Final = Failure(
    ErrorCode.INVALID_RECIPIENT, Origin.PROVIDER, "unlicenseduser", "the member has no licence"
)


class _Answer(msgspec.Struct):
    errcode: int
    """Without it, nobody has said that all is well."""
    msgid: Annotated[str, msgspec.Meta(max_length=255, pattern=r"^[^\x00]*$")] | None = None
    invaliduser: str | None = None
    unlicenseduser: str | None = None
    fail_list: list[Any] | None = None


def accepted(message: Message, answer: bytes) -> Reply:
    """Return what an answer without an error says of a message."""
    try:
        told = msgspec.json.decode(answer, type=_Answer, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return InDoubt(_UNREADABLE)
    content = message.content
    if isinstance(content, GroupSendContent):
        if not told.msgid:
            return InDoubt(_NAMELESS)  # it is the key to all results
        refused = refused_of(told.fail_list or (), targets_of(content))
        return Accepted(ProviderMessageId(told.msgid), refused)
    target = target_of(message.recipient)
    refused = _refused_members(target.ids, told) if isinstance(target, Members) else {}
    if isinstance(target, Members) and len(refused) == len(target.ids):
        return Rejected(next(iter(refused.values())))
    return Accepted(_name(message, told), refused)


def _name(message: Message, told: _Answer) -> ProviderMessageId:
    """Return WeCom's name; chats and robots give none, so ours, which is as unique.

    Nor is it documented whether a repetition that the check for duplicates left out gets one.
    """
    return ProviderMessageId(told.msgid or f"wecom:{message.message_id}")


def _refused_members(ids: tuple[str, ...], told: _Answer) -> dict[str, Failure]:
    """Return whom of several it does not reach. WeCom names them in lower case."""
    refused: dict[str, Failure] = {}
    for names, failure in ((told.unlicenseduser, _UNLICENSED), (told.invaliduser, _OUTSIDE)):
        named = {name.casefold() for name in (names or "").split("|")}
        refused |= {each: failure for each in ids if each.casefold() in named}
    return refused
