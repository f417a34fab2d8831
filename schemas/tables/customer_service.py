"""How far the messages of each WeCom customer-service account have been read (WX 10).

Written by ``fetcher`` alone.
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

customer_service_walks = sa.Table(
    "customer_service_walks",
    METADATA,
    sa.Column("corp_id", sa.String(64), primary_key=True),
    sa.Column("open_kfid", sa.String(64), primary_key=True),
    # Everything before it is on Kafka, acknowledged.
    sa.Column("cursor", sa.Text, nullable=False, server_default=""),
    # Of the newest notice, and when it was given: it is good for ten minutes.
    sa.Column("token", sa.Text),
    sa.Column("token_at", MOMENT),
    # Notices so far: one that comes during a walk leads to another.
    sa.Column("notices", sa.BigInteger, nullable=False, server_default="1"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    # When to walk; while it is claimed, when the claim ends. None: nothing to read.
    sa.Column("due_at", MOMENT),
    sa.Column("claimed_by", sa.Text),
    # Why the last walk failed.
    sa.Column("error", sa.String(200)),
    sa.Column("updated_at", MOMENT, nullable=False),
)
