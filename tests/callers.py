"""Who calls in tests: tokens that stand for themselves, signed by the tests' own key."""

from datetime import timedelta
from typing import Final

from runtime.auth import Caller, Permission, issue
from runtime.clock import now

SIGNING_KEY: Final = "the tests' own signing key and nobody else's"

EVERYBODY: Final = Caller("1", None, frozenset(Permission))
"""May do everything, and sees every tenant."""


def of_tenant(tenant_id: str, *permissions: Permission) -> Caller:
    """Return somebody of this tenant; with every permission where none is named."""
    return Caller("2", tenant_id, frozenset(permissions or Permission))


def signed_in(
    caller: Caller = EVERYBODY, *, lasts: timedelta = timedelta(hours=1)
) -> dict[str, str]:
    """Return the headers of their calls."""
    return {"Authorization": f"Bearer {token_of(caller, lasts=lasts)}"}


def token_of(caller: Caller = EVERYBODY, *, lasts: timedelta = timedelta(hours=1)) -> str:
    """Return their token."""
    return issue(caller, until=now() + lasts, key=SIGNING_KEY)
