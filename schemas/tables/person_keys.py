"""A key of each person, under which everything about them is sealed (runtime/vault.py).

Its row gone, the person is forgotten. Backed up apart from everything else, and kept for days only:
a copy of this table is a copy of everybody.
"""

import sqlalchemy as sa

from schemas.tables import METADATA
from schemas.tables.messages import MOMENT

person_keys = sa.Table(
    "person_keys",
    METADATA,
    # A keyed hash of channel and address.
    sa.Column("person", sa.LargeBinary, primary_key=True),
    # The id of the master key that wraps it.
    sa.Column("master", sa.Text, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    # A tenant's: what it seals is looked for by nobody, and it stays.
    sa.Column("lasts", sa.Boolean, nullable=False, server_default=sa.false()),
)
