"""Whether a person may be answered freely, or only by a template (IM-26, CF-56, WA 4)."""

from datetime import datetime, timedelta

from domain.failures import ErrorCode, Failure, Origin


def is_open(last_inbound_at: datetime | None, window: timedelta | None, now: datetime) -> bool:
    """Tell whether the person's last message is younger than the window.

    ``window``: the channel's; without one there is nothing to be closed.
    """
    if window is None:
        return True
    return last_inbound_at is not None and now - last_inbound_at < window


def closed(window: timedelta) -> Failure:
    """Return why a free-form message is not sent.

    >>> closed(timedelta(hours=24)).detail
    "more than 24 hours since the recipient's last message: only a template may be sent"
    """
    hours = window / timedelta(hours=1)
    detail = f"more than {hours:g} hours since the recipient's last message"
    return Failure(
        ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail=f"{detail}: only a template may be sent"
    )
