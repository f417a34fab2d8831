"""How Meta signs a webhook (WhatsApp fact sheet, 7.3)."""

import hmac

HEADER = "X-Hub-Signature-256"


def sign(app_secret: bytes, body: bytes) -> str:
    """Return the header value: HMAC-SHA256 of the raw body, lower-case hexadecimal."""
    return "sha256=" + hmac.digest(app_secret, body, "sha256").hex()
