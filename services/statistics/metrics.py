"""What this process counts about itself, and what to do when a number rises."""

from prometheus_client import Counter, Gauge, Histogram

CHANGES = Counter(
    "statistics_changes",
    "Status changes read. Standing still while messages flow: look at /readyz and the log.",
)
REJECTED = Counter(
    "statistics_changes_rejected",
    "Records on status-changes that are none, put into its DLQ. Any: look there "
    "(sendtrail dlq list status-changes); somebody but the projector writes the topic.",
)
BATCH_SECONDS = Histogram(
    "statistics_batch_seconds",
    "From a batch taken to its entries acknowledged by the broker. Rising: the broker is slow.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
ENTRIES = Gauge(
    "statistics_entries",
    "Entries in memory, about 1 kB each. Rising without end: very many jobs or senders.",
)
RECOVERY_SECONDS = Gauge(
    "statistics_recovery_seconds",
    "How long this process took from its start until its entries were read back. Rising: "
    "the changelog is not compacted.",
)
