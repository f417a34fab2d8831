"""What the scheduler keeps beside a job: outcomes, rows never sent, changes to be told."""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

# Apart from `jobs`, whose rows are locked while a step of feeding waits for the broker.
job_outcomes = sa.Table(
    "job_outcomes",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    # Of the present window (domain/breaker.py).
    sa.Column("reached", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    # Why the job is to be paused, once its breaker has tripped.
    sa.Column("tripped", sa.Text),
    # When a row was last heard of, or the job resumed.
    sa.Column("heard_at", MOMENT, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

# Moved with the rows of `job_items`, so that nobody has to count those.
job_unsent = sa.Table(
    "job_unsent",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("skipped", sa.Integer, nullable=False),
    sa.Column("cancelled", sa.Integer, nullable=False),
    # Of the cancelled ones those that were in the stream: they have messages, which failed.
    sa.Column("recalled", sa.Integer, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

# Deleted once task-changes is known to have them.
job_changes = sa.Table(
    "job_changes",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("from_status", sa.String(20)),
    sa.Column("to_status", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("changed_at", MOMENT, nullable=False),
)
