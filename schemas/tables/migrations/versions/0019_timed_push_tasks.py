"""Timed push tasks: what people plan, what came of it, and what they were told."""

from alembic import op

revision = "0019"
down_revision = "0018"

TABLES = (
    "t_preview_responses",
    "t_task_logs",
    "t_previews",
    "t_feedback",
    "task_changes_to_tell",
    "t_tasks",
    "t_pushes",
    "t_push_results",
    "t_preview_templates",
    "t_notifications",
    "t_groups",
)


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE t_groups (
            group_id VARCHAR(128) NOT NULL,
            tenant_id TEXT,
            name VARCHAR(100) NOT NULL,
            channel TEXT NOT NULL,
            sender_id TEXT NOT NULL,
            recipient VARCHAR(128) NOT NULL,
            is_active BOOLEAN DEFAULT true NOT NULL,
            created_at TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (group_id)
        );
        CREATE TABLE t_notifications (
            notification_id VARCHAR(36) NOT NULL,
            user_id VARCHAR(128) NOT NULL,
            type VARCHAR(10) NOT NULL,
            task_id VARCHAR(36),
            content JSONB NOT NULL,
            subject TEXT NOT NULL,
            due_at TIMESTAMPTZ NOT NULL,
            status VARCHAR(10) NOT NULL,
            message_id TEXT,
            error TEXT,
            created_at TIMESTAMPTZ NOT NULL,
            read_at TIMESTAMPTZ,
            tenant_id TEXT,
            PRIMARY KEY (notification_id),
            CONSTRAINT t_notifications_type CHECK (type IN ('reminder', 'result', 'preview')),
            CONSTRAINT t_notifications_status CHECK (status IN ('waiting', 'handed_over', 'sent', 'failed', 'cancelled')),
            UNIQUE (subject),
            UNIQUE (message_id)
        );
        CREATE INDEX t_notifications_due ON t_notifications (due_at) WHERE status = 'waiting';
        CREATE INDEX t_notifications_task ON t_notifications (task_id);
        CREATE INDEX t_notifications_user ON t_notifications (user_id, created_at);
        CREATE TABLE t_preview_templates (
            template_id VARCHAR(36) NOT NULL,
            name VARCHAR(50) NOT NULL,
            content JSONB NOT NULL,
            creator VARCHAR(50),
            created_at TIMESTAMPTZ NOT NULL,
            built_in BOOLEAN DEFAULT false NOT NULL,
            tenant_id TEXT,
            PRIMARY KEY (template_id)
        );
        CREATE TABLE t_push_results (
            push_id VARCHAR(36) NOT NULL,
            group_id VARCHAR(128) NOT NULL,
            message_id TEXT NOT NULL,
            status VARCHAR(10) NOT NULL,
            error TEXT,
            delivered_at TIMESTAMPTZ,
            attempts INTEGER DEFAULT '0' NOT NULL,
            published_at TIMESTAMPTZ,
            PRIMARY KEY (push_id, group_id),
            CONSTRAINT t_push_results_status CHECK (status IN ('pending', 'sent', 'failed', 'cancelled')),
            UNIQUE (message_id)
        )
         WITH (fillfactor = 70);
        CREATE INDEX t_push_results_unpublished ON t_push_results (push_id) WHERE published_at IS NULL AND status = 'pending';
        CREATE TABLE t_pushes (
            push_id VARCHAR(36) NOT NULL,
            task_id VARCHAR(36) NOT NULL,
            occurrence_time TIMESTAMPTZ,
            due_at TIMESTAMPTZ NOT NULL,
            status VARCHAR(10) NOT NULL,
            reason TEXT,
            priority VARCHAR(10) NOT NULL,
            content JSONB NOT NULL,
            started_at TIMESTAMPTZ,
            finished_at TIMESTAMPTZ,
            started_by VARCHAR(50),
            version INTEGER DEFAULT '1' NOT NULL,
            tenant_id TEXT,
            PRIMARY KEY (push_id),
            CONSTRAINT t_pushes_status CHECK (status IN ('held', 'running', 'completed', 'failed', 'skipped'))
        )
         WITH (fillfactor = 70);
        CREATE INDEX t_pushes_held ON t_pushes (due_at) WHERE status = 'held';
        CREATE UNIQUE INDEX t_pushes_occurrence ON t_pushes (task_id, occurrence_time) WHERE occurrence_time IS NOT NULL;
        CREATE INDEX t_pushes_running ON t_pushes (started_at) WHERE status = 'running';
        CREATE INDEX t_pushes_task ON t_pushes (task_id, due_at);
        CREATE TABLE t_tasks (
            task_id VARCHAR(36) NOT NULL,
            name VARCHAR(50) NOT NULL,
            schedule_type VARCHAR(10) NOT NULL,
            schedule_time TIMESTAMPTZ NOT NULL,
            recurring_interval VARCHAR(10),
            recurring_end TIMESTAMPTZ,
            content_text TEXT,
            content_image VARCHAR(255),
            content_link VARCHAR(255),
            content_miniprogram JSONB,
            groups JSONB NOT NULL,
            priority VARCHAR(10) DEFAULT 'medium' NOT NULL,
            status VARCHAR(10) DEFAULT 'draft' NOT NULL,
            creator_id VARCHAR(50) NOT NULL,
            preview_recipients JSONB NOT NULL,
            created_at TIMESTAMPTZ NOT NULL,
            updated_at TIMESTAMPTZ NOT NULL,
            tenant_id TEXT,
            timezone TEXT NOT NULL,
            version INTEGER DEFAULT '1' NOT NULL,
            next_at TIMESTAMPTZ,
            resume_at TIMESTAMPTZ,
            deleted_at TIMESTAMPTZ,
            last_error TEXT,
            misfire VARCHAR(10) DEFAULT 'once' NOT NULL,
            misfire_within INTERVAL,
            overlap VARCHAR(10) DEFAULT 'skip' NOT NULL,
            sending_hours JSONB,
            asks_feedback BOOLEAN DEFAULT false NOT NULL,
            content_hash BYTEA NOT NULL,
            urgency SMALLINT GENERATED ALWAYS AS (CASE priority WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END) STORED,
            PRIMARY KEY (task_id),
            CONSTRAINT t_tasks_content_text CHECK (char_length(content_text) <= 500),
            CONSTRAINT t_tasks_schedule_type CHECK (schedule_type IN ('once', 'recurring')),
            CONSTRAINT t_tasks_recurring_interval CHECK (recurring_interval IN ('daily', 'weekly', 'monthly')),
            CONSTRAINT t_tasks_priority CHECK (priority IN ('high', 'medium', 'low')),
            CONSTRAINT t_tasks_status CHECK (status IN ('draft', 'scheduled', 'running', 'completed', 'failed', 'paused'))
        )
         WITH (fillfactor = 70);
        CREATE INDEX t_tasks_created ON t_tasks (created_at, task_id) INCLUDE (schedule_time) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_creator ON t_tasks (creator_id, created_at, task_id) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_deleted ON t_tasks (deleted_at) WHERE deleted_at IS NOT NULL;
        CREATE INDEX t_tasks_due ON t_tasks (next_at) WHERE next_at IS NOT NULL AND deleted_at IS NULL;
        CREATE INDEX t_tasks_groups ON t_tasks USING gin (groups);
        CREATE INDEX t_tasks_recipients ON t_tasks USING gin (preview_recipients);
        CREATE INDEX t_tasks_resuming ON t_tasks (resume_at) WHERE resume_at IS NOT NULL AND deleted_at IS NULL;
        CREATE INDEX t_tasks_scheduled ON t_tasks (schedule_time, task_id) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_status ON t_tasks (status, created_at, task_id) INCLUDE (schedule_time) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_status_scheduled ON t_tasks (status, schedule_time, task_id) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_tenant_created ON t_tasks (tenant_id, created_at, task_id) INCLUDE (schedule_time) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_tenant_scheduled ON t_tasks (tenant_id, schedule_time, task_id) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_tenant_status ON t_tasks (tenant_id, status, created_at, task_id) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_urgency ON t_tasks (urgency, created_at, task_id) INCLUDE (schedule_time) WHERE deleted_at IS NULL;
        CREATE TABLE task_changes_to_tell (
            id BIGINT GENERATED BY DEFAULT AS IDENTITY,
            subject TEXT NOT NULL,
            change BYTEA NOT NULL,
            noted_at TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (id)
        );
        CREATE TABLE t_feedback (
            feedback_id VARCHAR(36) NOT NULL,
            task_id VARCHAR(36) NOT NULL,
            user_id VARCHAR(50) NOT NULL,
            content TEXT NOT NULL,
            timestamp TIMESTAMPTZ NOT NULL,
            push_id VARCHAR(36) NOT NULL,
            tenant_id TEXT,
            PRIMARY KEY (feedback_id),
            UNIQUE (push_id, user_id),
            FOREIGN KEY(task_id) REFERENCES t_tasks (task_id)
        );
        CREATE INDEX t_feedback_task ON t_feedback (task_id, timestamp);
        CREATE TABLE t_previews (
            preview_id VARCHAR(36) NOT NULL,
            task_id VARCHAR(36) NOT NULL,
            content JSONB NOT NULL,
            recipients JSONB NOT NULL,
            validation JSONB,
            status VARCHAR(10) DEFAULT 'sent' NOT NULL,
            created_at TIMESTAMPTZ NOT NULL,
            content_hash BYTEA NOT NULL,
            requested_by VARCHAR(50) NOT NULL,
            tenant_id TEXT,
            PRIMARY KEY (preview_id),
            CONSTRAINT t_previews_status CHECK (status IN ('sent', 'confirmed', 'modified')),
            FOREIGN KEY(task_id) REFERENCES t_tasks (task_id)
        );
        CREATE INDEX t_previews_requested ON t_previews (requested_by, created_at);
        CREATE INDEX t_previews_task ON t_previews (task_id, created_at);
        CREATE TABLE t_task_logs (
            log_id VARCHAR(36) NOT NULL,
            task_id VARCHAR(36) NOT NULL,
            action VARCHAR(10) NOT NULL,
            user_id VARCHAR(50) NOT NULL,
            changes JSONB,
            timestamp TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (log_id),
            CONSTRAINT t_task_logs_action CHECK (action IN ('create', 'update', 'delete', 'pause', 'resume')),
            FOREIGN KEY(task_id) REFERENCES t_tasks (task_id)
        );
        CREATE INDEX t_task_logs_task ON t_task_logs (task_id, timestamp);
        CREATE INDEX t_task_logs_timestamp ON t_task_logs (timestamp);
        CREATE TABLE t_preview_responses (
            response_id TEXT NOT NULL,
            preview_id VARCHAR(36) NOT NULL,
            user_id VARCHAR(128) NOT NULL,
            response VARCHAR(10) NOT NULL,
            comment TEXT,
            time TIMESTAMPTZ NOT NULL,
            PRIMARY KEY (response_id),
            CONSTRAINT t_preview_responses_response CHECK (response IN ('confirm', 'modify')),
            FOREIGN KEY(preview_id) REFERENCES t_previews (preview_id)
        );
        CREATE INDEX t_preview_responses_preview ON t_preview_responses (preview_id, time);
        """
    )


def downgrade() -> None:
    """Drop."""
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
