"""Why a callback is not taken in, by what the caller is told.

Refused
├── Forbidden       wrong signature or verify token: nothing of it is looked at (HTTP 403)
├── TooLarge        HTTP 413
└── NotArrived      the body did not come whole, or not in time (HTTP 408)
TryAgainLater       (HTTP 503, and the provider sends it again)
├── BrokerAway      Kafka did not acknowledge
└── Overloaded      too many callbacks at once
InvalidInput        authentic, but no callback (HTTP 400)
"""

from http import HTTPStatus

from starlette.exceptions import HTTPException

from runtime.errors import BrokerAway, InvalidInput, TryAgainLater


class Refused(HTTPException):
    """The answer is final: sending the same again brings the same answer."""


class Forbidden(Refused):
    """Who asks does not know the secret (CF-11, PC-04)."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.FORBIDDEN, "Forbidden")


class TooLarge(Refused):
    """The body has more bytes than are taken."""

    def __init__(self, limit: int) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: larger than {limit} bytes")


class NotArrived(Refused):
    """The caller hung up, or was too slow."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.REQUEST_TIMEOUT, "body: did not arrive in time")


class Overloaded(TryAgainLater):
    """All places are taken."""


OUTCOMES: dict[type[BaseException], str] = {
    Forbidden: "forbidden",
    TooLarge: "too_large",
    NotArrived: "not_arrived",
    Overloaded: "overloaded",
    BrokerAway: "broker_away",
    InvalidInput: "malformed",
}
"""The name of each in metrics and logs."""
