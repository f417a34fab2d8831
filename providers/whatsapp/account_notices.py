"""Which notices say that an account or a number of ours cannot send any more (WA 10). Pure."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

_ACCOUNT: Final = "account_update"
_NUMBER: Final = "phone_number_quality_update"


class Stopped(NamedTuple):
    """What cannot send, and why."""

    reason: str
    is_account: bool
    """All numbers of the account; else one, which is named only as people write it."""


class _Ban(msgspec.Struct, gc=False):
    waba_ban_state: str | None = None


class _Restriction(msgspec.Struct, gc=False):
    restriction_type: str = ""


class _Value(msgspec.Struct, gc=False):
    event: str = ""
    ban_info: _Ban | None = None
    restriction_info: list[_Restriction] = []


def stopped_by(kind: str, content: Mapping[str, Any]) -> Stopped | None:
    """Return what a notice says has to stop; None where it says nothing of that.

    A violation alone, and a ban that is only announced, are no reason: until then it may send.

    >>> stopped_by("account_update", {"event": "ACCOUNT_DELETED"})
    Stopped(reason='account_update ACCOUNT_DELETED', is_account=True)
    """
    if kind not in {_ACCOUNT, _NUMBER}:
        return None
    try:
        told = msgspec.convert(content, _Value)
    except msgspec.ValidationError:
        return None
    if kind == _NUMBER:
        return Stopped(f"{kind} FLAGGED", is_account=False) if told.event == "FLAGGED" else None
    why = _why(told)
    return None if why is None else Stopped(f"{kind} {why}", is_account=True)


def _why(told: _Value) -> str | None:
    match told:
        case _Value(event="ACCOUNT_DELETED"):
            return told.event
        case _Value(event="DISABLED_UPDATE", ban_info=_Ban(waba_ban_state="DISABLE")):
            return f"{told.event} DISABLE"
        case _Value(event="ACCOUNT_RESTRICTION"):
            types = (one.restriction_type for one in told.restriction_info)
            barred = [one for one in types if one.endswith("_MESSAGING")]
            return f"{told.event} {' '.join(barred)[:200]}" if barred else None
        case _:
            return None
