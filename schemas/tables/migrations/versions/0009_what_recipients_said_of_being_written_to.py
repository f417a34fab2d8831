"""When recipients last wrote, and who of them is not to be written to."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE contact_windows (
            channel TEXT NOT NULL,
            recipient TEXT NOT NULL,
            sender_id TEXT NOT NULL,
            last_inbound_at TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (channel, recipient, sender_id)
        ) WITH (fillfactor = 80)
        """
    )
    op.execute(
        """
        CREATE TABLE opt_outs (
            channel TEXT NOT NULL,
            recipient TEXT NOT NULL,
            sender_id TEXT NOT NULL,
            scope VARCHAR(10) NOT NULL,
            wish VARCHAR(3) NOT NULL,
            reason VARCHAR(10) NOT NULL,
            since TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (channel, recipient, sender_id, scope),
            CONSTRAINT opt_outs_scope CHECK (scope IN ('all', 'marketing')),
            CONSTRAINT opt_outs_wish CHECK (wish IN ('out', 'in')),
            CONSTRAINT opt_outs_reason CHECK (reason IN ('reply', 'manual', 'erased'))
        )
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DROP TABLE opt_outs")
    op.execute("DROP TABLE contact_windows")
