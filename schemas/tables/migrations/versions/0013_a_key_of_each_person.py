"""What is personal is sealed under a key of each person."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE person_keys (
            person BYTEA PRIMARY KEY,
            master TEXT NOT NULL,
            wrapped BYTEA NOT NULL,
            created_at TIMESTAMPTZ NOT NULL
        );
        CREATE INDEX ix_person_keys_master ON person_keys (master);
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DROP TABLE person_keys")
