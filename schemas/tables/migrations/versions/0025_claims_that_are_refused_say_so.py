"""A claim that is refused without a call says why: it is no doubt if its process dies."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add."""
    op.execute("ALTER TABLE dispatch_ledger ADD COLUMN refused_for TEXT")


def downgrade() -> None:
    """Take away."""
    op.execute("ALTER TABLE dispatch_ledger DROP COLUMN refused_for")
