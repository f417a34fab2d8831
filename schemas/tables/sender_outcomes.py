"""What became of each sender's last messages, and how often that has halted it (IM-55)."""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

sender_outcomes = sa.Table(
    "sender_outcomes",
    METADATA,
    # `channel:senderId`.
    sa.Column("sender", sa.Text, primary_key=True),
    # Of the present window (domain/breaker.py), and when that began.
    sa.Column("reached", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("since", MOMENT, nullable=False),
    # How often it has tripped since its last sound window; above 0 only an acceptance resumes it.
    sa.Column("trips", sa.Integer, nullable=False),
    postgresql_with={"fillfactor": "70"},
)
