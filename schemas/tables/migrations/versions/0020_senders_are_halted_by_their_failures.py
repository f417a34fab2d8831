"""Senders are halted where too many of their messages fail."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE sender_outcomes (
            sender TEXT PRIMARY KEY,
            reached INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            since TIMESTAMPTZ NOT NULL,
            trips INTEGER NOT NULL
        ) WITH (fillfactor = 70)
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DROP TABLE sender_outcomes")
