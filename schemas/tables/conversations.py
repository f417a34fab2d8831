"""One row for each conversation: who of ours and who of theirs, and what is unread (IM-27).

Written by ``status_projector`` alone, in the transaction that enters the messages.
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT, partial_index

conversations = sa.Table(
    "conversations",
    METADATA,
    sa.Column("conversation_id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("sender_id", sa.Text, nullable=False),
    # The other side: as in `messages`; of a group, the group.
    sa.Column("person", sa.LargeBinary, nullable=False, index=True),
    # Of the last outbound message: what comes in belongs there.
    sa.Column("tenant_id", sa.Text),
    sa.Column("contact_id", sa.Text),
    sa.Column("order_id", sa.Text),
    # The newest message, by the time it was sent.
    sa.Column("last_message_id", sa.Text, nullable=False),
    sa.Column("last_at", MOMENT, nullable=False),
    sa.Column("last_direction", sa.String(10), nullable=False),
    # Of the newest message in each direction.
    sa.Column("outbound_at", MOMENT),
    sa.Column("inbound_at", MOMENT),
    # Inbound messages since the last outbound one, or since somebody marked it as read.
    sa.Column("unread", sa.Integer, nullable=False, server_default="0"),
    # The newest inbound message that somebody here has read, and when they said so: its provider is
    # told. Both only move forward.
    sa.Column("read_to", sa.Text),
    sa.Column("read_at", MOMENT),
    sa.Column("updated_at", MOMENT, nullable=False),
    sa.Index("conversations_last_at", "last_at", "conversation_id"),
    partial_index(
        "conversations_tenant_id",
        "tenant_id",
        "last_at",
        "conversation_id",
        where="tenant_id IS NOT NULL",
    ),
    partial_index("conversations_order_id", "order_id", where="order_id IS NOT NULL"),
    partial_index("conversations_contact_id", "contact_id", where="contact_id IS NOT NULL"),
    partial_index("conversations_unread", "last_at", where="unread > 0"),
    partial_index("conversations_read_at", "channel", "read_at", where="read_at IS NOT NULL"),
    # Room on each page: a row is moved with each of its messages.
    postgresql_with={"fillfactor": "70"},
)
