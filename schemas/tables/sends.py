"""What the scheduler has accepted and still has to hand to Kafka, and what it has answered."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

idempotency_keys = sa.Table(
    "idempotency_keys",
    METADATA,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    # The creating call, e.g. "POST /api/v1/im/messages".
    sa.Column("call", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("body_hash", sa.LargeBinary, nullable=False),
    # Null until the work behind the answer is durable: a repetition then does it again.
    sa.Column("answer", JSONB),
    sa.Column("created_at", MOMENT, nullable=False, index=True),
)

accepted_sends = sa.Table(
    "accepted_sends",
    METADATA,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("sent_at", MOMENT, nullable=False),
    # Null: published at once. Otherwise when it is to be published.
    sa.Column("due_at", MOMENT),
    # The request, until it is published: an envelope (runtime/vault.py).
    sa.Column("request", sa.LargeBinary),
    sa.Column("published_at", MOMENT),
    sa.Column("tenant_id", sa.Text),
    sa.Index(
        "accepted_sends_due",
        "due_at",
        postgresql_where=sa.text("published_at IS NULL AND due_at IS NOT NULL"),
    ),
    sa.Index("accepted_sends_sent_at", "sent_at"),
)

jobs = sa.Table(
    "jobs",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("tenant_id", sa.Text),
    sa.Column("name", sa.String(100)),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("sender_id", sa.Text, nullable=False),
    # In the clear: of a job that a scheduler before version 0032 stored.
    sa.Column("content", JSONB),
    sa.Column("priority", sa.String(10), nullable=False, server_default="medium"),
    sa.Column("when_limited", sa.String(10), nullable=False, server_default="wait"),
    sa.Column("expires_at", MOMENT),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("started_at", MOMENT),
    sa.Column("finished_at", MOMENT),
    # While it is paused.
    sa.Column("paused_reason", sa.Text),
    # The number of its last change.
    sa.Column("changes", sa.Integer, nullable=False, server_default="0"),
    # Its content with the placeholders in its texts, an envelope under its tenant's key
    # (services/scheduler/store/contents.py). What is personal is in the rows.
    sa.Column("sealed", sa.LargeBinary),
    sa.Index(
        "jobs_unfinished",
        "created_at",
        postgresql_where=sa.text("status IN ('pending', 'running', 'paused')"),
    ),
    sa.Index("jobs_created", "created_at", "job_id"),
)

job_items = sa.Table(
    "job_items",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("message_id", sa.Text, nullable=False, unique=True),
    # A keyed hash of the recipient, and `JobRow` (schemas/sealed.py), sealed; both are gone once
    # the person was erased.
    sa.Column("person", sa.LargeBinary),
    sa.Column("sealed", sa.LargeBinary),
    # As domain/job_rows.py has them. Skipped ones have a reason; so have cancelled ones whose
    # request was in the stream already and was refused there.
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("error_code", sa.String(50)),
    sa.Column("error_detail", sa.Text),
    sa.CheckConstraint(
        "state IN ('waiting', 'fed', 'settled', 'failed', 'skipped', 'cancelled')",
        name="job_items_state",
    ),
    sa.Index("job_items_waiting", "job_id", "row", postgresql_where=sa.text("state = 'waiting'")),
    sa.Index("job_items_fed", "job_id", postgresql_where=sa.text("state = 'fed'")),
    sa.Index(
        "job_items_unreached",
        "job_id",
        "row",
        postgresql_where=sa.text("state IN ('failed', 'skipped', 'cancelled')"),
    ),
    postgresql_with={"fillfactor": "70"},
)
