"""A fence around the one live copy of a database."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE fence (
            is_only BOOLEAN PRIMARY KEY DEFAULT true,
            kafka_cluster TEXT NOT NULL,
            database TEXT NOT NULL,
            epoch BIGINT NOT NULL,
            nonce TEXT NOT NULL,
            previous TEXT,
            renewed_at TIMESTAMPTZ NOT NULL,
            confirmed_at TIMESTAMPTZ NOT NULL,
            confirmed_by TEXT NOT NULL,
            CONSTRAINT fence_only CHECK (is_only)
        )
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DROP TABLE fence")
