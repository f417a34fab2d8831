"""What each error code looks like on the wire (WhatsApp fact sheet, 2.4 and 3)."""

from typing import NamedTuple

import msgspec

from simulator.wire import Answer

HREF = "/documentation/business-messaging/whatsapp/support/error-codes"


class Refusal(NamedTuple):
    """Why a call is refused: code, the reason in words, and what deviates from the code's row."""

    code: int
    details: str
    subcode: int = 0
    is_graph: bool = False
    """The Graph API's own error: its text is the details alone (WA 2.4, second table)."""


class _Row(NamedTuple):
    http: int
    title: str


# WA 3: code -> HTTP status and title.
ERRORS: dict[int, _Row] = {
    0: _Row(401, "AuthException"),
    1: _Row(400, "API Unknown"),
    2: _Row(503, "API Service"),
    3: _Row(500, "API Method"),
    4: _Row(400, "API Too Many Calls"),
    10: _Row(403, "Permission Denied"),
    33: _Row(400, "Parameter value is not valid"),
    100: _Row(400, "Invalid parameter"),
    190: _Row(401, "Access token has expired"),
    200: _Row(403, "API Permission"),
    368: _Row(403, "Temporarily blocked for policies violations"),
    2200: _Row(400, "Callback verification failed"),
    2500: _Row(400, "Unknown path components"),
    80007: _Row(400, "Rate limit issues"),
    130429: _Row(400, "Rate limit hit"),
    130472: _Row(400, "User's number is part of an experiment"),
    130497: _Row(403, "Business account is restricted from messaging users in this country."),
    131000: _Row(500, "Something went wrong"),
    131005: _Row(403, "Access denied"),
    131008: _Row(400, "Required parameter is missing"),
    131009: _Row(400, "Parameter value is not valid"),
    131016: _Row(500, "Service unavailable"),
    131021: _Row(400, "Recipient cannot be sender"),
    131026: _Row(400, "Message undeliverable"),
    131030: _Row(400, "Recipient phone number not in allowed list"),
    131031: _Row(403, "Account has been locked"),
    131037: _Row(400, "Display name approval required before message can be sent"),
    131042: _Row(400, "Business eligibility payment issue"),
    131045: _Row(500, "Incorrect certificate"),
    131047: _Row(400, "Re-engagement message"),
    131048: _Row(400, "Spam rate limit hit"),
    131049: _Row(400, "This message was not delivered to maintain healthy ecosystem engagement."),
    131050: _Row(400, "User has stopped marketing messages from this business"),
    131051: _Row(400, "Unsupported message type"),
    131052: _Row(400, "Media download error"),
    131053: _Row(400, "Media upload error"),
    131056: _Row(400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: _Row(500, "Account in maintenance mode"),
    131062: _Row(400, "Business-scoped user id not allowed for this message"),
    131063: _Row(400, "Marketing templates disabled for this account"),
    131064: _Row(400, "Messaging limit reached by template classification violations"),
    132000: _Row(400, "Template Param Count Mismatch"),
    132001: _Row(404, "Template does not exist"),
    132005: _Row(400, "Template Hydrated Text Too Long"),
    132007: _Row(400, "Template Format Character Policy Violated"),
    132012: _Row(400, "Template Parameter Format Mismatch"),
    132015: _Row(400, "Template is Paused"),
    132016: _Row(400, "Template is Disabled"),
    133010: _Row(400, "Phone number not registered"),
    134011: _Row(400, "WhatsApp Business payments terms of service not accepted"),
    135000: _Row(400, "Generic user error"),
    137000: _Row(400, "Recipient identity key hash mismatch"),
}
_UNLISTED = _Row(400, "Unknown error")

# Their HTTP status is the knob `wa.throttle_http` (section 2.5).
THROTTLES = frozenset({4, 80007, 130429, 131048, 131056, 131064})

# A second call after one of these is a mistake of the product (section 9). Left out: throttles,
# 5xx kinds, and what a new token, approval, registration or word of the user mends.
PERMANENT = frozenset(
    {100, 131008, 131009, 131021, 131026, 131030, 131050, 131051, 131053}
    | {132000, 132005, 132007, 132012, 132016, 130472, 130497, 137000}
)

# Codes that only the Graph API itself uses, and those of them without a number in the text.
_GRAPH_CODES = frozenset({190, 2200, 2500})
_WITHOUT_NUMBER = frozenset({190, 2500})


def title_of(code: int) -> str:
    """Return the title of a code."""
    return ERRORS.get(code, _UNLISTED).title


def render(refusal: Refusal, trace: str, throttle_http: int) -> Answer:
    """Return the refusal in the shape of WA 2.4."""
    code, details, subcode, is_graph = refusal
    row = ERRORS.get(code, _UNLISTED)
    is_graph = is_graph or subcode > 0 or code in _GRAPH_CODES
    text = details if is_graph else row.title
    is_bare = code in _WITHOUT_NUMBER or subcode > 0
    error: dict[str, object] = {
        "message": text if is_bare else f"(#{code}) {text}",
        "type": "GraphMethodException" if (code, subcode) == (100, 33) else "OAuthException",
        "code": code,
    }
    if not is_graph:
        error["error_data"] = {"messaging_product": "whatsapp", "details": details}
    if subcode:
        error["error_subcode"] = subcode
    error["fbtrace_id"] = trace
    status = throttle_http if code in THROTTLES else row.http
    return Answer(status, msgspec.json.encode({"error": error}))


def status_error(code: int) -> dict[str, object]:
    """Return the entry of `errors[]` in a `failed` status (WA 8): title equals message."""
    title = title_of(code)
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": f"{title} (simulated)."},
        "href": HREF,
    }
