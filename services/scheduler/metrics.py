"""What the scheduler counts, each with what to do when it moves."""

from prometheus_client import Counter, Gauge, Histogram

SENDS_ACCEPTED = Counter(
    "scheduler_sends_accepted",
    "Single sends answered with 201, at once or timed. Falls to zero while callers get 503:"
    " look at /readyz.",
    ["when"],
)
ROWS_FED = Counter(
    "scheduler_rows_fed",
    "Rows of jobs published to send-requests. Stands still while jobs are unfinished: the window"
    " is full, so look at the dispatcher, or status-changes is not read, so look at the lag of"
    " the group scheduler.",
)
ROWS_SKIPPED = Counter(
    "scheduler_rows_skipped",
    "Rows of jobs refused with a reason. A rising share means a bad list of recipients: read"
    " error_detail of the job's rows.",
)
ROWS_SETTLED = Counter(
    "scheduler_rows_settled",
    "Rows whose message a provider has or that failed. Lags behind rows_fed by at most a window"
    " a job.",
)
DUE_LAG = Histogram(
    "scheduler_due_lag_seconds",
    "From due time to the broker's acknowledgement. Above a second: too many sends due at once"
    " for this many schedulers, or the database or the broker is slow.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60),
)
JOBS_UNFINISHED = Gauge(
    "scheduler_jobs_unfinished",
    "Jobs pending or running. Grows without end: jobs come faster than the pipeline sends, or"
    " one makes no progress.",
)
JOBS_PAUSED = Gauge(
    "scheduler_jobs_paused",
    "Jobs that wait for somebody to resume or cancel them: `paused_reason` of `jobs` says why.",
)
JOBS_TRIPPED = Counter(
    "scheduler_jobs_tripped",
    "Jobs paused because too many of their messages failed. Read the error codes of the job's"
    " messages, mend the cause, and resume or cancel it.",
)
JOBS_STALLED = Gauge(
    "scheduler_jobs_stalled",
    "Running jobs of whose rows nothing was heard for JOB_STALLS_AFTER; the log names each. Look at"
    " the dispatcher's waits and at the lag of the group scheduler.",
)
NOTICES_HANDED_OVER = Counter(
    "scheduler_notices_handed_over",
    "Reminders and results that went to send-requests as service notifications. Stands still while"
    " tasks run: WECHAT_APP_ID or NOTICE_TEMPLATES is not set, or users have no openid.",
)
ALERTS_TOLD = Counter(
    "scheduler_alerts_told",
    "Alerts about failed pushes that went to the robot of ALERT_ROBOT; each sums up a minute.",
)
FEEDBACK_KEPT = Counter(
    "scheduler_feedback_kept",
    "Opinions about pushes that were stored, repeated ones included.",
)
PUSH_LAG = Histogram(
    "scheduler_push_lag_seconds",
    "From when a push was due to the broker's acknowledgement of all its groups. Above a second:"
    " too many tasks due at once for this many schedulers, or the database or the broker is slow;"
    " what was late when it was caught up on counts as well.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 900),
)
PUSH_REQUESTS = Counter(
    "scheduler_push_requests",
    "Groups of pushes published to send-requests. Stands still while tasks are due: look at"
    " /readyz.",
)
PUSHES_STALLED = Gauge(
    "scheduler_pushes_stalled",
    "Pushes under way of whose groups nothing was heard for PUSH_STALLS_AFTER; the log names each."
    " Look at the dispatcher's waits and at the lag of the group scheduler.",
)
