"""Timed push tasks as people plan them: what, to whom, when; notices, opinions.

Written by ``scheduler`` alone. Names and columns follow the seeds (TP-18, TP-19, NF-06, IM-40,
IM-43); what they lack is noted beside them. Where things stand is told on
`task-changes`, and read from the projector's tables.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

ID = sa.String(36)

VISIBLE = sa.text("deleted_at IS NULL")

t_tasks = sa.Table(
    "t_tasks",
    METADATA,
    sa.Column("task_id", ID, primary_key=True),
    sa.Column("name", sa.String(50), nullable=False),
    sa.Column("schedule_type", sa.String(10), nullable=False),
    # Whole seconds; a recurrence takes its wall time from it (domain/recurrence.py).
    sa.Column("schedule_time", MOMENT, nullable=False),
    sa.Column("recurring_interval", sa.String(10)),
    sa.Column("recurring_end", MOMENT),
    # In the clear: of a task that a scheduler before version 0032 wrote last.
    sa.Column("content_text", sa.Text),
    sa.Column("content_image", sa.String(255)),
    sa.Column("content_link", sa.String(255)),
    sa.Column("content_miniprogram", JSONB),
    sa.Column("groups", JSONB, nullable=False),
    sa.Column("priority", sa.String(10), nullable=False, server_default="medium"),
    sa.Column("status", sa.String(10), nullable=False, server_default="draft"),
    sa.Column("creator_id", sa.String(50), nullable=False),
    sa.Column("preview_recipients", JSONB, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("updated_at", MOMENT, nullable=False),
    # From here on ours.
    sa.Column("tenant_id", sa.Text),
    sa.Column("timezone", sa.Text, nullable=False),
    # Grows with each change: the sequence on `task-changes`, and how concurrent edits are noticed.
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    # When it fires next; null: it does not.
    sa.Column("next_at", MOMENT),
    # A paused one goes on by itself then (CF-24).
    sa.Column("resume_at", MOMENT),
    # Gone for everybody but its log (CF-31).
    sa.Column("deleted_at", MOMENT),
    sa.Column("last_error", sa.Text),
    # Policies (IM-56): what is done about late occurrences, and about one that comes while the
    # last push is under way; on which days and at which hours it may be sent.
    sa.Column("misfire", sa.String(10), nullable=False, server_default="once"),
    sa.Column("misfire_within", sa.Interval),
    sa.Column("overlap", sa.String(10), nullable=False, server_default="skip"),
    sa.Column("sending_hours", JSONB),
    # Whether a link to a form for opinions goes with it (NF-04).
    sa.Column("asks_feedback", sa.Boolean, nullable=False, server_default=sa.false()),
    # Of what a preview shows: a preview of another content counts no more (CF-25).
    sa.Column("content_hash", sa.LargeBinary, nullable=False),
    # The occurrence that its recipients were last reminded of; null where they are others since.
    sa.Column("reminded_for", MOMENT),
    # What it says, an envelope under its tenant's key (services/scheduler/store/contents.py).
    sa.Column("sealed", sa.LargeBinary),
    # The key of the uploaded picture in it, which is kept as long as the task is.
    sa.Column("picture", sa.String(255)),
    # The most urgent first, since the words of `priority` do not sort by it.
    sa.Column(
        "urgency",
        sa.SmallInteger,
        sa.Computed("CASE priority WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END"),
    ),
    sa.CheckConstraint("char_length(content_text) <= 500", name="t_tasks_content_text"),
    sa.CheckConstraint("schedule_type IN ('once', 'recurring')", name="t_tasks_schedule_type"),
    sa.CheckConstraint(
        "recurring_interval IN ('daily', 'weekly', 'monthly')", name="t_tasks_recurring_interval"
    ),
    sa.CheckConstraint("priority IN ('high', 'medium', 'low')", name="t_tasks_priority"),
    sa.CheckConstraint(
        "status IN ('draft', 'scheduled', 'running', 'completed', 'failed', 'paused')",
        name="t_tasks_status",
    ),
    # What is due is claimed in this order.
    sa.Index(
        "t_tasks_due",
        "urgency",
        "next_at",
        postgresql_where=sa.text("next_at IS NOT NULL AND deleted_at IS NULL"),
    ),
    sa.Index(
        "t_tasks_unreminded",
        "next_at",
        postgresql_where=sa.text(
            "next_at IS NOT NULL AND deleted_at IS NULL"
            " AND preview_recipients <> CAST('[]' AS jsonb)"
            " AND reminded_for IS DISTINCT FROM next_at"
        ),
    ),
    sa.Index(
        "t_tasks_resuming",
        "resume_at",
        postgresql_where=sa.text("resume_at IS NOT NULL AND deleted_at IS NULL"),
    ),
    # Each order of the list, of all tenants and of one, also where a state or a time is asked for:
    # what it is found and sorted by is in the index. Priorities and states that are walked one by
    # one (`= ANY`) keep their order, so each index that begins with one also serves a range of
    # time.
    sa.Index(
        "t_tasks_created",
        "created_at",
        "task_id",
        postgresql_include=["schedule_time"],
        postgresql_where=VISIBLE,
    ),
    sa.Index(
        "t_tasks_scheduled",
        "schedule_time",
        "task_id",
        postgresql_include=["created_at", "urgency", "status"],
        postgresql_where=VISIBLE,
    ),
    sa.Index(
        "t_tasks_status",
        "status",
        "created_at",
        "task_id",
        postgresql_include=["schedule_time"],
        postgresql_where=VISIBLE,
    ),
    sa.Index(
        "t_tasks_status_scheduled",
        "status",
        "schedule_time",
        "task_id",
        postgresql_where=VISIBLE,
    ),
    sa.Index(
        "t_tasks_urgency",
        "urgency",
        "schedule_time",
        "task_id",
        postgresql_include=["status"],
        postgresql_where=VISIBLE,
    ),
    sa.Index(
        "t_tasks_tenant_created",
        "tenant_id",
        "created_at",
        "task_id",
        postgresql_include=["schedule_time", "status"],
        postgresql_where=VISIBLE,
    ),
    sa.Index(
        "t_tasks_tenant_scheduled",
        "tenant_id",
        "schedule_time",
        "task_id",
        postgresql_include=["created_at", "urgency", "status"],
        postgresql_where=VISIBLE,
    ),
    sa.Index(
        "t_tasks_tenant_status",
        "tenant_id",
        "status",
        "schedule_time",
        "task_id",
        postgresql_include=["created_at", "urgency"],
        postgresql_where=VISIBLE,
    ),
    sa.Index(
        "t_tasks_tenant_urgency",
        "tenant_id",
        "urgency",
        "schedule_time",
        "task_id",
        postgresql_include=["status"],
        postgresql_where=VISIBLE,
    ),
    # A person has made thousands at most: they are sorted, without a look at the rows.
    sa.Index(
        "t_tasks_creator",
        "creator_id",
        "created_at",
        "task_id",
        postgresql_include=["schedule_time", "urgency", "status", "tenant_id"],
        postgresql_where=VISIBLE,
    ),
    sa.Index(
        "t_tasks_deleted",
        "deleted_at",
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    ),
    postgresql_with={"fillfactor": "70"},
)

t_task_logs = sa.Table(
    "t_task_logs",
    METADATA,
    sa.Column("log_id", ID, primary_key=True),
    sa.Column("task_id", ID, sa.ForeignKey("t_tasks.task_id"), nullable=False),
    sa.Column("action", sa.String(10), nullable=False),
    sa.Column("user_id", sa.String(50), nullable=False),
    # {"<field>": {"from": …, "to": …}}; fields of the content are sealed, as the task's own.
    sa.Column("changes", JSONB),
    sa.Column("timestamp", MOMENT, nullable=False),
    sa.Column("sealed", sa.LargeBinary),
    sa.CheckConstraint(
        "action IN ('create', 'update', 'delete', 'pause', 'resume')", name="t_task_logs_action"
    ),
    sa.Index("t_task_logs_task", "task_id", "timestamp"),
    sa.Index("t_task_logs_timestamp", "timestamp"),
)

t_pushes = sa.Table(
    "t_pushes",
    METADATA,
    sa.Column("push_id", ID, primary_key=True),
    sa.Column("task_id", ID, nullable=False),
    # Null where somebody started it by hand (TP-15).
    sa.Column("occurrence_time", MOMENT),
    # When it may begin: its occurrence, or later where sending hours hold it.
    sa.Column("due_at", MOMENT, nullable=False),
    sa.Column("status", sa.String(10), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("priority", sa.String(10), nullable=False),
    # What is sent, as it stood when the push began: its task's, in the clear or sealed.
    sa.Column("content", JSONB),
    sa.Column("started_at", MOMENT),
    sa.Column("finished_at", MOMENT),
    sa.Column("started_by", sa.String(50)),
    # Of one started by hand: the status that its task goes back to.
    sa.Column("returns_to", sa.String(10)),
    # When the broker had the requests of all its groups.
    sa.Column("published_at", MOMENT),
    # When one of its groups was last heard of; at first, when it began.
    sa.Column("moved_at", MOMENT),
    # When people were told what became of it.
    sa.Column("notified_at", MOMENT),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("tenant_id", sa.Text),
    sa.Column("sealed", sa.LargeBinary),
    sa.CheckConstraint(
        "status IN ('held', 'running', 'completed', 'failed', 'skipped')", name="t_pushes_status"
    ),
    # Each occurrence has one push (IM-17).
    sa.Index(
        "t_pushes_occurrence",
        "task_id",
        "occurrence_time",
        unique=True,
        postgresql_where=sa.text("occurrence_time IS NOT NULL"),
    ),
    sa.Index("t_pushes_task", "task_id", "due_at"),
    sa.Index("t_pushes_held", "due_at", postgresql_where=sa.text("status = 'held'")),
    sa.Index(
        "t_pushes_untold",
        "finished_at",
        postgresql_where=sa.text("notified_at IS NULL AND finished_at IS NOT NULL"),
    ),
    sa.Index(
        "t_pushes_finished", "finished_at", postgresql_where=sa.text("finished_at IS NOT NULL")
    ),
    sa.Index("t_pushes_running", "started_at", postgresql_where=sa.text("status = 'running'")),
    sa.Index(
        "t_pushes_unpublished",
        "due_at",
        postgresql_where=sa.text("status = 'running' AND published_at IS NULL"),
    ),
    postgresql_with={"fillfactor": "70"},
)

t_push_results = sa.Table(
    "t_push_results",
    METADATA,
    sa.Column("push_id", ID, primary_key=True),
    sa.Column("group_id", sa.String(128), primary_key=True),
    # Derived of push and group: sent again, it is the same message.
    sa.Column("message_id", sa.Text, nullable=False, unique=True),
    sa.Column("status", sa.String(10), nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("delivered_at", MOMENT),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    # When the broker had its request; null: it is still to be handed over.
    sa.Column("published_at", MOMENT),
    # Of the message's last change that was heard of: an older one changes nothing.
    sa.Column("sequence", sa.Integer, nullable=False, server_default="0"),
    sa.CheckConstraint(
        "status IN ('pending', 'sent', 'failed', 'cancelled')", name="t_push_results_status"
    ),
    postgresql_with={"fillfactor": "70"},
)

# What task-changes may not have heard of yet; deleted once it has.
task_changes_to_tell = sa.Table(
    "task_changes_to_tell",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    # The record's value.
    sa.Column("change", sa.LargeBinary, nullable=False),
    sa.Column("noted_at", MOMENT, nullable=False),
)

t_notifications = sa.Table(
    "t_notifications",
    METADATA,
    sa.Column("notification_id", ID, primary_key=True),
    sa.Column("user_id", sa.String(128), nullable=False),
    sa.Column("type", sa.String(10), nullable=False),
    sa.Column("task_id", ID),
    # {"message": …, "status": …, "error": …} (NF-03), in the clear: as of tasks.
    sa.Column("content", JSONB),
    # What it is about, so that each is sent once: "reminder:<task>:<occurrence>:<user>".
    sa.Column("subject", sa.Text, nullable=False, unique=True),
    sa.Column("due_at", MOMENT, nullable=False),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("message_id", sa.Text, unique=True),
    sa.Column("error", sa.Text),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("read_at", MOMENT),
    sa.Column("tenant_id", sa.Text),
    # The same, sealed as what tasks say.
    sa.Column("sealed", sa.LargeBinary),
    sa.CheckConstraint("type IN ('reminder', 'result', 'preview')", name="t_notifications_type"),
    sa.CheckConstraint(
        "status IN ('waiting', 'handed_over', 'sent', 'failed', 'cancelled')",
        name="t_notifications_status",
    ),
    # In the order of the reader's list: unread ones first.
    sa.Index(
        "t_notifications_user",
        "user_id",
        sa.text("(read_at IS NOT NULL)"),
        sa.text("greatest(due_at, created_at) DESC"),
        "notification_id",
        postgresql_include=["due_at", "read_at"],
        postgresql_where=sa.text("status <> 'cancelled'"),
    ),
    sa.Index("t_notifications_due", "due_at", postgresql_where=sa.text("status = 'waiting'")),
    sa.Index("t_notifications_task", "task_id"),
)

t_feedback = sa.Table(
    "t_feedback",
    METADATA,
    sa.Column("feedback_id", ID, primary_key=True),
    sa.Column("task_id", ID, sa.ForeignKey("t_tasks.task_id"), nullable=False),
    # A keyed hash of who answered, in hex; who it was and what they said is sealed, in Base64.
    sa.Column("user_id", sa.String(50), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("timestamp", MOMENT, nullable=False),
    sa.Column("push_id", ID, nullable=False),
    sa.Column("tenant_id", sa.Text),
    # One answer per user and push (IM-42).
    sa.UniqueConstraint("push_id", "user_id"),
    sa.Index("t_feedback_task", "task_id", "timestamp"),
    sa.Index("t_feedback_user", "user_id"),
)
