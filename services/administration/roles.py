"""Which roles every installation has (AU-04), and who may give which."""

from collections.abc import Iterable, Mapping
from typing import Final

from runtime.auth import Caller, Permission
from runtime.errors import Forbidden

_P = Permission

TECHNICIAN: Final = frozenset(
    {_P.MESSAGES_SEND, _P.MESSAGES_VIEW, _P.MEDIA_UPLOAD, _P.EVENTS_TRACK, _P.TASKS_VIEW}
)
AGENT: Final = TECHNICIAN | {_P.JOBS_VIEW, _P.CUSTOMER_VIEW, _P.CUSTOMER_TAGS_VIEW}
OPERATOR: Final = frozenset(Permission) - {
    _P.USERS_MANAGE,
    _P.AUDIT_VIEW,
    _P.PEOPLE_ERASE,
    _P.TASKS_PUSH,
}

ADMINISTRATOR: Final = "administrator"

BUILT_IN: Final[Mapping[str, frozenset[Permission]]] = {
    "agent": AGENT,
    "technician": TECHNICIAN,
    "operator": OPERATOR,
    ADMINISTRATOR: frozenset(Permission),
    # A machine that sends: it looks at nothing but what became of its own doing.
    "upstream": frozenset(
        {
            _P.MESSAGES_SEND,
            _P.MESSAGES_VIEW,
            _P.JOBS_RUN,
            _P.JOBS_VIEW,
            _P.MEDIA_UPLOAD,
            _P.EVENTS_TRACK,
        }
    ),
}
"""The preview's recipients of AU-04 have none: they answer in WeChat and never sign in."""


def must_cover(caller: Caller, permissions: Iterable[str]) -> None:
    """Raise `Forbidden` where somebody would get, or lose, more than the caller has."""
    beyond = sorted(set(permissions) - caller.permissions)
    if beyond:
        raise Forbidden(f"beyond your own permissions: {', '.join(beyond)}")
