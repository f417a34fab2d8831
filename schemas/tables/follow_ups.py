"""What the dispatcher has still to do for messages after their call (domain/polling, fallbacks)."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

follow_ups = sa.Table(
    "follow_ups",
    METADATA,
    # A message that its provider took and whose results have to be asked for; gone once all are
    # known, or the time for it is over.
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("provider_message_id", sa.String(255), nullable=False),
    # An envelope (runtime/vault.py), as that of the participants.
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("accepted_at", MOMENT, nullable=False),
    # When it is asked for next. While somebody asks: until when nobody else does.
    sa.Column("next_at", MOMENT, nullable=False),
    # How often in a row the provider could not tell.
    sa.Column("delays", sa.Integer, nullable=False, server_default="0"),
    # The participants whose results are known, sealed, and what these add up to.
    sa.Column("already", sa.LargeBinary, nullable=False),
    sa.Column("sent_at", MOMENT),
    sa.Column("failed_at", MOMENT),
    sa.Column("failure", JSONB),
    sa.Index("follow_ups_next", "channel", "next_at"),
)

fallbacks = sa.Table(
    "fallbacks",
    METADATA,
    # A message with a fallback that may still be wanted.
    sa.Column("message_id", sa.Text, primary_key=True),
    # An envelope (runtime/vault.py).
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("noted_at", MOMENT, nullable=False),
    sa.Column("next_look_at", MOMENT, nullable=False, index=True),
)
