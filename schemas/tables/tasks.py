"""What became of tasks, pushes, group sends and jobs: read models of `task-changes`.

Written by ``status_projector`` alone. What somebody did to a task and what is to happen next are
the scheduler's tables; these tell everybody else where things stand, and how they got there.
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

task_states = sa.Table(
    "task_states",
    METADATA,
    sa.Column("task_id", sa.Text, primary_key=True),
    sa.Column("tenant_id", sa.Text),
    sa.Column("name", sa.String(50)),
    sa.Column("status", sa.String(20), nullable=False),
    # The number of the change that the row is of: an older one changes nothing.
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("next_at", MOMENT),
    sa.Column("reason", sa.Text),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("changed_by", sa.Text),
    sa.Column("updated_at", MOMENT, nullable=False),
)

push_states = sa.Table(
    "push_states",
    METADATA,
    sa.Column("push_id", sa.Text, primary_key=True),
    sa.Column("task_id", sa.Text, nullable=False),
    sa.Column("tenant_id", sa.Text),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    # Null of one that somebody started by hand (TP-15).
    sa.Column("occurrence_at", MOMENT),
    sa.Column("due_at", MOMENT, nullable=False),
    sa.Column("groups", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("changed_by", sa.Text),
    sa.Column("updated_at", MOMENT, nullable=False),
    sa.Index("push_states_task", "task_id", "due_at", "push_id"),
)

group_send_states = sa.Table(
    "group_send_states",
    METADATA,
    sa.Column("task_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("tenant_id", sa.Text),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("targets", sa.Integer, nullable=False),
    sa.Column("due_at", MOMENT),
    sa.Column("reason", sa.Text),
    sa.Column("changed_by", sa.Text),
    sa.Column("updated_at", MOMENT, nullable=False),
)

task_status_history = sa.Table(
    "task_status_history",
    METADATA,
    # "job", "task", "push" or "group_send".
    sa.Column("kind", sa.String(10), primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("from_status", sa.String(20)),
    sa.Column("to_status", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("changed_by", sa.Text),
    # When it happened, and when we learned it.
    sa.Column("updated_at", MOMENT, nullable=False),
    sa.Column("recorded_at", MOMENT, nullable=False),
    sa.Index("task_status_history_recorded", "recorded_at"),
)

# With exactly the columns of GS-10 (CF-15).
t_group_send_result = sa.Table(
    "t_group_send_result",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("task_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("customer_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("status", sa.String(20), nullable=False, index=True),
    sa.Column("error_message", sa.Text),
    sa.Column("create_time", MOMENT, nullable=False),
    sa.Column("update_time", MOMENT, nullable=False),
    sa.CheckConstraint(
        "status IN ('PENDING', 'PROCESSING', 'SUCCESS', 'FAILED')",
        name="t_group_send_result_status",
    ),
    postgresql_with={"fillfactor": "70"},
)

# Whose result each row is; a person is a keyed hash, as in `message_participants`.
group_send_members = sa.Table(
    "group_send_members",
    METADATA,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("person", sa.LargeBinary, primary_key=True),
    sa.Column("result_id", sa.BigInteger, nullable=False),
    # Whether the provider has told something of the target itself.
    sa.Column("reported", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("group_send_members_result", "result_id"),
    postgresql_with={"fillfactor": "70"},
)

# How many results of a group send have each status now.
group_send_progress = sa.Table(
    "group_send_progress",
    METADATA,
    sa.Column("task_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("pending", sa.Integer, nullable=False),
    sa.Column("processing", sa.Integer, nullable=False),
    sa.Column("success", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("updated_at", MOMENT, nullable=False),
    postgresql_with={"fillfactor": "50"},
)
