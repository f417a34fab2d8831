"""How the failures heard of a message, or of a participant, are stored: one column for both."""

import json
from datetime import datetime
from typing import Any

from domain.failures import ErrorCode, Failure, Origin
from domain.lifecycle import Evidence, FailedAt


def failed_at(stored: dict[str, Any] | None, origin: Origin) -> FailedAt | None:
    """Return a stored failure."""
    if stored is None:
        return None
    failure = Failure(
        ErrorCode(stored["code"]), origin, stored.get("providerCode"), stored.get("detail")
    )
    return FailedAt(datetime.fromisoformat(stored["at"]), failure)


def failures_of(evidence: Evidence) -> str | None:
    """Return the failures heard of, whether or not they count, as JSON."""
    heard = {"refused": evidence.refused, "inferred": evidence.inferred}
    stored = {
        kind: {
            "at": failed.at.isoformat(),
            "code": failed.failure.code,
            "providerCode": failed.failure.provider_code,
            "detail": failed.failure.detail,
        }
        for kind, failed in heard.items()
        if failed is not None
    }
    return json.dumps(stored) if stored else None
