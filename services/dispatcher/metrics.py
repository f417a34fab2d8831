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
SENDERS_HALTED = Gauge(
    "dispatcher_sender_halted",
    "1 while a sending account cannot send. Mend its token, payment or standing; it is tried"
    " again by itself.",
    ["sender"],
)
OVERDUE = Gauge(
    "dispatcher_overdue_seconds",
    "For how long the oldest waiting message of a sender has been due. Rising: its rate or its"
    " provider is the bottleneck, or it is halted.",
    ["sender"],
)
LATE_MESSAGES = Gauge(
    "dispatcher_late_messages",
    "Messages of a sender that have been due for more than 5 minutes, counted up to 3,000, although"
    " it is neither halted nor at its rate. Above 0: look at the dispatchers and the provider.",
    ["sender"],
)
WAITING = Gauge(
    "dispatcher_waiting",
    "Messages of a sender that wait in the ledger: `due`, for room or behind others; or `later`,"
    " for their time. Counted each minute. due rising: more comes than its rate lets through.",
    ["sender", "state"],
)
RETRIES = Counter(
    "dispatcher_retries",
    "Calls of a sender that repeat an earlier one. Rising: see the provider_code of its failures.",
    ["sender"],
)
LANE = Gauge(
    "dispatcher_lane",
    "Requests waiting in memory for one sender. Falling to 0 again and again: it is slow, and what"
    " comes for it is put down in the ledger.",
    ["sender"],
)
DOUBTFUL = Gauge(
    "dispatcher_doubtful",
    "Messages of a sender that may have been sent. Rising: answers get lost, or callbacks do.",
    ["sender"],
)
WISHES = Counter(
    "dispatcher_wishes",
    "Recipients who said `out` or `in`, each name of theirs. `out` rising: look at what is sent.",
    ["channel", "scope", "wish"],
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
READ_MARKS = Counter(
    "dispatcher_read_marks",
    "Marks that a message was read, by what came of them. failed rising: see why in the log; people"
    " do not see that they were read, and nothing else is the matter.",
    ["channel", "outcome"],
)
