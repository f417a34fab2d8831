"""What the dispatcher knows of recipients: when they last wrote, and who is not to be written to.

Written by ``dispatcher``, and by people at the command line.
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

contact_windows = sa.Table(
    "contact_windows",
    METADATA,
    sa.Column("channel", sa.Text, primary_key=True),
    # A keyed hash of channel and recipient (runtime/vault.py).
    sa.Column("person", sa.LargeBinary, primary_key=True),
    # The account of ours that the person wrote to.
    sa.Column("sender_id", sa.Text, primary_key=True),
    sa.Column("last_inbound_at", MOMENT, nullable=False),
    postgresql_with={"fillfactor": "80"},
)

opt_outs = sa.Table(
    "opt_outs",
    METADATA,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("person", sa.LargeBinary, primary_key=True),
    # Empty: every sender of the channel.
    sa.Column("sender_id", sa.Text, primary_key=True),
    sa.Column("scope", sa.String(10), primary_key=True),
    # An opt-out that was taken back stays as `in`: an older one that comes late must not count.
    sa.Column("wish", sa.String(3), nullable=False),
    sa.Column("reason", sa.String(10), nullable=False),
    # When it was said.
    sa.Column("since", MOMENT, nullable=False),
    sa.CheckConstraint("scope IN ('all', 'marketing')", name="opt_outs_scope"),
    sa.CheckConstraint("wish IN ('out', 'in')", name="opt_outs_wish"),
    sa.CheckConstraint("reason IN ('reply', 'manual', 'erased')", name="opt_outs_reason"),
)
