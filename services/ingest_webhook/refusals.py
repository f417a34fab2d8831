"""Why a callback is not taken in, by what the caller is told.

Refused
├── Forbidden       wrong signature or verify token: nothing of it is looked at (HTTP 403)
├── Replayed        rightly signed, but long ago or in the future (HTTP 403, the same words)
├── UnknownPreview  the link to a preview is none of ours (HTTP 404)
├── LinkExpired     it was one of ours (HTTP 410)
├── UnknownForm     the link to a form for feedback is none of ours (HTTP 404)
├── FormClosed      it was one of ours (HTTP 410)
├── TooLarge        HTTP 413
├── Encoded         compressed, or otherwise not as it was signed (HTTP 415)
├── NotArrived      the body did not come whole, or not in time (HTTP 408)
└── TooMany         the source's requests come too quickly (HTTP 429)
TryAgainLater       (HTTP 503, and the provider sends it again)
├── BrokerAway      Kafka did not acknowledge
├── ContentAway     what a preview's page shows cannot be had
└── Overloaded      too many callbacks at once
InvalidInput        authentic, but no callback (HTTP 400)
"""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from math import ceil
from typing import Final

from starlette.exceptions import HTTPException

from runtime.errors import BrokerAway, InvalidInput, TryAgainLater


class Refused(HTTPException):
    """The answer is final: sending the same again brings the same answer."""


class Forbidden(Refused):
    """Who asks does not know the secret (CF-11, PC-04)."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.FORBIDDEN, "Forbidden")


class Replayed(Refused):
    """Who asks may have overheard it. Told as any other wrong signature."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.FORBIDDEN, "Forbidden")


class UnknownPreview(Refused):
    """Nobody was sent this link, or not for this preview (PV-09)."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.NOT_FOUND, "Preview not found")


class LinkExpired(Refused):
    """Somebody was sent this link, too long ago."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.GONE, "Preview link expired")


class UnknownForm(Refused):
    """Nobody was sent this link to a form (NF-04)."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.NOT_FOUND, "Feedback link not found")


class FormClosed(Refused):
    """A push carried this link, too long ago."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.GONE, "Feedback link expired")


class TooLarge(Refused):
    """The body has more bytes than are taken."""

    def __init__(self, limit: int) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: larger than {limit} bytes")


class Encoded(Refused):
    """No provider compresses its callbacks, and we never unpack what somebody else made small."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding: must be absent")


class NotArrived(Refused):
    """The caller hung up, or was too slow: it does not get another chance on this connection."""

    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.REQUEST_TIMEOUT,
            "body: did not arrive in time",
            headers={"Connection": "close"},
        )


class TooMany(Refused):
    """The source has used up what it may ask for now."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(
            HTTPStatus.TOO_MANY_REQUESTS,
            "Too many requests",
            headers={"Retry-After": str(ceil(wait.total_seconds()))},
        )


class Overloaded(TryAgainLater):
    """All places are taken."""


class ContentAway(TryAgainLater):
    """The scheduler does not say what a preview shows: nobody confirms what they have not seen."""


_OUTCOMES: Final[Mapping[type[BaseException], str]] = {
    Forbidden: "forbidden",
    Replayed: "replayed",
    UnknownPreview: "unknown_preview",
    LinkExpired: "link_expired",
    UnknownForm: "unknown_form",
    FormClosed: "form_closed",
    TooMany: "too_many",
    TooLarge: "too_large",
    Encoded: "encoded",
    NotArrived: "not_arrived",
    Overloaded: "overloaded",
    BrokerAway: "broker_away",
    ContentAway: "content_away",
    InvalidInput: "malformed",
}
"""The name of each in metrics and logs."""

_FAILED: Final = "failed"
"""None of the refusals: a fault of ours, or a stop in between."""


def outcome_of(error: BaseException) -> str:
    """Return the word for it in metrics and logs."""
    return _OUTCOMES.get(type(error), _FAILED)
