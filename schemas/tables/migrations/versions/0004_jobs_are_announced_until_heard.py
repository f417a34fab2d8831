"""Which status of a job task-changes has heard of, and a way to old accepted sends."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column and the indexes."""
    op.execute("ALTER TABLE jobs ADD COLUMN announced VARCHAR(20)")
    op.execute(
        """
        CREATE INDEX jobs_unannounced ON jobs (created_at) WHERE announced IS DISTINCT FROM status
        """
    )
    op.execute("CREATE INDEX accepted_sends_sent_at ON accepted_sends (sent_at)")


def downgrade() -> None:
    """Remove them."""
    op.execute("DROP INDEX accepted_sends_sent_at")
    op.execute("DROP INDEX jobs_unannounced")
    op.execute("ALTER TABLE jobs DROP COLUMN announced")
