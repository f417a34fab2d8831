"""Pushes that failed, until whoever runs the system is told of them (NF-08).

Written by ``scheduler`` alone.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT
from schemas.tables.timed import ID

push_failures = sa.Table(
    "push_failures",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    # The push, or the occurrence that was missed: each is told once.
    sa.Column("subject", sa.Text, nullable=False, unique=True),
    sa.Column("task_id", ID, nullable=False),
    sa.Column("task_name", sa.String(50), nullable=False),
    # How many groups got nothing for which reason: {"<reason>": 3}.
    sa.Column("reasons", JSONB, nullable=False),
    sa.Column("noted_at", MOMENT, nullable=False),
    sa.Column("told_at", MOMENT),
    sa.Index("push_failures_untold", "noted_at", postgresql_where=sa.text("told_at IS NULL")),
    sa.Index("push_failures_told", "told_at"),
    sa.Index("push_failures_task", "task_id", "told_at"),
)
