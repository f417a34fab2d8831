"""What a careful receiver refuses (simulator-behaviour 4.3, row "Hostile input")."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace

from simulator.chance import Chance
from simulator.tencent.channel import Draft, Letter
from simulator.tencent.crypto import pad, signature

_MEGABYTES_10 = 10 * 1024 * 1024
_OLD_S = 3600
_ENTITIES = "".join(
    f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' if level else '<!ENTITY e0 "ha">'
    for level in range(10)
)
_XML_BOMB = f"<?xml version='1.0'?><!DOCTYPE xml [{_ENTITIES}]><xml><Content>&e9;</Content>"
_JSON_BOMB = b"[" * 100_000
_SIGNATURES = frozenset({"signature", "msg_signature"})


def _wrong_signature(draft: Draft) -> Letter:
    seal = draft.seal()
    other = signature("another-token", seal.timestamp, seal.nonce, seal.encrypted)
    return draft.wrap(seal._replace(signature=other), draft.plain)


def _missing_signature(draft: Draft) -> Letter:
    letter = draft.letter()
    query = {name: value for name, value in letter.query.items() if name not in _SIGNATURES}
    return letter._replace(query=query)


def _stale(draft: Draft) -> Letter:
    """Make everything right but the time, an hour ago: somebody has kept it."""
    return replace(draft, timestamp=str(int(draft.timestamp) - _OLD_S)).letter()


def _entity_bomb(draft: Draft) -> Letter:
    letter = draft.letter()
    if letter.form == "json":
        return letter._replace(body=_JSON_BOMB)
    body = _XML_BOMB.encode() + letter.body.removeprefix(b"<xml>")
    return letter._replace(body=body)


def _large_body(draft: Draft) -> Letter:
    letter = draft.letter()
    return letter._replace(body=letter.body + b" " * _MEGABYTES_10)


def _changed_text(draft: Draft) -> Letter:
    """Change one byte of the cipher text and sign it rightly all the same."""
    cipher = bytearray(b64decode(draft.seal().encrypted))
    cipher[0] ^= 1  # and so the message's length, which stands in the second block
    return draft.wrap(draft.seal(b64encode(cipher).decode()), draft.plain)


def _foreign_receiver(draft: Draft) -> Letter:
    other = replace(draft, crypto=draft.crypto.of_another("ww0000000000000000"))
    return other.letter()


def _truncated_base64(draft: Draft) -> Letter:
    return draft.wrap(draft.seal(draft.seal().encrypted[:-3]), draft.plain)


def _padded_with(draft: Draft, value: int) -> Letter:
    framed = draft.crypto.framed(draft.plain, draft.salt)
    return draft.wrap(draft.seal(draft.crypto.encrypt_padded(pad(framed, value))), draft.plain)


def _pad_0(draft: Draft) -> Letter:
    return _padded_with(draft, 0)


def _pad_33(draft: Draft) -> Letter:
    return _padded_with(draft, 33)


def _sealed_bomb(draft: Draft) -> Letter:
    """Put the bomb inside, under a right signature."""
    bomb = _JSON_BOMB if draft.form == "json" else f"{_XML_BOMB}</xml>".encode()
    return replace(draft, plain=bomb).letter()


Forgery = Callable[[Draft], Letter]

_OPEN: dict[str, Forgery] = {
    "wrong_signature": _wrong_signature,
    "missing_signature": _missing_signature,
    "stale": _stale,
    "entity_bomb": _entity_bomb,
    "large_body": _large_body,
}
_SEALED: dict[str, Forgery] = {
    "changed_text": _changed_text,
    "foreign_receiver": _foreign_receiver,
    "truncated_base64": _truncated_base64,
    "pad_0": _pad_0,
    "pad_33": _pad_33,
    "sealed_bomb": _sealed_bomb,
}
FORGERIES: dict[str, Forgery] = {**_OPEN, **_SEALED}


def forged(kind: str, draft: Draft) -> Letter:
    """Return a hostile letter of this kind. Raises ValueError where there can be none."""
    forge = _possible(draft).get(kind)
    if forge is None:
        raise ValueError(f"kind must be one of {', '.join(_possible(draft))}")
    return forge(draft)


def any_forged(draft: Draft, chance: Chance) -> Letter:
    """Return a hostile letter of some kind (knob `wx.cb_bad_crypto`)."""
    kinds = tuple((forge, 1.0) for forge in _possible(draft).values())
    return chance.pick("wx.cb_bad_crypto.kind", kinds)(draft)


def _possible(draft: Draft) -> dict[str, Forgery]:
    return FORGERIES if draft.is_sealed else _OPEN
