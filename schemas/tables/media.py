"""Files that came with messages: what is to be fetched, and what became of it (IM-27).

Written by ``fetcher`` alone.
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

inbound_media = sa.Table(
    "inbound_media",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("provider_message_id", sa.String(255), nullable=False),
    sa.Column("media_id", sa.String(255), nullable=False),
    sa.Column("sender_id", sa.Text, nullable=False),
    sa.Column("account_id", sa.Text),
    # Of the message: image, video, …; it decides how large the file may be.
    sa.Column("message_type", sa.String(50), nullable=False),
    sa.Column("occurred_at", MOMENT, nullable=False),
    # As the callback announced it.
    sa.Column("announced_type", sa.String(100)),
    # A keyed hash of whoever sent it, and what of it is personal, sealed.
    sa.Column("person", sa.LargeBinary),
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    # waiting: when it is due; fetching: when the claim ends unless it is renewed.
    sa.Column("due_at", MOMENT),
    sa.Column("claimed_by", sa.Text),
    # Why the last attempt failed, or the reason of the loss.
    sa.Column("error", sa.String(200)),
    sa.Column("key", sa.String(255)),
    sa.Column("mime_type", sa.String(100)),
    sa.Column("size", sa.BigInteger),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("updated_at", MOMENT, nullable=False),
    sa.UniqueConstraint(
        "channel", "provider_message_id", "media_id", name="inbound_media_of_message"
    ),
    sa.Index("inbound_media_person", "person"),
    sa.Index("inbound_media_created_at", "created_at"),
    sa.Index("inbound_media_key", "key", postgresql_where=sa.text("key IS NOT NULL")),
    sa.CheckConstraint(
        "state IN ('waiting', 'fetching', 'stored', 'lost')", name="inbound_media_state"
    ),
    sa.Index(
        "inbound_media_due", "due_at", postgresql_where=sa.text("state IN ('waiting', 'fetching')")
    ),
)
