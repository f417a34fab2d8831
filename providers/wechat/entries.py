"""What the id of a menu entry carries: its key, and which question it answers (PV-06, WX 14.3).

WeChat gives back nothing but this id when an entry is pressed, and people press those of old menus
too. So the question stands in it, behind a sign that neither a task id nor a message id can hold.
"""

from typing import Final

LONGEST_ENTRY: Final = 257
"""Characters of an id of ours: those of a key, the sign, those of a task id."""
_BETWEEN: Final = "#"


def entry_id(key: str, about: str) -> str:
    """Return the id of the entry with that key.

    >>> entry_id("confirm", "preview-8f2c")
    'confirm#preview-8f2c'
    """
    return f"{key}{_BETWEEN}{about}"


def parts_of(entry: str) -> tuple[str, str]:
    """Return the key and the question; of an entry that is not ours both are its id.

    >>> parts_of("confirm#preview-8f2c"), parts_of("101")
    (('confirm', 'preview-8f2c'), ('101', '101'))
    """
    key, between, about = entry.rpartition(_BETWEEN)
    return (key, about) if between and key and about else (entry, entry)
