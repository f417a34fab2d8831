"""All processes share the access tokens of WeCom's and WeChat's apps."""

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE access_tokens (
            account BYTEA PRIMARY KEY,
            sealed BYTEA,
            noted_at TIMESTAMPTZ NOT NULL,
            ends_at TIMESTAMPTZ NOT NULL,
            renewed_by TIMESTAMPTZ NOT NULL
        )
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DROP TABLE access_tokens")
