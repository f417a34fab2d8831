"""What the dispatcher keeps: its ledger, its senders, and what of their limits is used.

The ledger has one row a message id, so that none is sent twice (domain/ledger.py).
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

dispatch_ledger = sa.Table(
    "dispatch_ledger",
    METADATA,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("state", sa.String(10), nullable=False),
    # A keyed hash of channel, sender and recipient.
    sa.Column("conversation", sa.Text, nullable=False),
    # `channel:senderId`.
    sa.Column("sender", sa.Text, nullable=False),
    # 0 high, 1 medium, 2 low.
    sa.Column("priority", sa.SmallInteger, nullable=False, server_default="1"),
    # The order in which a conversation's messages were taken up.
    sa.Column("position", sa.BigInteger, sa.Identity(), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    # How many of the attempts found no room; they do not count against the message.
    sa.Column("throttled", sa.Integer, nullable=False, server_default="0"),
    # How many ended because the sender could not send at all; they do not count either.
    sa.Column("broken", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("claimed_at", MOMENT, nullable=False),
    # waiting: when it is due; in_doubt: when the grace period ends.
    sa.Column("due_at", MOMENT),
    # in_doubt: when its provider is asked for it again. While somebody asks: until when nobody
    # else does.
    sa.Column("find_at", MOMENT),
    # The request, while it may still have to be sent, looked for, or its results asked for: an
    # envelope (runtime/vault.py). A waiting message without one is to somebody who was erased.
    sa.Column("request", sa.LargeBinary),
    # The provider's id, of whichever channel. in_doubt: found there, and reserved for this message.
    sa.Column("whatsapp_message_id", sa.String(255)),
    sa.Column("error_code", sa.String(50)),
    # claimed: why it is refused without a call; empty where no more is known than the code.
    sa.Column("refused_for", sa.Text),
    sa.Column("updated_at", MOMENT, nullable=False),
    sa.CheckConstraint(
        "state IN ('claimed', 'waiting', 'in_doubt', 'accepted', 'rejected')",
        name="dispatch_ledger_state",
    ),
    sa.Index(
        "dispatch_ledger_due",
        "sender",
        "priority",
        "due_at",
        postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index(
        "dispatch_ledger_conversation",
        "conversation",
        "position",
        postgresql_where=sa.text("state IN ('waiting', 'claimed')"),
    ),
    sa.Index(
        "dispatch_ledger_claimed", "claimed_at", postgresql_where=sa.text("state = 'claimed'")
    ),
    # Whose a send is that was found at a provider; WhatsApp cannot be asked.
    sa.Index(
        "dispatch_ledger_provider_id",
        "whatsapp_message_id",
        postgresql_where=sa.text("sender NOT LIKE 'whatsapp:%'"),
    ),
    sa.Index("dispatch_ledger_in_doubt", "due_at", postgresql_where=sa.text("state = 'in_doubt'")),
    postgresql_with={"fillfactor": "70"},
)

senders = sa.Table(
    "senders",
    METADATA,
    # `channel:senderId`.
    sa.Column("sender", sa.Text, primary_key=True),
    # Its own, where it has one; else the setting's (CF-17).
    sa.Column("daily_limit", sa.Integer),
    sa.Column("is_limited", sa.Boolean, nullable=False, server_default=sa.true()),
    # Messages a second of its own, 0 for any number; without it what its channel says.
    sa.Column("messages_per_second", sa.Float),
    # The last time the provider had no room, and which part of the rate was left (domain/rates.py).
    sa.Column("slowed_to", sa.Float),
    sa.Column("slowed_at", MOMENT),
    # Set while it cannot send: since when, why, and when that is looked into again.
    sa.Column("halted_at", MOMENT),
    sa.Column("halted_for", sa.Text),
    sa.Column("probe_at", MOMENT),
    # How long the last pause before a probe was.
    sa.Column("probe_pause", sa.Interval),
    # Until when its provider has asked to be left alone (domain/ledger.py).
    sa.Column("held_until", MOMENT),
)

send_counts = sa.Table(
    "send_counts",
    METADATA,
    # Whose quota: a sender's, a case's, a recipient's (domain/admission.py). Of a recipient a keyed
    # hash.
    sa.Column("scope", sa.Text, primary_key=True),
    # In the zone of APP_TIMEZONE.
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
    sa.Index("send_counts_day", "day"),
    postgresql_with={"fillfactor": "70"},
)

send_arrivals = sa.Table(
    "send_arrivals",
    METADATA,
    # Whose rate: a sender's, a pair's, a case's.
    sa.Column("scope", sa.Text, primary_key=True),
    # When the next message would come if they came evenly (domain/rates.py).
    sa.Column("next_at", MOMENT, nullable=False),
    postgresql_with={"fillfactor": "70"},
)
