"""Whom timed push tasks name: group chats to choose from, and an index of who is in which task.

Written by ``scheduler`` alone, as `schemas/tables/timed.py`.
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT
from schemas.tables.timed import ID

# Whom the tasks that are not deleted name, with what of these is sorted by and does not change as
# they fire. Triggers of `t_tasks` keep it, whoever writes there (migration 0028).
t_task_audience = sa.Table(
    "t_task_audience",
    METADATA,
    sa.Column("task_id", ID, primary_key=True),
    sa.Column("kind", sa.String(10), primary_key=True),
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("tenant_id", sa.Text),
    sa.Column("schedule_time", MOMENT, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("urgency", sa.SmallInteger, nullable=False),
    sa.CheckConstraint("kind IN ('group', 'recipient')", name="t_task_audience_kind"),
    # One for each order of a list (migration 0031); hardly a name is in tasks of two tenants.
    sa.Index(
        "t_task_audience_created",
        "kind",
        "name",
        "created_at",
        "task_id",
        postgresql_include=["tenant_id", "schedule_time"],
    ),
    sa.Index(
        "t_task_audience_scheduled",
        "kind",
        "name",
        "schedule_time",
        "task_id",
        postgresql_include=["tenant_id", "created_at", "urgency"],
    ),
    sa.Index(
        "t_task_audience_urgency",
        "kind",
        "name",
        "urgency",
        "schedule_time",
        "task_id",
        postgresql_include=["tenant_id"],
    ),
)

# Group chats that tasks may be sent to, for the picker (IM-44).
t_groups = sa.Table(
    "t_groups",
    METADATA,
    sa.Column("group_id", sa.String(128), primary_key=True),
    sa.Column("tenant_id", sa.Text),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("sender_id", sa.Text, nullable=False),
    # As the channel spells it: `chat:…`.
    sa.Column("recipient", sa.String(128), nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
    # How many people are in it; null: nobody has said.
    sa.Column("members", sa.Integer),
    sa.Column("created_at", MOMENT, nullable=False),
)
