"""What is wrong with a timed push task as somebody planned it: everything, at once.

TP-01, TP-02, TP-10, LM-06, CF-50, IM-18. Previews and tasks have the same rules of content (PV-03).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from domain.recurrence import next_occurrence
from domain.tasks import Plan, PushContent, Timing

LONGEST_NAME: Final = 50
LONGEST_TEXT: Final = 500
"""Code points, as everywhere: what people see as one sign may have several (CF-50)."""
LONGEST_LINK: Final = 255
LONGEST_APPID: Final = 64
LONGEST_PAGE_PATH: Final = 1_024
LONGEST_GROUP: Final = 128
LONGEST_RECIPIENT: Final = 100
MOST_GROUPS: Final = 100
MOST_RECIPIENTS: Final = 100
LONGEST_CATCHING: Final = timedelta(days=366)

_WEB: Final = frozenset({"http", "https"})
_MINIPROGRAM: Final = re.compile(r"weixin://dl/business/?\?\S+|#小程序://[^\s/]+(/\S+)?")
_LAST_PORT: Final = 65_535


class Wrong(StrEnum):
    """What may be wrong with a field: whoever speaks another language words it anew."""

    REQUIRED = "required"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    TWICE = "twice"
    MALFORMED = "malformed"
    UNKNOWN_ZONE = "unknown_zone"
    PAST = "past"
    TOO_EARLY = "too_early"
    OUT_OF_PLACE = "out_of_place"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    field: str
    """By its name on the wire."""
    wrong: Wrong
    problem: str
    """In plain English, without what was given."""


def problems_of(plan: Plan, *, is_complete: bool) -> list[Problem]:
    """Return all that is wrong with it, whatever the time is.

    ``is_complete``: it is to be sent as it is; a draft may lack content and groups.
    """
    return [
        *_name(plan.name),
        *_timing(plan.timing),
        *content_problems(plan.content),
        *_groups(plan.groups),
        *_recipients(plan.preview_recipients),
        *_misfire(plan.misfire.within),
        *(_missing(plan) if is_complete else ()),
    ]


def untimely(timing: Timing, *, now: datetime) -> list[Problem]:
    """Return what is wrong with a time that was just chosen (IM-18)."""
    if timing.time > now:
        return []
    return [Problem("schedule.time", Wrong.PAST, "must lie in the future")]


def exhausted(timing: Timing, *, now: datetime) -> list[Problem]:
    """Return what is wrong with a timing that is to go on. Nothing else may be wrong with it."""
    if next_occurrence(timing.schedule, after=now) is not None:
        return []
    if timing.recurs:
        return [Problem("schedule.recurringEnd", Wrong.PAST, "no occurrence is left before it")]
    return [Problem("schedule.time", Wrong.PAST, "has passed: a new time is needed")]


def content_problems(content: PushContent) -> list[Problem]:
    """Return all that is wrong with a content; a picture is looked at elsewhere (PV-03)."""
    card = content.miniprogram
    found = [
        *_text("content.text", content.text, LONGEST_TEXT),
        *_text("content.image", content.image, LONGEST_LINK),
        *_text("content.link", content.link, LONGEST_LINK),
    ]
    if content.link is not None and not (is_url(content.link) or opens_miniprogram(content.link)):
        problem = "must be an http or https address, or a link to a mini-program"
        found.append(Problem("content.link", Wrong.MALFORMED, problem))
    if card is not None:
        found += _named("content.miniprogram.appid", card.appid, LONGEST_APPID)
        found += _named("content.miniprogram.pagePath", card.page_path, LONGEST_PAGE_PATH)
    return found


def timing_problems(timing: Timing) -> list[Problem]:
    """Return all that is wrong with a timing, whatever the time is."""
    return list(_timing(timing))


def is_url(text: str) -> bool:
    """Tell whether it is an address on the web, in full.

    >>> is_url("https://example.com/a?b=c"), is_url("example.com"), is_url("javascript:alert(1)")
    (True, False, False)
    """
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    fits = port is None or 0 < port <= _LAST_PORT
    return parts.scheme in _WEB and bool(parts.hostname) and fits


def opens_miniprogram(text: str) -> bool:
    """Tell whether it is a link that WeChat opens a mini-program with (TP-02).

    >>> opens_miniprogram("weixin://dl/business/?t=abc"), opens_miniprogram("#小程序://课程/aB3")
    (True, True)
    """
    return text.isprintable() and _MINIPROGRAM.fullmatch(text) is not None


@cache
def zones() -> frozenset[str]:
    """Return the zones there are, by their IANA names."""
    return frozenset(available_timezones())


def _name(name: str) -> list[Problem]:
    return _named("name", name, LONGEST_NAME)


def _named(field: str, text: str, longest: int) -> list[Problem]:
    if not text.strip():
        return [Problem(field, Wrong.REQUIRED, "must not be empty")]
    return _text(field, text, longest)


def _text(field: str, text: str | None, longest: int) -> list[Problem]:
    if text is None:
        return []
    found: list[Problem] = []
    if len(text) > longest:
        found.append(Problem(field, Wrong.TOO_LONG, f"must have at most {longest} characters"))
    if "\x00" in text:
        found.append(Problem(field, Wrong.MALFORMED, "must not contain the NUL character"))
    return found


def _timing(timing: Timing) -> Iterator[Problem]:
    if timing.timezone not in zones():
        yield Problem("schedule.timezone", Wrong.UNKNOWN_ZONE, "must be an IANA time zone")
    if timing.time.microsecond:
        yield Problem("schedule.time", Wrong.MALFORMED, "must be a whole second")
    if timing.recurs:
        if timing.interval is None:
            problem = "is required where it recurs"
            yield Problem("schedule.recurringInterval", Wrong.REQUIRED, problem)
        if timing.end is not None and timing.end < timing.time:
            problem = "must not lie before the first time"
            yield Problem("schedule.recurringEnd", Wrong.TOO_EARLY, problem)
        return
    for field, value in (("recurringInterval", timing.interval), ("recurringEnd", timing.end)):
        if value is not None:
            problem = "is only for what recurs"
            yield Problem(f"schedule.{field}", Wrong.OUT_OF_PLACE, problem)


def _groups(groups: Sequence[str]) -> Iterator[Problem]:
    yield from _many("groups", groups, MOST_GROUPS, LONGEST_GROUP)


def _recipients(recipients: Sequence[str]) -> Iterator[Problem]:
    yield from _many("previewRecipients", recipients, MOST_RECIPIENTS, LONGEST_RECIPIENT)


def _many(field: str, given: Sequence[str], most: int, longest: int) -> Iterator[Problem]:
    if len(given) > most:
        # What is in them is not looked at: there may be a million.
        yield Problem(field, Wrong.TOO_MANY, f"must be at most {most}")
        return
    for number, one in enumerate(given):
        yield from _named(f"{field}[{number}]", one, longest)
    if len(set(given)) < len(given):
        yield Problem(field, Wrong.TWICE, "must be different from each other")


def _misfire(within: timedelta | None) -> Iterator[Problem]:
    if within is not None and not timedelta(0) < within <= LONGEST_CATCHING:
        problem = f"must be more than nothing and at most {LONGEST_CATCHING.days} days"
        yield Problem("misfire.within", Wrong.MALFORMED, problem)


def _missing(plan: Plan) -> Iterator[Problem]:
    if plan.content.is_empty:
        yield Problem("content", Wrong.REQUIRED, "must have a text, image, link or mini-program")
    if not plan.groups:
        yield Problem("groups", Wrong.REQUIRED, "must name at least one group")
