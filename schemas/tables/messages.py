"""The trail: messages, their histories, notices, what waits for its message, what was applied.

Written by ``status_projector`` alone. Column names of ``messages`` follow CF-15.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from schemas.tables import METADATA

MOMENT = sa.DateTime(timezone=True)

messages = sa.Table(
    "messages",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("sender_id", sa.Text, nullable=False),
    # A user id where the person hides the number (CF-15).
    sa.Column("customer_phone", sa.Text, nullable=False),
    sa.Column("customer_user_id", sa.Text),
    sa.Column("customer_name", sa.Text),
    sa.Column("message_type", sa.String(20), nullable=False),
    sa.Column("message_content", sa.Text),
    sa.Column("context", JSONB),
    sa.Column("file_url", sa.String(500)),
    sa.Column("file_name", sa.String(255)),
    sa.Column("file_type", sa.String(100)),
    # Why a file that came with it is not there: a reason of `MediaLost`.
    sa.Column("file_error", sa.String(20)),
    sa.Column("message_direction", sa.String(10), nullable=False),
    sa.Column("whatsapp_message_id", sa.String(255)),
    sa.Column("delivery_status", sa.String(20), nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False, server_default="0"),
    sa.Column("sent_at", MOMENT, nullable=False),
    sa.Column("started_at", MOMENT),
    sa.Column("accepted_at", MOMENT),
    sa.Column("delivered_at", MOMENT),
    sa.Column("read_at", MOMENT),
    sa.Column("failed_at", MOMENT),
    sa.Column("error_code", sa.String(50)),
    sa.Column("error_message", sa.Text),
    # The failures heard of, whether or not they decide the status: {"refused": …, "inferred": …}.
    sa.Column("failures", JSONB),
    # What the provider said first of its price: {"at": …, "pricing": …}.
    sa.Column("pricing", JSONB),
    sa.Column("tenant_id", sa.Text),
    sa.Column("case_id", sa.Text),
    sa.Column("queue_id", sa.Text),
    sa.Column("contact_id", sa.Text),
    sa.Column("wa_account_type", sa.Text),
    sa.Column("wa_account_id", sa.Text),
    sa.Column("job_id", sa.Text),
    sa.Column("original_message_id", sa.Text),
    sa.Column("retried", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("updated_at", MOMENT, nullable=False),
    sa.Index(
        "messages_whatsapp_message_id_key",
        "whatsapp_message_id",
        unique=True,
        postgresql_where=sa.text("whatsapp_message_id IS NOT NULL"),
    ),
    sa.Index("messages_job_id", "job_id", "id", postgresql_where=sa.text("job_id IS NOT NULL")),
    # Room on each page for the four or five updates of a message's life.
    postgresql_with={"fillfactor": "50"},
)

message_status_history = sa.Table(
    "message_status_history",
    METADATA,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    # Partitioned by it, by month (retention drops partitions; there is no DEFAULT partition).
    sa.Column("recorded_at", MOMENT, primary_key=True),
    sa.Column("from_status", sa.String(20), nullable=False),
    sa.Column("to_status", sa.String(20), nullable=False),
    sa.Column("updated_at", MOMENT, nullable=False),
    sa.Column("source", sa.String(10), nullable=False),
    # The record that caused it: what a crash left unpublished is found by it.
    sa.Column("source_topic", sa.Text, nullable=False),
    sa.Column("source_partition", sa.Integer, nullable=False),
    sa.Column("source_offset", sa.BigInteger, nullable=False),
    # The published record, byte for byte.
    sa.Column("change", sa.LargeBinary, nullable=False),
    sa.Index("message_status_history_source", "source_topic", "source_partition", "source_offset"),
    postgresql_partition_by="RANGE (recorded_at)",
)

parked_events = sa.Table(
    "parked_events",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    # Either of the names under which its message may become known.
    sa.Column("message_id", sa.Text, index=True),
    sa.Column("whatsapp_message_id", sa.Text, index=True),
    sa.Column("source_topic", sa.Text, nullable=False),
    sa.Column("source_partition", sa.Integer, nullable=False),
    sa.Column("source_offset", sa.BigInteger, nullable=False),
    sa.Column("record_key", sa.LargeBinary),
    sa.Column("record_value", sa.LargeBinary, nullable=False),
    sa.Column("record_headers", JSONB, nullable=False),
    sa.Column("parked_at", MOMENT, nullable=False, index=True),
)

applied_offsets = sa.Table(
    "applied_offsets",
    METADATA,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    # The first offset that is not applied yet.
    sa.Column("next_offset", sa.BigInteger, nullable=False),
    # Grows with each new owner; who carries an older one may not write.
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
)

provider_notices = sa.Table(
    "provider_notices",
    METADATA,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("notice_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text, nullable=False),
    sa.Column("about", sa.Text),
    sa.Column("content", JSONB, nullable=False),
    sa.Column("occurred_at", MOMENT),
    sa.Column("received_at", MOMENT, nullable=False),
    sa.Index("provider_notices_kind", "kind", "received_at"),
)

job_progress = sa.Table(
    "job_progress",
    METADATA,
    sa.Column("job_id", sa.Text, primary_key=True),
    # How many of the job's messages have each status now.
    sa.Column("pending", sa.Integer, nullable=False, server_default="0"),
    sa.Column("sending", sa.Integer, nullable=False, server_default="0"),
    sa.Column("sent", sa.Integer, nullable=False, server_default="0"),
    sa.Column("delivered", sa.Integer, nullable=False, server_default="0"),
    sa.Column("read", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("updated_at", MOMENT, nullable=False),
    # How many ended lately: fades with time (domain/throughput.py), measured since then.
    sa.Column("recent", sa.Double, nullable=False, server_default="0"),
    sa.Column("recent_since", MOMENT),
    sa.Column("recent_at", MOMENT),
)
