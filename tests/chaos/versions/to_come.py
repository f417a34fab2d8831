"""A version after the newest, for a run: it adds, as every version of ours does, and goes again.

It touches each table that is written to while messages flow, all of them in one transaction.
"""

from pathlib import Path

from alembic import op
from alembic.script import ScriptDirectory

from schemas.tables import migrate

TABLES = (
    "accepted_sends",
    "applied_offsets",
    "conversations",
    "dispatch_ledger",
    "job_items",
    "job_progress",
    "message_facts",
    "message_status_history",
    "message_tallies",
    "messages",
    "parked_events",
    "person_keys",
)

revision = "to_come"
down_revision = ScriptDirectory(Path(migrate.__file__).with_name("migrations")).get_current_head()


def upgrade() -> None:
    """Add a table, a column with a default to each table, and an index."""
    op.execute("CREATE TABLE notes_to_come (note_id BIGINT PRIMARY KEY, note TEXT NOT NULL)")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ADD COLUMN to_come TEXT NOT NULL DEFAULT 'new'")
    op.execute("CREATE INDEX messages_to_come ON messages (to_come, sent_at)")


def downgrade() -> None:
    """Take all of it back."""
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} DROP COLUMN to_come")
    op.execute("DROP TABLE notes_to_come")
