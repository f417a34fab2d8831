"""What providers were told of having been read (WA 6).

Written by ``dispatcher`` alone; the marks themselves are in `conversations`.
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

read_marks_told = sa.Table(
    "read_marks_told",
    METADATA,
    sa.Column("conversation_id", sa.Text, primary_key=True),
    # The mark that a dispatcher took in hand last; whatever became of it, nobody tells it again.
    sa.Column("marked_at", MOMENT, nullable=False, index=True),
)
