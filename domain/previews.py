"""What the answers to a preview make of it (PV-07, PV-08, CF-26)."""

from collections.abc import Iterable
from enum import StrEnum

from domain.answers import Choice


class PreviewStatus(StrEnum):
    """Where a preview stands (PV-10)."""

    SENT = "sent"
    """Nobody has answered."""
    CONFIRMED = "confirmed"
    MODIFIED = "modified"
    """Somebody wants something changed: it takes another preview."""


def status_after(choices: Iterable[Choice]) -> PreviewStatus:
    """Return where the answers leave it, in whatever order they came.

    >>> status_after([Choice.CONFIRM, Choice.MODIFY, Choice.CONFIRM])
    <PreviewStatus.MODIFIED: 'modified'>
    """
    given = frozenset(choices)
    if Choice.MODIFY in given:
        return PreviewStatus.MODIFIED
    return PreviewStatus.CONFIRMED if given else PreviewStatus.SENT
