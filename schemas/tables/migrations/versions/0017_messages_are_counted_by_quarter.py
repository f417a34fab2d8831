"""Messages are counted by quarter of an hour, and found by what people ask for."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE message_tallies (
            span VARCHAR(7),
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
            PRIMARY KEY (span, slot, tenant_id, channel, sender_id, message_direction,
                         message_type, category)
        ) WITH (fillfactor = 50);

        CREATE INDEX messages_contact_id ON messages (contact_id, sent_at, id)
            WHERE contact_id IS NOT NULL;
        CREATE INDEX messages_case_id ON messages (case_id, sent_at, id)
            WHERE case_id IS NOT NULL;
        CREATE INDEX messages_error_code ON messages (error_code, sent_at, id)
            WHERE error_code IS NOT NULL;
        DROP INDEX messages_job_id;
        CREATE INDEX messages_job_id ON messages (job_id, sent_at, id) WHERE job_id IS NOT NULL;
        CREATE INDEX conversations_contact_id ON conversations (contact_id)
            WHERE contact_id IS NOT NULL;
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute(
        """
        DROP INDEX conversations_contact_id, messages_job_id, messages_error_code,
            messages_case_id, messages_contact_id;
        CREATE INDEX messages_job_id ON messages (job_id, id) WHERE job_id IS NOT NULL;
        DROP TABLE message_tallies;
        """
    )
