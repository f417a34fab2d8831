"""What is old is found by its time; months that were dropped are remembered."""

from alembic import op

revision = "0027"
down_revision = "0026"

_INDEXES = (
    ("message_participants_updated_at", "message_participants (updated_at)"),
    ("provider_notices_received_at", "provider_notices (received_at)"),
    ("t_pushes_finished", "t_pushes (finished_at) WHERE finished_at IS NOT NULL"),
    ("t_previews_created", "t_previews (created_at)"),
    ("t_preview_responses_time", "t_preview_responses (time)"),
    ("media_uploads_uploaded", "media_uploads (uploaded_at)"),
    ("task_status_history_recorded", "task_status_history (recorded_at)"),
    ("group_send_members_result", "group_send_members (result_id)"),
)


def upgrade() -> None:
    """Create."""
    op.execute(
        """
        CREATE TABLE dropped_months (
            partition TEXT PRIMARY KEY,
            until TIMESTAMPTZ NOT NULL,
            dropped_at TIMESTAMPTZ NOT NULL
        )
        """
    )
    for name, what in _INDEXES:
        op.execute(f"CREATE INDEX {name} ON {what}")


def downgrade() -> None:
    """Drop."""
    for name, _ in _INDEXES:
        op.execute(f"DROP INDEX {name}")
    op.execute("DROP TABLE dropped_months")
