"""The ledger is asked by providers' ids: what was found at one belongs to one message."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE INDEX dispatch_ledger_provider_id ON dispatch_ledger (whatsapp_message_id)
        WHERE sender NOT LIKE 'whatsapp:%'
        """
    )


def downgrade() -> None:
    """Drop."""
    op.execute("DROP INDEX dispatch_ledger_provider_id")
