"""What the ingester counts, each with what to do when it moves."""

from prometheus_client import Counter, Gauge, Histogram

CALLBACKS = Counter(
    "ingest_callbacks",
    "Callbacks by outcome. broker_away or overloaded rising: the provider sends them again, look at"
    " Kafka. forbidden rising: the app secret was changed, or somebody else calls. replayed rising:"
    " somebody sends again what he overheard, or a clock is wrong. unknown_preview"
    " rising: somebody guesses links, or LINK_SIGNING_KEYS differs from the sender's. malformed or"
    " too_large at all: compare with the provider's page, it would resend them for days.",
    ["outcome"],
)
RATE_LIMITED = Counter(
    "ingest_rate_limited",
    "Requests of whatever kind answered with 429. Rising: one source asks for more than"
    " INGEST_RATE_PER_SOURCE; behind a proxy that INGEST_TRUSTED_PROXIES does not name, all callers"
    " are one source.",
)
EVENTS = Counter(
    "ingest_events",
    "Events that Kafka has, by type. Falls to zero while messages are sent: the callback is no"
    " longer registered, or the provider cannot reach us.",
    ["type"],
)
IGNORED = Counter(
    "ingest_ignored_parts",
    "Parts of authentic callbacks that became no event, by reason. malformed rising: the provider"
    " changed its format; the log event callback.received names the place.",
    ["reason"],
)
ANSWER_SECONDS = Histogram(
    "ingest_answer_seconds",
    "From the request's head to our answer. Above 1 s the provider counts it against us: Kafka is"
    " slow, or bodies arrive slowly.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
IN_FLIGHT = Gauge(
    "ingest_in_flight",
    "Callbacks that have arrived and are being worked on. At INGEST_IN_FLIGHT further ones get 503:"
    " look at ingest_answer_seconds, then start another ingester.",
)
