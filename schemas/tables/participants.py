"""What is known of each recipient of a message to several, and of each member of a group.

Written by ``status_projector`` alone.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

message_participants = sa.Table(
    "message_participants",
    METADATA,
    sa.Column("message_id", sa.Text, primary_key=True),
    # A keyed hash of the participant's address on the message's channel.
    sa.Column("person", sa.LargeBinary, primary_key=True),
    # That address.
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    # When it came to this status, by the clock of whoever reported it.
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("error_code", sa.String(50)),
    sa.Column("error_message", sa.Text),
    # What the status follows from, as in `messages`.
    sa.Column("sent_at", MOMENT),
    sa.Column("delivered_at", MOMENT),
    sa.Column("read_at", MOMENT),
    sa.Column("failures", JSONB),
    sa.Column("updated_at", MOMENT, nullable=False),
    sa.Index("message_participants_updated_at", "updated_at"),
)
