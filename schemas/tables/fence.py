"""Which Kafka cluster a database belongs to, and which of its copies is the live one (IM-57)."""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

fence = sa.Table(
    "fence",
    METADATA,
    # One row at most.
    sa.Column("is_only", sa.Boolean, primary_key=True, server_default=sa.true()),
    sa.Column("kafka_cluster", sa.Text, nullable=False),
    # The data directory and the database in it: a dump takes neither along.
    sa.Column("database", sa.Text, nullable=False),
    # Its last word: renewed every few seconds, then said on the topic `fence` too.
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("nonce", sa.Text, nullable=False),
    sa.Column("previous", sa.Text),
    sa.Column("renewed_at", MOMENT, nullable=False),
    # Who said that this is the live copy: the first process, or a person.
    sa.Column("confirmed_at", MOMENT, nullable=False),
    sa.Column("confirmed_by", sa.Text, nullable=False),
    sa.CheckConstraint("is_only", name="fence_only"),
)
