"""The projector's metrics; each help text ends with what to do when it moves."""

from prometheus_client import Counter, Gauge

APPLIED = Counter(
    "projector_records_applied", "Records applied. Flat while topics grow: see consumer lag."
)
CHANGED = Counter(
    "projector_status_changes",
    "Transitions by new status. failed rising: see error codes in the statistics.",
    ["to_status"],
)
REPUBLISHED = Counter(
    "projector_changes_republished",
    "Changes published again after a crash or an unknown commit. Rising steadily: broker trouble.",
)
PARKED = Gauge(
    "projector_events_parked",
    "Events whose message is unknown yet. Rising: replies lag behind callbacks.",
)
EXPIRED = Counter(
    "projector_events_expired",
    "Parked events given up on. Rising: somebody else sends on the same number; see the DLQ.",
)
CLIENTS = Gauge("projector_live_clients", "Live connections. Falling to 0: see the proxy.")
DROPPED = Counter(
    "projector_live_clients_dropped",
    "Live connections closed because they did not keep up. Rising: a client is too slow.",
)
GAPS = Counter(
    "projector_live_gaps",
    "Clients that came back with a cursor older than what is kept. Rising: PROJECTOR_LIVE_KEEP.",
)
STALE = Gauge(
    "projector_stale_messages",
    "Messages of a sender, of an hour's, that nobody has called back about for"
    " PROJECTOR_STALE_AFTER. Rising: callbacks do not arrive; look at the ingester.",
    ["sender"],
)
STALE_SHARE = Gauge(
    "projector_stale_share",
    "The part of that hour's messages that they are. Above PROJECTOR_STALE_SHARE it is logged as"
    " callbacks.missing.",
    ["sender"],
)
