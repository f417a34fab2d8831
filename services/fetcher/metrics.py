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
NOTICES = Counter(
    "fetcher_kf_notices",
    "Notices that a customer wrote to WeCom's customer service. `left`: WECOM_APPS names no app "
    "with kf for that company, or the notice names no account; its messages are not read.",
    ["outcome"],
)
SAID = Counter(
    "fetcher_kf_events",
    "What was read from WeCom's customer service: messages of customers, and notices.",
    ["kind"],
)
PAGES_FAILED = Counter(
    "fetcher_kf_pages_failed",
    "Pages that could not be read, by why; they are asked for again. `error 40001`, `error 48002`, "
    "`error 60020`: the secret, a right, or the list of trusted addresses is wrong.",
    ["why"],
)
UNREAD = Gauge(
    "fetcher_kf_unread",
    "Customer-service accounts with something to read. Rising: see fetcher_kf_pages_failed.",
)
