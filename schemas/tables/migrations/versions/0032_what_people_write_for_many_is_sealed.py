"""What people write for many is sealed: contents of jobs, tasks, pushes, previews; notices.

No key is known here, so what is there stays in the clear until a scheduler has sealed it: each does
so when it starts, and once a day.
"""

from alembic import op

revision = "0032"
down_revision = "0031"

_TABLES = ("jobs", "t_pushes", "t_previews", "t_preview_templates", "t_notifications")


def upgrade() -> None:
    """Make room beside what is in the clear."""
    op.execute("ALTER TABLE person_keys ADD COLUMN lasts BOOLEAN NOT NULL DEFAULT false")
    for table in _TABLES:
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN sealed BYTEA, ALTER COLUMN content DROP NOT NULL"
        )
    op.execute(
        """
        ALTER TABLE t_task_logs ADD COLUMN sealed BYTEA;
        ALTER TABLE t_tasks ADD COLUMN sealed BYTEA, ADD COLUMN picture VARCHAR(255);
        ALTER TABLE t_preview_templates ADD COLUMN picture VARCHAR(255)
        """
    )


def downgrade() -> None:
    """Take back the form; what was sealed is not opened."""
    op.execute(
        """
        ALTER TABLE t_preview_templates DROP COLUMN picture;
        ALTER TABLE t_tasks DROP COLUMN sealed, DROP COLUMN picture;
        ALTER TABLE t_task_logs DROP COLUMN sealed
        """
    )
    for table in _TABLES:
        op.execute(f"UPDATE {table} SET content = '{{}}' WHERE content IS NULL")  # noqa: S608 - ours
        op.execute(f"ALTER TABLE {table} DROP COLUMN sealed, ALTER COLUMN content SET NOT NULL")
    op.execute(
        """
        DELETE FROM person_keys WHERE lasts;
        ALTER TABLE person_keys DROP COLUMN lasts
        """
    )
