"""Messages are counted by quarter of an hour, and found by what people ask for."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE message_tallies (
            slot TIMESTAMPTZ,
            tenant_id TEXT,
            channel TEXT,
            sender_id TEXT,
            message_direction VARCHAR(10),
            message_type VARCHAR(20),
            category VARCHAR(50),
            pending INTEGER NOT NULL,
            sending INTEGER NOT NULL,
            sent INTEGER NOT NULL,
            delivered INTEGER NOT NULL,
            read INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            billable INTEGER NOT NULL,
            accepted INTEGER NOT NULL,
            accepted_ms BIGINT NOT NULL,
            arrived INTEGER NOT NULL,
            arrived_ms BIGINT NOT NULL,
            PRIMARY KEY (slot, tenant_id, channel, sender_id, message_direction, message_type,
                         category)
        ) WITH (fillfactor = 50);
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DROP TABLE message_tallies")
