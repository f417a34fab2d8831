"""The trail: messages, their histories, notices, what waits for its message, what was applied.

Written by ``status_projector`` alone. Column names of ``messages`` follow CF-15.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from schemas.tables import METADATA

MOMENT = sa.DateTime(timezone=True)


def partial_index(name: str, *columns: str, where: str) -> sa.Index:
    """Return an index of some rows only."""
    return sa.Index(name, *columns, postgresql_where=sa.text(where))


# Partitioned by month of `created_at`, without a DEFAULT partition. Each month has keys of its own:
# PRIMARY KEY (message_id), UNIQUE (whatsapp_message_id), see `partitions.py`; across months the
# projector's locks keep them unique.
messages = sa.Table(
    "messages",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("sender_id", sa.Text, nullable=False),
    # A keyed hash of the other side's address on this channel: who has the key of what is sealed.
    sa.Column("person", sa.LargeBinary, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("message_type", sa.String(20), nullable=False),
    # A `Personal`: address, name, content. Null where nothing is known to be sealed.
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("file_url", sa.String(500)),
    sa.Column("sealed_file_name", sa.LargeBinary),
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
    # Of `pricing`: marketing, utility, … in the provider's words.
    sa.Column("category", sa.String(50)),
    sa.Column("tenant_id", sa.Text),
    sa.Column("case_id", sa.Text),
    sa.Column("queue_id", sa.Text),
    sa.Column("contact_id", sa.Text),
    sa.Column("order_id", sa.Text),
    sa.Column("agent_id", sa.Text),
    sa.Column("wa_account_type", sa.Text),
    sa.Column("wa_account_id", sa.Text),
    sa.Column("job_id", sa.Text),
    sa.Column("original_message_id", sa.Text),
    sa.Column("retried", sa.Boolean, nullable=False, server_default=sa.false()),
    # When it was entered here; its month.
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("updated_at", MOMENT, nullable=False),
    # Of columns that never change, so that a status moves without touching an index.
    sa.Index("messages_sent_at", "sent_at", "id"),
    sa.Index("messages_person", "person", "sent_at", "id"),
    sa.Index("messages_conversation_id", "conversation_id", "sent_at", "id"),
    partial_index(
        "messages_tenant_id", "tenant_id", "sent_at", "id", where="tenant_id IS NOT NULL"
    ),
    partial_index("messages_order_id", "order_id", "sent_at", "id", where="order_id IS NOT NULL"),
    partial_index("messages_agent_id", "agent_id", "sent_at", "id", where="agent_id IS NOT NULL"),
    partial_index(
        "messages_contact_id", "contact_id", "sent_at", "id", where="contact_id IS NOT NULL"
    ),
    partial_index("messages_case_id", "case_id", "sent_at", "id", where="case_id IS NOT NULL"),
    partial_index("messages_job_id", "job_id", "sent_at", "id", where="job_id IS NOT NULL"),
    # It changes when a message fails, and then only.
    partial_index(
        "messages_error_code", "error_code", "sent_at", "id", where="error_code IS NOT NULL"
    ),
    postgresql_partition_by="RANGE (created_at)",
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
    # Whose key seals the record: a participant's where it names one, else the day's.
    sa.Column("person", sa.LargeBinary, nullable=False),
    # Key, value and headers.
    sa.Column("sealed", sa.LargeBinary, nullable=False),
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
    # Whom or what it is about, if it says; the account otherwise.
    sa.Column("person", sa.LargeBinary, nullable=False),
    # Whom or what it is about, and what it says.
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("occurred_at", MOMENT),
    sa.Column("received_at", MOMENT, nullable=False),
    sa.Index("provider_notices_kind", "kind", "received_at"),
    sa.Index("provider_notices_received_at", "received_at"),
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
