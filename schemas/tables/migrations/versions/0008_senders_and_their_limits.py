"""What a sending account may do, and what of its limits is used."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create; what waits already gets its sender from its conversation."""
    op.execute(
        """
        CREATE TABLE senders (
            sender TEXT NOT NULL,
            daily_limit INTEGER,
            is_limited BOOLEAN NOT NULL DEFAULT true,
            slowed_to DOUBLE PRECISION,
            slowed_at TIMESTAMPTZ,
            halted_at TIMESTAMPTZ,
            halted_for TEXT,
            probe_at TIMESTAMPTZ,
            probes INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (sender)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE send_counts (
            scope TEXT NOT NULL,
            day DATE NOT NULL,
            used INTEGER NOT NULL,
            PRIMARY KEY (scope, day)
        ) WITH (fillfactor = 70)
        """
    )
    op.execute("CREATE INDEX send_counts_day ON send_counts (day)")
    op.execute(
        """
        CREATE TABLE send_arrivals (
            scope TEXT NOT NULL,
            next_at TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (scope)
        ) WITH (fillfactor = 70)
        """
    )
    op.execute("ALTER TABLE dispatch_ledger ADD COLUMN sender TEXT")
    op.execute("ALTER TABLE dispatch_ledger ADD COLUMN priority SMALLINT NOT NULL DEFAULT 1")
    op.execute("ALTER TABLE dispatch_ledger ADD COLUMN broken SMALLINT NOT NULL DEFAULT 0")
    op.execute(
        """
        UPDATE dispatch_ledger SET sender = split_part(conversation, ':', 1) || ':'
            || split_part(conversation, ':', 2)
        """
    )
    op.execute("ALTER TABLE dispatch_ledger ALTER COLUMN sender SET NOT NULL")
    op.execute("DROP INDEX dispatch_ledger_due")
    op.execute(
        """
        CREATE INDEX dispatch_ledger_due ON dispatch_ledger (sender, priority, due_at)
        WHERE state = 'waiting'
        """
    )
    op.execute("INSERT INTO senders (sender) SELECT DISTINCT sender FROM dispatch_ledger")


def downgrade() -> None:
    """Drop."""
    op.execute("DROP INDEX dispatch_ledger_due")
    op.execute(
        "CREATE INDEX dispatch_ledger_due ON dispatch_ledger (due_at) WHERE state = 'waiting'"
    )
    op.execute("ALTER TABLE dispatch_ledger DROP COLUMN broken")
    op.execute("ALTER TABLE dispatch_ledger DROP COLUMN priority")
    op.execute("ALTER TABLE dispatch_ledger DROP COLUMN sender")
    op.execute("DROP TABLE send_arrivals")
    op.execute("DROP TABLE send_counts")
    op.execute("DROP TABLE senders")
