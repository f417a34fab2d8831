"""How this service's facts look on Kafka, whoever in it tells them."""

from datetime import timedelta
from typing import Final

from domain.failures import Failure
from schemas.topics.provider_events import FailureReason

SOURCE: Final = "/sendtrail/dispatcher"
ACKNOWLEDGED_WITHIN: Final = timedelta(seconds=5)


def reason_of(failure: Failure) -> FailureReason:
    """Return the failure in the shape it has on the wire."""
    return FailureReason(
        code=failure.code,
        origin=failure.origin,
        provider_code=failure.provider_code,
        detail=failure.detail,
    )


def failure_of(reason: FailureReason) -> Failure:
    """Return the failure that a fact tells of."""
    return Failure(reason.code, reason.origin, reason.provider_code, reason.detail)
