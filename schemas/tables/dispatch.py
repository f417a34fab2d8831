"""The dispatcher's ledger: one row a message id, so that none is sent twice (domain/ledger.py)."""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

dispatch_ledger = sa.Table(
    "dispatch_ledger",
    METADATA,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("conversation", sa.Text, nullable=False),
    # The order in which a conversation's messages were taken up.
    sa.Column("position", sa.BigInteger, sa.Identity(), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    # How many of the attempts found no room; they do not count against the message.
    sa.Column("throttled", sa.Integer, nullable=False, server_default="0"),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("claimed_at", MOMENT, nullable=False),
    # waiting: when it is due; in_doubt: when the grace period ends.
    sa.Column("due_at", MOMENT),
    # in_doubt: when its provider is asked for it again. While somebody asks: until when nobody
    # else does.
    sa.Column("find_at", MOMENT),
    # The request, while it may still have to be sent, looked for, or its results asked for.
    sa.Column("request", sa.LargeBinary),
    sa.Column("whatsapp_message_id", sa.String(255)),
    sa.Column("error_code", sa.String(50)),
    sa.Column("updated_at", MOMENT, nullable=False),
    sa.CheckConstraint(
        "state IN ('claimed', 'waiting', 'in_doubt', 'accepted', 'rejected')",
        name="dispatch_ledger_state",
    ),
    sa.Index("dispatch_ledger_due", "due_at", postgresql_where=sa.text("state = 'waiting'")),
    sa.Index(
        "dispatch_ledger_conversation",
        "conversation",
        "position",
        postgresql_where=sa.text("state IN ('waiting', 'claimed')"),
    ),
    sa.Index(
        "dispatch_ledger_claimed", "claimed_at", postgresql_where=sa.text("state = 'claimed'")
    ),
    sa.Index("dispatch_ledger_in_doubt", "due_at", postgresql_where=sa.text("state = 'in_doubt'")),
    postgresql_with={"fillfactor": "70"},
)
