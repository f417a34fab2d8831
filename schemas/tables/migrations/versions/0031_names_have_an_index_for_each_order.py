"""Whom tasks name has an index for each order of the list: what a group is in is not sorted anew."""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Replace the index that led by tenant and time alone."""
    op.execute(
        """
        SET LOCAL maintenance_work_mem = '256MB';
        DROP INDEX t_task_audience_name;
        CREATE INDEX t_task_audience_created ON t_task_audience (kind, name, created_at, task_id) INCLUDE (tenant_id, schedule_time);
        CREATE INDEX t_task_audience_scheduled ON t_task_audience (kind, name, schedule_time, task_id) INCLUDE (tenant_id, created_at, urgency);
        CREATE INDEX t_task_audience_urgency ON t_task_audience (kind, name, urgency, schedule_time, task_id) INCLUDE (tenant_id);
        """
    )


def downgrade() -> None:
    """Go back to the one index."""
    op.execute(
        """
        DROP INDEX t_task_audience_created, t_task_audience_scheduled, t_task_audience_urgency;
        CREATE INDEX t_task_audience_name ON t_task_audience (kind, name, tenant_id, schedule_time, task_id) INCLUDE (created_at, urgency);
        """
    )
