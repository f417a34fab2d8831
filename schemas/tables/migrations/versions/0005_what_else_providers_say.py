"""Inbound messages have authors, contexts and files; prices and notices are kept."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns and the table."""
    op.execute(
        """
        ALTER TABLE messages
            ADD COLUMN customer_user_id TEXT,
            ADD COLUMN customer_name TEXT,
            ADD COLUMN context JSONB,
            ADD COLUMN file_url VARCHAR(500),
            ADD COLUMN file_name VARCHAR(255),
            ADD COLUMN file_type VARCHAR(100),
            ADD COLUMN file_error VARCHAR(20),
            ADD COLUMN pricing JSONB
        """
    )
    op.execute(
        """
        CREATE TABLE provider_notices (
            channel TEXT NOT NULL,
            notice_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            account_id TEXT NOT NULL,
            about TEXT,
            content JSONB NOT NULL,
            occurred_at TIMESTAMPTZ,
            received_at TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (channel, notice_id)
        )
        """
    )
    op.execute("CREATE INDEX provider_notices_kind ON provider_notices (kind, received_at)")


def downgrade() -> None:
    """Remove them."""
    op.execute("DROP TABLE provider_notices")
    op.execute(
        """
        ALTER TABLE messages
            DROP COLUMN customer_user_id, DROP COLUMN customer_name, DROP COLUMN context,
            DROP COLUMN file_url, DROP COLUMN file_name, DROP COLUMN file_type,
            DROP COLUMN file_error, DROP COLUMN pricing
        """
    )
