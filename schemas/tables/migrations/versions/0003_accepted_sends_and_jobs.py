"""What the scheduler accepted, and the answers it gave."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE idempotency_keys (
            tenant_id TEXT NOT NULL,
            call TEXT NOT NULL,
            key TEXT NOT NULL,
            body_hash BYTEA NOT NULL,
            answer JSONB,
            created_at TIMESTAMP WITH TIME ZONE NOT NULL,
            PRIMARY KEY (tenant_id, call, key)
        )
        """
    )
    op.execute(
        """
        CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at)
        """
    )
    op.execute(
        """
        CREATE TABLE accepted_sends (
            message_id TEXT NOT NULL,
            sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
            due_at TIMESTAMP WITH TIME ZONE,
            request BYTEA,
            published_at TIMESTAMP WITH TIME ZONE,
            PRIMARY KEY (message_id)
        )
        """
    )
    op.execute(
        """
        CREATE INDEX accepted_sends_due ON accepted_sends (due_at) WHERE published_at IS NULL AND due_at IS NOT NULL
        """
    )
    op.execute(
        """
        CREATE TABLE jobs (
            job_id TEXT NOT NULL,
            tenant_id TEXT,
            name VARCHAR(100),
            channel TEXT NOT NULL,
            sender_id TEXT NOT NULL,
            content JSONB NOT NULL,
            status VARCHAR(20) NOT NULL,
            total INTEGER NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE NOT NULL,
            started_at TIMESTAMP WITH TIME ZONE,
            finished_at TIMESTAMP WITH TIME ZONE,
            PRIMARY KEY (job_id)
        )
        """
    )
    op.execute(
        """
        CREATE INDEX jobs_unfinished ON jobs (created_at) WHERE status IN ('pending', 'running')
        """
    )
    op.execute(
        """
        CREATE TABLE job_items (
            job_id TEXT NOT NULL,
            row INTEGER NOT NULL,
            message_id TEXT NOT NULL,
            recipient TEXT NOT NULL,
            variables JSONB NOT NULL,
            state VARCHAR(10) NOT NULL,
            error_code VARCHAR(50),
            error_detail TEXT,
            PRIMARY KEY (job_id, row),
            CONSTRAINT job_items_state CHECK (state IN ('waiting', 'fed', 'settled', 'skipped', 'cancelled')),
            UNIQUE (message_id)
        )
         WITH (fillfactor = 70)
        """
    )
    op.execute(
        """
        CREATE INDEX job_items_fed ON job_items (job_id) WHERE state = 'fed'
        """
    )
    op.execute(
        """
        CREATE INDEX job_items_waiting ON job_items (job_id, row) WHERE state = 'waiting'
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DROP TABLE job_items")
    op.execute("DROP TABLE jobs")
    op.execute("DROP TABLE accepted_sends")
    op.execute("DROP TABLE idempotency_keys")
