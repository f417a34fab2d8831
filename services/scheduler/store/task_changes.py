"""What `task-changes` is to be told of tasks and their pushes."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from schemas.topics.task_changes import PushChanged, TaskChanged, subject_of


def tell(
    connection: sa.Connection, changes: Sequence[TaskChanged | PushChanged], *, now: datetime
) -> None:
    """Note the changes, in their order; they are told once this transaction is committed."""
    connection.execute(
        sa.text(
            """
            INSERT INTO task_changes_to_tell (subject, change, noted_at)
            SELECT subject, change, :now
            FROM unnest(CAST(:subjects AS text[]), CAST(:changes AS bytea[]))
                WITH ORDINALITY AS told (subject, change, number)
            ORDER BY number
            """
        ),
        {
            "subjects": [subject_of(change) for change in changes],
            "changes": [msgspec.json.encode(change) for change in changes],
            "now": now,
        },
    )
