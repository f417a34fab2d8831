"""Who changed what, when (IM-31). Written through runtime/audit.py; only retention deletes."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

audit_log = sa.Table(
    "audit_log",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("at", MOMENT, nullable=False, index=True),
    # A user id, or `cli:` and who was at the terminal.
    sa.Column("actor", sa.Text, nullable=False),
    # Whose data it was about.
    sa.Column("tenant_id", sa.Text),
    # As `job.cancel`.
    sa.Column("action", sa.Text, nullable=False),
    # The id of what it was done to.
    sa.Column("about", sa.Text, nullable=False),
    # {"field": [before, after]}, without secrets and contents.
    sa.Column("changes", JSONB, nullable=False),
    sa.Column("correlation_id", sa.Text),
    sa.Index("audit_log_tenant_id", "tenant_id", "id"),
    sa.Index("audit_log_about", "about", "id"),
)
