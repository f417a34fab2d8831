"""Which of our two languages somebody is spoken to in."""

from typing import TypeVar

W = TypeVar("W")


def spoken(accepted: str | None, *, chinese: W, english: W) -> W:
    """Return the words for an ``Accept-Language``; Chinese unless English is preferred to it.

    >>> spoken("fr, en-GB;q=0.8, zh;q=0.5", chinese="你好", english="Hello")
    'Hello'
    >>> spoken("*", chinese="你好", english="Hello")
    '你好'
    """
    by_language = {"zh": chinese, "en": english}
    wanted = [_weighed(part) for part in (accepted or "").split(",")]
    # Of equal weights the first one counts: the order of sorting is stable.
    for weight, language in sorted(wanted, key=lambda each: -each[0]):
        if weight > 0 and language in by_language:
            return by_language[language]
    return chinese


def _weighed(part: str) -> tuple[float, str]:
    tag, _, parameter = part.partition(";")
    language = tag.strip().lower().partition("-")[0]
    weight = parameter.strip().removeprefix("q=") or "1"
    try:
        return float(weight), language
    except ValueError:
        return 0.0, language
