"""Whether Meta, or somebody who knows the app secret, wrote these bytes (CF-11).

``X-Hub-Signature-256: sha256=<64 lower-case hex digits>`` is the HMAC-SHA256 of the raw body under
the app secret. JSON that was parsed and written again has other bytes and another digest.
"""

import hmac
from collections.abc import Sequence

_PREFIX = "sha256="


def verify(body: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Return whether the header signs exactly this body under one of the secrets.

    Several secrets: while a secret is being changed, both are in use. Takes the same time whichever
    fits, and however much of the signature is right.

    >>> verify(b"{}", sign(b"{}", b"new"), [b"new", b"old"])
    True
    """
    given = (header or "").encode(errors="replace")
    fits = [hmac.compare_digest(sign(body, secret).encode(), given) for secret in secrets]
    return any(fits)


def sign(body: bytes, secret: bytes) -> str:
    """Return the header's value for a body."""
    return _PREFIX + hmac.digest(secret, body, "sha256").hex()
