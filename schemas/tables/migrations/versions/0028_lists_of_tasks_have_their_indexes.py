"""Every order of the list of tasks has its index, also of a tenant; whom tasks name has a table.

What is due is claimed from an index by urgency, and who was reminded of what stands on the task.
"""

from alembic import op

revision = "0028"
down_revision = "0027"

# By triggers, since schedulers of the version before may still write.
_FOLLOWS = """
    CREATE FUNCTION t_task_audience_of_new() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO t_task_audience
            (task_id, kind, name, tenant_id, schedule_time, created_at, urgency)
        SELECT DISTINCT added.task_id, named.kind, named.name, added.tenant_id,
            added.schedule_time, added.created_at, added.urgency
        FROM added, LATERAL (
            SELECT 'group', jsonb_array_elements_text(added.groups)
            UNION ALL SELECT 'recipient', jsonb_array_elements_text(added.preview_recipients)
        ) AS named (kind, name)
        WHERE added.deleted_at IS NULL;
        RETURN NULL;
    END $$;
    CREATE FUNCTION t_task_audience_of_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM t_task_audience WHERE task_id = OLD.task_id;
        IF TG_OP = 'UPDATE' AND NEW.deleted_at IS NULL THEN
            INSERT INTO t_task_audience
                (task_id, kind, name, tenant_id, schedule_time, created_at, urgency)
            SELECT DISTINCT NEW.task_id, named.kind, named.name, NEW.tenant_id,
                NEW.schedule_time, NEW.created_at, NEW.urgency
            FROM (
                SELECT 'group', jsonb_array_elements_text(NEW.groups)
                UNION ALL SELECT 'recipient', jsonb_array_elements_text(NEW.preview_recipients)
            ) AS named (kind, name);
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER t_task_audience_of_new AFTER INSERT ON t_tasks
        REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION t_task_audience_of_new();
    CREATE TRIGGER t_task_audience_of_changed
        AFTER UPDATE OF groups, preview_recipients, schedule_time, priority, tenant_id, created_at,
            deleted_at ON t_tasks
        FOR EACH ROW
        WHEN ((OLD.groups, OLD.preview_recipients, OLD.schedule_time, OLD.priority, OLD.tenant_id,
               OLD.created_at, OLD.deleted_at)
            IS DISTINCT FROM
              (NEW.groups, NEW.preview_recipients, NEW.schedule_time, NEW.priority, NEW.tenant_id,
               NEW.created_at, NEW.deleted_at))
        EXECUTE FUNCTION t_task_audience_of_changed();
    CREATE TRIGGER t_task_audience_of_gone AFTER DELETE ON t_tasks
        FOR EACH ROW EXECUTE FUNCTION t_task_audience_of_changed();
"""


