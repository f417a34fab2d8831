"""Previews of timed pushes, what was answered, and the templates of their contents.

Written by ``scheduler`` alone. Names and columns follow the seeds (PV-10, IM-41); what they lack is
noted beside them.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT
from schemas.tables.timed import ID

t_previews = sa.Table(
    "t_previews",
    METADATA,
    sa.Column("preview_id", ID, primary_key=True),
    sa.Column("task_id", ID, sa.ForeignKey("t_tasks.task_id"), nullable=False),
    # In the clear: of one that a scheduler before version 0032 stored.
    sa.Column("content", JSONB),
    # Each sealed for whom it names, in Base64.
    sa.Column("recipients", JSONB, nullable=False),
    sa.Column("validation", JSONB),
    sa.Column("status", sa.String(10), nullable=False, server_default="sent"),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("content_hash", sa.LargeBinary, nullable=False),
    sa.Column("requested_by", sa.String(50), nullable=False),
    sa.Column("tenant_id", sa.Text),
    # Keyed hashes of those asked, by which an answer finds it.
    sa.Column("people", ARRAY(sa.LargeBinary), nullable=False),
    # What it shows, an envelope under its tenant's key (services/scheduler/store/contents.py).
    sa.Column("sealed", sa.LargeBinary),
    sa.CheckConstraint("status IN ('sent', 'confirmed', 'modified')", name="t_previews_status"),
    sa.Index("t_previews_task", "task_id", "created_at"),
    sa.Index("t_previews_people", "people", postgresql_using="gin"),
    sa.Index("t_previews_created", "created_at"),
    sa.Index("t_previews_requested", "requested_by", "created_at"),
)

t_preview_responses = sa.Table(
    "t_preview_responses",
    METADATA,
    sa.Column("response_id", sa.Text, primary_key=True),
    sa.Column("preview_id", ID, sa.ForeignKey("t_previews.preview_id"), nullable=False),
    # A keyed hash of who answered; who it was and what they wrote is sealed, in Base64.
    sa.Column("person", sa.LargeBinary, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("response", sa.String(10), nullable=False),
    sa.Column("comment", sa.Text),
    sa.Column("time", MOMENT, nullable=False),
    sa.CheckConstraint("response IN ('confirm', 'modify')", name="t_preview_responses_response"),
    sa.Index("t_preview_responses_preview", "preview_id", "time"),
    sa.Index("t_preview_responses_time", "time"),
)

t_preview_templates = sa.Table(
    "t_preview_templates",
    METADATA,
    sa.Column("template_id", ID, primary_key=True),
    sa.Column("name", sa.String(50), nullable=False),
    # In the clear: of a built-in one, which everybody may read, and as of previews.
    sa.Column("content", JSONB),
    sa.Column("creator", sa.String(50)),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("built_in", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("tenant_id", sa.Text),
    # As of previews.
    sa.Column("sealed", sa.LargeBinary),
    # The key of the uploaded picture in it, which is kept as long as this is.
    sa.Column("picture", sa.String(255)),
    sa.Index("t_preview_templates_tenant", "tenant_id", "created_at"),
)
