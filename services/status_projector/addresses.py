"""Under whose key a record is sealed: which address on which channel it concerns."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final, cast

from schemas.topics.provider_events import MessageReceived, NoticeReceived, StatusReported
from services.status_projector.heard import Heard

Address = tuple[str, str]
"""A channel, and who has a name there; or a word of ours for what concerns nobody."""

_PEOPLE: Final = (
    *("wa_id", "to", "recipient_id", "user_id", "from"),
    *("ExternalUserID", "external_userid", "FromUserName"),
)
"""Members of a notice that name a person, the likeliest first: `from` may be a number of ours."""


def of_conversation(event: MessageReceived) -> Address:
    """Return with whom the conversation is: what is said in a group is said to the group."""
    return event.channel, event.group_id or event.author


def of_parked(heard: Heard, now: datetime) -> Address:
    """Return whom an event is about whose message nobody knows.

    A participant where it names one. Otherwise it holds ids and a provider's words, and nobody can
    tell whose: it is sealed under a key of the day, which is forgotten when the day is over.
    """
    event = heard.value
    if isinstance(event, StatusReported) and event.participant is not None:
        return event.channel, event.participant
    return of_day(now.date())


def of_day(day: date) -> Address:
    """Return what stands for everybody whose events are parked that day."""
    return "parked", day.isoformat()


def of_notice(event: NoticeReceived) -> Address:
    """Return the person whom a notice concerns, else what it is about, else the account.

    Of several people it is sealed under the first one's key.
    """
    named = (next(_named(event.content, name), None) for name in _PEOPLE)
    person = next(filter(None, named), None)
    return event.channel, person or event.about or event.account_id


def _named(value: object, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        if isinstance(found := members.get(name), str):
            yield found
        inside = list(members.values())
    elif isinstance(value, list):
        inside = cast("list[Any]", value)
    else:
        return
    for each in inside:
        yield from _named(each, name)
