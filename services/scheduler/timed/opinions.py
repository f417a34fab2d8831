"""What most of those who answered speak of (NF-07, IM-42).

Chinese has no blanks between words, so it is cut by a dictionary; that is read when the first
report is asked for, which takes two seconds and 80 MB.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import jieba

EXAMPLES: Final = 3
"""Opinions shown for each word."""

_STOP: Final = frozenset(Path(__file__).with_name("stop_words.txt").read_text().split())
"""Words that say nothing by themselves."""
_NEGATIONS: Final = frozenset(
    (
        *("不", "没", "没有", "别", "不要", "不够", "不太"),
        *("not", "no", "never", "don't", "didn't", "doesn't", "isn't", "wasn't", "can't", "won't"),
    )
)
"""Joined to the word that follows: "不清楚" is the opposite of "清楚"."""
_PIECE: Final = re.compile(r"[\u3400-\u9fff]+|[a-z]+(?:'[a-z]+)?")
_SENTENCE: Final = re.compile(r"[。！？；，、.!?;,\n]+")  # noqa: RUF001 - Chinese has its own
_HAN: Final = re.compile(r"[\u3400-\u9fff]")


@dataclass(slots=True)
class Frequent:
    """A word, and who speaks of it."""

    word: str
    count: int = 0
    """Opinions that hold it, however often."""
    examples: list[str] = field(default_factory=list[str])


def most_frequent(opinions: Iterable[str], *, most: int) -> list[Frequent]:
    """Return the words that the most opinions hold; of those in as many, by spelling."""
    found: dict[str, Frequent] = {}
    for opinion in opinions:
        for word in dict.fromkeys(words_of(opinion)):
            frequent = found.setdefault(word, Frequent(word))
            frequent.count += 1
            if len(frequent.examples) < EXAMPLES and opinion not in frequent.examples:
                frequent.examples.append(opinion)
    return sorted(found.values(), key=lambda each: (-each.count, each.word))[:most]


def words_of(opinion: str) -> list[str]:
    """Return the words that say something; what is denied is another word than what is not.

    >>> words_of("不清楚上课地点。The room was not good!")
    ['不清楚', '上课', '地点', 'room', 'not good']
    """
    sentences = _SENTENCE.split(opinion.casefold().replace("\u2019", "'"))
    return [word for each in sentences for word in _joined(list(_pieces(each)))]


def _pieces(sentence: str) -> Iterator[str]:
    for piece in _PIECE.findall(sentence):
        if _HAN.match(piece):
            yield from _tokenizer().cut(piece)
        else:
            yield piece


def _joined(pieces: Sequence[str]) -> Iterator[str]:
    denial = ""
    for piece in pieces:
        if piece in _NEGATIONS:
            denial = piece
        elif piece not in _STOP:
            between = " " if denial and not _HAN.match(piece) else ""
            yield f"{denial}{between}{piece}"
            denial = ""


@cache
def _tokenizer() -> jieba.Tokenizer:
    # Read by hand: the library would keep it in the common directory for temporary files, and read
    # there what anybody put under that name.
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer
