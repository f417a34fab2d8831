"""Which Kafka cluster a database belongs to, and which of its copies is the live one (IM-57)."""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

fence = sa.Table(
    "fence",
    METADATA,
    # One row: every confirmation is a new epoch of the pair.
    sa.Column("is_only", sa.Boolean, primary_key=True, server_default=sa.true()),
    sa.Column("kafka_cluster", sa.Text, nullable=False),
    # The data directory and the database in it: a dump takes neither along.
    sa.Column("server", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    # Renewed with every epoch; the topic `fence` says the same one.
    sa.Column("nonce", sa.Text, nullable=False),
    sa.Column("since", MOMENT, nullable=False),
    sa.Column("confirmed_by", sa.Text, nullable=False),
    sa.CheckConstraint("is_only", name="fence_only"),
)