def upgrade() -> None:
    """Create, enter whom the tasks name, and replace the indexes that led through other rows."""
    op.execute(
        """
        ALTER TABLE t_tasks ADD COLUMN reminded_for TIMESTAMPTZ;
        CREATE TABLE t_task_audience (
            task_id VARCHAR(36) NOT NULL,
            kind VARCHAR(10) NOT NULL,
            name VARCHAR(128) NOT NULL,
            tenant_id TEXT,
            schedule_time TIMESTAMPTZ NOT NULL,
            created_at TIMESTAMPTZ NOT NULL,
            urgency SMALLINT NOT NULL,
            CONSTRAINT t_task_audience_kind CHECK (kind IN ('group', 'recipient'))
        );
        INSERT INTO t_task_audience
            (task_id, kind, name, tenant_id, schedule_time, created_at, urgency)
        SELECT DISTINCT task_id, named.kind, named.name, tenant_id, schedule_time, created_at,
            urgency
        FROM t_tasks, LATERAL (
            SELECT 'group', jsonb_array_elements_text(groups)
            UNION ALL SELECT 'recipient', jsonb_array_elements_text(preview_recipients)
        ) AS named (kind, name)
        WHERE deleted_at IS NULL;
        SET LOCAL maintenance_work_mem = '256MB';
        ALTER TABLE t_task_audience ADD PRIMARY KEY (task_id, kind, name);
        CREATE INDEX t_task_audience_name ON t_task_audience (kind, name, tenant_id, schedule_time, task_id) INCLUDE (created_at, urgency);
        """
    )
    op.execute(_FOLLOWS)
    op.execute(
        """
        DROP INDEX t_tasks_creator, t_tasks_due, t_tasks_groups, t_tasks_recipients,
            t_tasks_scheduled, t_tasks_tenant_created, t_tasks_tenant_scheduled,
            t_tasks_tenant_status, t_tasks_urgency;
        CREATE INDEX t_tasks_creator ON t_tasks (creator_id, created_at, task_id) INCLUDE (schedule_time, urgency, status, tenant_id) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_due ON t_tasks (urgency, next_at) WHERE next_at IS NOT NULL AND deleted_at IS NULL;
        CREATE INDEX t_tasks_scheduled ON t_tasks (schedule_time, task_id) INCLUDE (created_at, urgency, status) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_tenant_created ON t_tasks (tenant_id, created_at, task_id) INCLUDE (schedule_time, status) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_tenant_scheduled ON t_tasks (tenant_id, schedule_time, task_id) INCLUDE (created_at, urgency, status) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_tenant_status ON t_tasks (tenant_id, status, schedule_time, task_id) INCLUDE (created_at, urgency) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_tenant_urgency ON t_tasks (tenant_id, urgency, schedule_time, task_id) INCLUDE (status) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_unreminded ON t_tasks (next_at) WHERE next_at IS NOT NULL AND deleted_at IS NULL AND preview_recipients <> CAST('[]' AS jsonb) AND reminded_for IS DISTINCT FROM next_at;
        CREATE INDEX t_tasks_urgency ON t_tasks (urgency, schedule_time, task_id) INCLUDE (status) WHERE deleted_at IS NULL;
        DROP INDEX t_notifications_user;
        CREATE INDEX t_notifications_user ON t_notifications (user_id, (read_at IS NOT NULL), greatest(due_at, created_at) DESC, notification_id) INCLUDE (due_at, read_at) WHERE status <> 'cancelled';
        """
    )


def downgrade() -> None:
    """Go back to the indexes that were."""
    op.execute(
        """
        DROP TRIGGER t_task_audience_of_new ON t_tasks;
        DROP TRIGGER t_task_audience_of_changed ON t_tasks;
        DROP TRIGGER t_task_audience_of_gone ON t_tasks;
        DROP FUNCTION t_task_audience_of_new, t_task_audience_of_changed;
        DROP TABLE t_task_audience;
        DROP INDEX t_tasks_creator, t_tasks_due, t_tasks_scheduled, t_tasks_tenant_created,
            t_tasks_tenant_scheduled, t_tasks_tenant_status, t_tasks_tenant_urgency,
            t_tasks_unreminded, t_tasks_urgency, t_notifications_user;
        ALTER TABLE t_tasks DROP COLUMN reminded_for;
        CREATE INDEX t_tasks_creator ON t_tasks (creator_id, created_at, task_id) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_due ON t_tasks (next_at) WHERE next_at IS NOT NULL AND deleted_at IS NULL;
        CREATE INDEX t_tasks_groups ON t_tasks USING gin (groups);
        CREATE INDEX t_tasks_recipients ON t_tasks USING gin (preview_recipients);
        CREATE INDEX t_tasks_scheduled ON t_tasks (schedule_time, task_id) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_tenant_created ON t_tasks (tenant_id, created_at, task_id) INCLUDE (schedule_time) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_tenant_scheduled ON t_tasks (tenant_id, schedule_time, task_id) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_tenant_status ON t_tasks (tenant_id, status, created_at, task_id) WHERE deleted_at IS NULL;
        CREATE INDEX t_tasks_urgency ON t_tasks (urgency, created_at, task_id) INCLUDE (schedule_time) WHERE deleted_at IS NULL;
        CREATE INDEX t_notifications_user ON t_notifications (user_id, created_at);
        """
    )
