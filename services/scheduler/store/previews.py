"""Whether somebody has confirmed a preview (PV-07, CF-25)."""

import sqlalchemy as sa


def passed(connection: sa.Connection, task_id: str, content_hash: bytes) -> bool:
    """Tell whether the task's newest preview is one of this content, and confirmed."""
    confirmed = connection.execute(
        sa.text(
            """
            SELECT content_hash = :content_hash AND status = 'confirmed' FROM t_previews
            WHERE task_id = :task_id ORDER BY created_at DESC, preview_id LIMIT 1
            """
        ),
        {"task_id": task_id, "content_hash": content_hash},
    ).scalar_one_or_none()
    return bool(confirmed)
