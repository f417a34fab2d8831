"""Jobs are paused, by hand or by their breaker, and have a priority and an end."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the columns and the tables, and move what is not announced yet to its own."""
    op.execute(
        """
        ALTER TABLE jobs
            ADD COLUMN priority VARCHAR(10) NOT NULL DEFAULT 'medium',
            ADD COLUMN when_limited VARCHAR(10) NOT NULL DEFAULT 'wait',
            ADD COLUMN expires_at TIMESTAMPTZ,
            ADD COLUMN paused_reason TEXT,
            ADD COLUMN changes INTEGER NOT NULL DEFAULT 0
        """
    )
    op.execute(
        """
        CREATE TABLE job_outcomes (
            job_id TEXT NOT NULL,
            reached INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            tripped TEXT,
            heard_at TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (job_id)
        )
         WITH (fillfactor = 50)
        """
    )
    op.execute(
        """
        CREATE TABLE job_changes (
            job_id TEXT NOT NULL,
            number INTEGER NOT NULL,
            from_status VARCHAR(20),
            to_status VARCHAR(20) NOT NULL,
            reason TEXT,
            changed_at TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (job_id, number)
        )
        """
    )
    _number_changes()
    op.execute("ALTER TABLE job_items DROP CONSTRAINT job_items_state")
    op.execute(
        """
        ALTER TABLE job_items ADD CONSTRAINT job_items_state
            CHECK (state IN ('waiting', 'fed', 'settled', 'failed', 'skipped', 'cancelled'))
        """
    )
    op.execute("DROP INDEX jobs_unannounced")
    op.execute("ALTER TABLE jobs DROP COLUMN announced")
    op.execute("DROP INDEX jobs_unfinished")
    op.execute(
        """
        CREATE INDEX jobs_unfinished ON jobs (created_at)
            WHERE status IN ('pending', 'running', 'paused')
        """
    )


def _number_changes() -> None:
    op.execute(
        """
        WITH steps AS (
            SELECT job_id, announced, CAST(NULL AS text) AS from_status, 'pending' AS to_status,
                   1 AS number, created_at AS changed_at
            FROM jobs
            UNION ALL
            SELECT job_id, announced, 'pending', 'running', 2, started_at
            FROM jobs WHERE started_at IS NOT NULL
            UNION ALL
            SELECT job_id, announced, CASE WHEN started_at IS NULL THEN 'pending' ELSE 'running' END,
                   status, CASE WHEN started_at IS NULL THEN 2 ELSE 3 END, finished_at
            FROM jobs WHERE finished_at IS NOT NULL
        ), known AS (
            SELECT job_id, max(number) AS number FROM steps WHERE to_status = announced
            GROUP BY job_id
        )
        INSERT INTO job_changes (job_id, number, from_status, to_status, changed_at)
        SELECT steps.job_id, steps.number, steps.from_status, steps.to_status, steps.changed_at
        FROM steps LEFT JOIN known USING (job_id)
        WHERE steps.number > coalesce(known.number, 0)
        """
    )
    op.execute(
        """
        UPDATE jobs SET changes = 1 + CAST(started_at IS NOT NULL AS integer)
            + CAST(finished_at IS NOT NULL AS integer)
        """
    )


def downgrade() -> None:
    """Remove them; a paused job runs again, and every job counts as announced."""
    op.execute("UPDATE jobs SET status = 'running' WHERE status = 'paused'")
    op.execute("UPDATE job_items SET state = 'settled' WHERE state = 'failed'")
    op.execute("ALTER TABLE job_items DROP CONSTRAINT job_items_state")
    op.execute(
        """
        ALTER TABLE job_items ADD CONSTRAINT job_items_state
            CHECK (state IN ('waiting', 'fed', 'settled', 'skipped', 'cancelled'))
        """
    )
    op.execute("DROP INDEX jobs_unfinished")
    op.execute(
        """
        CREATE INDEX jobs_unfinished ON jobs (created_at) WHERE status IN ('pending', 'running')
        """
    )
    op.execute("DROP TABLE job_changes")
    op.execute("DROP TABLE job_outcomes")
    op.execute(
        """
        ALTER TABLE jobs
            DROP COLUMN priority, DROP COLUMN when_limited, DROP COLUMN expires_at,
            DROP COLUMN paused_reason, DROP COLUMN changes,
            ADD COLUMN announced VARCHAR(20)
        """
    )
    op.execute("UPDATE jobs SET announced = status")
    op.execute(
        """
        CREATE INDEX jobs_unannounced ON jobs (created_at) WHERE announced IS DISTINCT FROM status
        """
    )
