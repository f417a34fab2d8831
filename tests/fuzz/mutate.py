"""Bodies that nobody would send: made from good ones, by bytes or by structure."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, cast

MOST_CHANGES: Final = 4
LONGEST: Final = 64 * 1_024
"""Bytes: longer ones take long and say nothing new."""

ODD_VALUES: Final[Sequence[Any]] = (
    None,
    True,
    0,
    -1,
    1e308,
    2**53 + 1,
    10**40,
    "",
    " ",
    "0",
    "-1",
    "99999999999999999999",
    "2025-02-30T25:61:61Z",
    "\x00",
    "\ud83d",
    "é" * 300,
    "x" * 5_000,
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"id": {}, "type": []},
)
"""Of any type: a field of any name must bear every one of them."""

WORDS: Final = (
    b"null",
    b"1e999",
    b"-0",
    b"\xff\xfe",
    b"\\u0000",
    b"\\ud800",
    b'"',
    b"[" * 2_000,
    b'{"a":' * 1_200,
    b"\x00",
    b"<![CDATA[",
    b"&lol;",
)

Change = Callable[[bytes, Random, Sequence[bytes]], bytes]


def mutated(seeds: Sequence[bytes], chance: Random) -> bytes:
    """Return one of the seeds with a few changes."""
    body = chance.choice(seeds)
    for _ in range(chance.randint(1, MOST_CHANGES)):
        body = chance.choice(_CHANGES)(body, chance, seeds)
    return body[:LONGEST]


def _flip(body: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    if not body:
        return body
    place = chance.randrange(len(body))
    return body[:place] + bytes([body[place] ^ 1 << chance.randrange(8)]) + body[place + 1 :]


def _cut(body: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(body, chance)
    return body[:start] if chance.random() < 0.5 else body[:start] + body[end:]


def _repeat(body: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    start, end = _span(body, chance)
    return body[:end] + body[start:end] * chance.randint(1, 3) + body[end:]


def _insert(body: bytes, chance: Random, _: Sequence[bytes]) -> bytes:
    place = chance.randint(0, len(body))
    return body[:place] + chance.choice(WORDS) + body[place:]


def _splice(body: bytes, chance: Random, seeds: Sequence[bytes]) -> bytes:
    start, _ = _span(body, chance)
    other = chance.choice(seeds)
    return body[:start] + other[chance.randint(0, len(other)) :]


def _restructure(body: bytes, chance: Random, seeds: Sequence[bytes]) -> bytes:
    """Change one place of the JSON: its value, its name, or how often or how deep it stands."""
    try:
        whole: dict[str, Any] = {"": json.loads(body)}
        places = _places(whole)
    except (ValueError, RecursionError):
        return _flip(body, chance, seeds)
    holder, name = chance.choice(places)
    match chance.randrange(5):
        case 0:
            holder[name] = chance.choice(ODD_VALUES)
        case 1:
            holder[name] = [holder[name]] * chance.randint(1, 5)
        case 2:
            other_holder, other_name = chance.choice(places)
            holder[name] = json.loads(json.dumps(other_holder[other_name]))
        case 3 if holder is not whole:
            del holder[name]
        case _ if isinstance(holder, dict):
            holder[chance.choice(["object", "id", "type", "errors", "x", ""])] = holder[name]
        case _:
            holder[name] = {"value": holder[name]}
    # Without escapes half of the time: then bytes outside UTF-8 may come of it.
    text = json.dumps(whole[""], ensure_ascii=chance.random() < 0.5)
    return text.encode(errors="surrogatepass")


def _places(whole: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return each place of a tree, as what holds it and by which name or number."""
    found: list[tuple[Any, Any]] = []
    waiting: list[Any] = [whole]
    while waiting:
        holder = waiting.pop()
        is_object = isinstance(holder, dict)
        names = cast("list[Any]", [*holder] if is_object else [*range(len(holder))])
        found += [(holder, name) for name in names]
        waiting += [holder[name] for name in names if isinstance(holder[name], dict | list)]
    return found


def _span(body: bytes, chance: Random) -> tuple[int, int]:
    start = chance.randint(0, len(body))
    return start, min(len(body), start + chance.choice([1, 2, 8, 40, 400]))


_CHANGES: Final[Sequence[Change]] = (
    _flip,
    _cut,
    _repeat,
    _insert,
    _splice,
    *(_restructure,) * 5,
)
