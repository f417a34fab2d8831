"""Which outcome the tail of an id chooses, without any set-up (section 6, second way)."""

from typing import Literal

Tail = Literal["_notfriend", "_quota", "_never", "_late", "_invalid"]

# What happens to a customer, or to a group, of this tail.
CUSTOMERS: dict[Tail, str] = {
    "_notfriend": "its row becomes 2",
    "_quota": "its row becomes 3",
    "_never": "its row stays 0",
    "_late": "its row becomes 1 hours later",
    "_invalid": "refused at creation (`fail_list`)",
}
# What a member of this tail does.
MEMBERS: dict[Tail, str] = {
    "_never": "never confirms a group send",
    "_late": "confirms hours later",
    "_invalid": "is not a member (`invaliduser`)",
}


def tail_of(anybody: str) -> Tail | None:
    """Return the tail of an id; none where it is not magic.

    >>> tail_of("wmSomeone_quota"), tail_of("wmSomeone")
    ('_quota', None)
    """
    return next((tail for tail in CUSTOMERS if anybody.endswith(tail)), None)
