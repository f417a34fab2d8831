"""How many messages there are and how far they came, by quarter of an hour and by day (IM-45).

Moved in the transaction that moves the statuses; written by ``status_projector`` alone. A quarter,
because in every time zone days and months begin at one; days, because there are few of them.
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

message_tallies = sa.Table(
    "message_tallies",
    METADATA,
    # `quarter` or `day`: each message is in one of both.
    sa.Column("span", sa.String(7), primary_key=True),
    # When it begins; days do on the clock of APP_TIMEZONE. The messages' sent_at lies in it.
    sa.Column("slot", MOMENT, primary_key=True),
    # Empty where messages have no tenant.
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("sender_id", sa.Text, primary_key=True),
    sa.Column("message_direction", sa.String(10), primary_key=True),
    sa.Column("message_type", sa.String(20), primary_key=True),
    # The provider's category of pricing; empty until it is told.
    sa.Column("category", sa.String(50), primary_key=True),
    # How many of them have each status now.
    sa.Column("pending", sa.Integer, nullable=False),
    sa.Column("sending", sa.Integer, nullable=False),
    sa.Column("sent", sa.Integer, nullable=False),
    sa.Column("delivered", sa.Integer, nullable=False),
    sa.Column("read", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    # Of those that the provider has: how many it charges for.
    sa.Column("billable", sa.Integer, nullable=False),
    # How many the provider took, and how long that took after sent_at, all together.
    sa.Column("accepted", sa.Integer, nullable=False),
    sa.Column("accepted_ms", sa.BigInteger, nullable=False),
    # The same for their arrival on a device.
    sa.Column("arrived", sa.Integer, nullable=False),
    sa.Column("arrived_ms", sa.BigInteger, nullable=False),
    # The present quarter's rows are updated by every batch.
    postgresql_with={"fillfactor": "50"},
)
