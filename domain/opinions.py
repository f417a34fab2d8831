"""What somebody may say about a push (NF-04, IM-42)."""

from typing import Final

LONGEST_OPINION: Final = 1_000
"""Code points."""


class BadOpinion(ValueError):
    """It cannot be kept; the argument says why, without a word of it."""


def opinion_of(written: str) -> str:
    r"""Return an opinion as it is kept; raises `BadOpinion`.

    A browser sends each line feed as two characters; people count it as one.

    >>> opinion_of(" 讲得太快\r\n")
    '讲得太快'
    """
    text = written.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise BadOpinion("must not be empty")
    if "\0" in text:
        raise BadOpinion("must not contain the NUL character")
    if len(text) > LONGEST_OPINION:
        raise BadOpinion(f"must have at most {LONGEST_OPINION} characters")
    return text
