"""The fetcher's metrics; each help text ends with what to do when it moves."""

from prometheus_client import Counter, Gauge, Histogram

MEDIA = Counter(
    "fetcher_media",
    "Files by what became of them: stored, or the reason of their loss. gave_up or not_found "
    "rising: see fetcher_attempts_failed.",
    ["channel", "outcome"],
)
FAILED = Counter(
    "fetcher_attempts_failed",
    "Attempts that are repeated, by why. `look-up: error 190`: the access token is not valid; "
    "`address of an unknown host`: WHATSAPP_MEDIA_HOSTS lacks it; `store …`: the store is full, "
    "forbidden or away.",
    ["channel", "why"],
)
WAITING = Gauge(
    "fetcher_waiting",
    "Files that are neither stored nor lost. Rising: the provider or the store is away, or "
    "FETCHER_AT_ONCE is too low.",
    ["channel"],
)
FETCHING = Gauge(
    "fetcher_fetching",
    "Files on their way in this process. At FETCHER_AT_ONCE for long: downloads are slow.",
)
SECONDS = Histogram(
    "fetcher_seconds",
    "How long the attempts took that stored a file. Rising: the provider or the store is slow.",
    ["channel"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600),
)
