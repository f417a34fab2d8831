"""Conversations know up to where they were read, and dispatchers what of that they told."""

from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        ALTER TABLE conversations ADD COLUMN read_to TEXT, ADD COLUMN read_at TIMESTAMPTZ;
        CREATE INDEX conversations_read_at ON conversations (channel, read_at)
            WHERE read_at IS NOT NULL;
        CREATE TABLE read_marks_told (
            conversation_id TEXT PRIMARY KEY,
            marked_at TIMESTAMPTZ NOT NULL
        );
        CREATE INDEX ix_read_marks_told_marked_at ON read_marks_told (marked_at)
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute(
        """
        DROP TABLE read_marks_told;
        DROP INDEX conversations_read_at;
        ALTER TABLE conversations DROP COLUMN read_to, DROP COLUMN read_at
        """
    )
