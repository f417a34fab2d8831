"""Which months retention has dropped: what is counted since then can be counted again."""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

# Written with the drop itself (partitions.py).
dropped_months = sa.Table(
    "dropped_months",
    METADATA,
    sa.Column("partition", sa.Text, primary_key=True),
    # What was entered from then on was in another partition.
    sa.Column("until", MOMENT, nullable=False),
    sa.Column("dropped_at", MOMENT, nullable=False),
)
