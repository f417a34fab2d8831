"""What is kept of a message beside its trail: facts that no transition tells of, unheard sends.

Written by ``status_projector`` alone (IM-53, IM-54).
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

message_facts = sa.Table(
    "message_facts",
    METADATA,
    # In the order in which they were applied.
    sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    # Partitioned by it, by month (retention drops partitions; there is no DEFAULT partition).
    sa.Column("recorded_at", MOMENT, nullable=False),
    # After which of the message's transitions it was applied.
    sa.Column("sequence", sa.Integer, nullable=False),
    # The record's type, of a report with its status: `send.deferred`, `status.reported/read`.
    sa.Column("kind", sa.String(40), nullable=False),
    # As domain/explaining.py has them.
    sa.Column("effect", sa.String(10), nullable=False),
    # By the clock of whoever reports it.
    sa.Column("occurred_at", MOMENT, nullable=False),
    # When the first service of ours had it.
    sa.Column("heard_at", MOMENT, nullable=False),
    sa.Column("parked_at", MOMENT),
    sa.Column("attempt", sa.Integer),
    # A wait's end, a request's expiry.
    sa.Column("until", MOMENT),
    sa.Column("error_code", sa.String(50)),
    sa.Column("provider_code", sa.Text),
    sa.Column("detail", sa.Text),
    # Of a request: who published it, how urgent it is, and its trace.
    sa.Column("source", sa.Text),
    sa.Column("priority", sa.String(10)),
    sa.Column("traceparent", sa.Text),
    sa.Index("message_facts_message_id", "message_id"),
    postgresql_partition_by="RANGE (recorded_at)",
)

unheard_sends = sa.Table(
    "unheard_sends",
    METADATA,
    # A message that its provider took and has not called back about; gone with the first callback.
    sa.Column("message_id", sa.Text, primary_key=True),
    # `channel:senderId`.
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("tenant_id", sa.Text),
    sa.Column("accepted_at", MOMENT, nullable=False),
    sa.Index("unheard_sends_sender", "sender", "accepted_at", "message_id"),
    sa.Index("unheard_sends_accepted_at", "accepted_at"),
)

sends_by_time = sa.Table(
    "sends_by_time",
    METADATA,
    # How many messages of a sender its provider took in five minutes: what stale ones are a
    # share of.
    sa.Column("sender", sa.Text, primary_key=True),
    sa.Column("began_at", MOMENT, primary_key=True),
    sa.Column("accepted", sa.Integer, nullable=False),
    sa.Index("sends_by_time_began_at", "began_at"),
    postgresql_with={"fillfactor": "70"},
)
