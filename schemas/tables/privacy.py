"""Whom we have forgotten, and what was forgotten because it was old (SE-02, SE-03, IM-33).

Written by ``administration``, and by people at the command line. Nothing here says who it was.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

erasures = sa.Table(
    "erasures",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    # A keyed hash, so that whoever asks again can be told when it was.
    sa.Column("person", sa.LargeBinary, nullable=False, index=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("asked_at", MOMENT, nullable=False),
    # None: it was broken off, and is ended by asking again.
    sa.Column("ended_at", MOMENT),
    # How many of what: {"keys": 1, "messages": 3, …}.
    sa.Column("counts", JSONB, nullable=False),
)

retention_runs = sa.Table(
    "retention_runs",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("began_at", MOMENT, nullable=False, index=True),
    sa.Column("ended_at", MOMENT, nullable=False),
    # How many rows of each table, and how many files.
    sa.Column("counts", JSONB, nullable=False),
)
