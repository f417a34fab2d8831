"""What customers write to WeCom's customer service is read page by page."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE customer_service_walks (
            corp_id VARCHAR(64) NOT NULL,
            open_kfid VARCHAR(64) NOT NULL,
            cursor TEXT NOT NULL DEFAULT '',
            token TEXT,
            token_at TIMESTAMPTZ,
            notices BIGINT NOT NULL DEFAULT 1,
            attempts INTEGER NOT NULL DEFAULT 0,
            due_at TIMESTAMPTZ,
            claimed_by TEXT,
            error VARCHAR(200),
            updated_at TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (corp_id, open_kfid)
        )
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DROP TABLE customer_service_walks")
