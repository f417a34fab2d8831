"""Alembic's entry: applies the versions to the engine it was handed (`cli migrate`)."""

import sqlalchemy as sa
from alembic import context

from schemas.tables import METADATA

connection = context.config.attributes.get("connection")
if not isinstance(connection, sa.Connection):
    raise TypeError("run migrations through `python -m cli migrate`")
context.configure(connection=connection, target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
