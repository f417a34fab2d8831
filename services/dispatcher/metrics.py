"""The dispatcher's metrics; each help text ends with what to do when it moves."""

from prometheus_client import Counter, Gauge

CALLS = Counter(
    "dispatcher_attempts",
    "Attempts by verdict. WaitUntil rising: the provider throttles or is away; see provider_code.",
    ["channel", "verdict"],
)
IN_DOUBT = Counter(
    "dispatcher_in_doubt",
    "In-doubt messages by what became of them. unknown_outcome rising: callbacks do not arrive.",
    ["outcome"],
)
IN_FLIGHT = Gauge(
    "dispatcher_in_flight",
    "Requests taken from Kafka and not finished. At its bound: the provider is the bottleneck.",
)
CALLING = Gauge(
    "dispatcher_calls_in_progress",
    "Provider calls right now. At its bound with a low rate: the provider answers slowly.",
)
RESULTS = Counter(
    "dispatcher_results_asked",
    "Questions about results, by what came of them. later rising: the provider cannot tell.",
    ["channel", "outcome"],
)
FALLBACKS = Counter(
    "dispatcher_fallbacks",
    "Fallbacks by what became of them. send rising: messages fail, or do not arrive in time.",
    ["step"],
)
