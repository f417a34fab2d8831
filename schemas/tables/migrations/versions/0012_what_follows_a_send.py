"""Results are asked for, doubts are looked up, fallbacks wait, participants have a status."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create."""
    op.execute("ALTER TABLE dispatch_ledger ADD COLUMN find_at TIMESTAMPTZ")
    op.execute(
        """
        CREATE TABLE follow_ups (
            message_id TEXT PRIMARY KEY,
            channel TEXT NOT NULL,
            provider_message_id VARCHAR(255) NOT NULL,
            request BYTEA NOT NULL,
            accepted_at TIMESTAMPTZ NOT NULL,
            next_at TIMESTAMPTZ NOT NULL,
            delays INTEGER NOT NULL DEFAULT 0,
            already TEXT[] NOT NULL,
            sent_at TIMESTAMPTZ,
            failed_at TIMESTAMPTZ,
            failure JSONB
        );
        CREATE INDEX follow_ups_next ON follow_ups (channel, next_at);

        CREATE TABLE fallbacks (
            message_id TEXT PRIMARY KEY,
            request BYTEA NOT NULL,
            noted_at TIMESTAMPTZ NOT NULL,
            next_look_at TIMESTAMPTZ NOT NULL
        );
        CREATE INDEX ix_fallbacks_next_look_at ON fallbacks (next_look_at);

        CREATE TABLE message_participants (
            message_id TEXT NOT NULL,
            participant VARCHAR(255) NOT NULL,
            status VARCHAR(20) NOT NULL,
            at TIMESTAMPTZ NOT NULL,
            error_code VARCHAR(50),
            error_message TEXT,
            sent_at TIMESTAMPTZ,
            delivered_at TIMESTAMPTZ,
            read_at TIMESTAMPTZ,
            failures JSONB,
            updated_at TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (message_id, participant)
        );
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DROP TABLE message_participants")
    op.execute("DROP TABLE fallbacks")
    op.execute("DROP TABLE follow_ups")
    op.execute("ALTER TABLE dispatch_ledger DROP COLUMN find_at")
