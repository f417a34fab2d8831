"""Senders rest as long as their providers ask, and have rates and probing pauses of their own."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add; the pause says what the number of probes said."""
    op.execute(
        """
        ALTER TABLE senders
            ADD COLUMN messages_per_second DOUBLE PRECISION,
            ADD COLUMN probe_pause INTERVAL,
            ADD COLUMN held_until TIMESTAMPTZ;
        UPDATE senders SET probe_pause = interval '10 seconds' * power(2, LEAST(probes, 6))
        WHERE halted_at IS NOT NULL;
        ALTER TABLE senders DROP COLUMN probes;
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute(
        """
        ALTER TABLE senders
            DROP COLUMN messages_per_second, DROP COLUMN probe_pause, DROP COLUMN held_until,
            ADD COLUMN probes INTEGER NOT NULL DEFAULT 0
        """
    )
