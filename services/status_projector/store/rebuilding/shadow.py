"""A shadow of the read models beside the live ones: made, owned, and dropped."""

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa
import sqlalchemy.event

from runtime.postgres import connect
from services.status_projector.store import offsets
from services.status_projector.store.offsets import Place

SHADOW: Final = "rebuild"
TABLES: Final = (
    "messages",
    "message_status_history",
    "message_facts",
    "message_participants",
    "parked_events",
    "applied_offsets",
    "conversations",
    "provider_notices",
    "job_progress",
    "message_tallies",
    "unheard_sends",
    "sends_by_time",
    "task_states",
    "push_states",
    "group_send_states",
    "task_status_history",
    "t_group_send_result",
    "group_send_members",
    "group_send_progress",
    # What people were forgotten meanwhile must not have keys again: the shadow has keys of its own.
    "person_keys",
)
"""All that the projector's transaction writes: a table that is missing would be written live."""

_PATIENT: Final = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = '2min'"
"""Comparing everything takes as long as it takes; whoever holds the live tables waits for the last
records meanwhile."""


def open_shadow(url: str) -> sa.Engine:
    """Return an engine whose statements find the shadow's tables first."""
    engine = connect(url, pool=2)

    def look_there(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET search_path = {SHADOW}, public; {_PATIENT}")
        cursor.close()
        connection.commit()

    sqlalchemy.event.listen(engine, "connect", look_there)
    return engine


def create(connection: sa.Connection) -> None:
    """Make an empty shadow. What another run has left is dropped."""
    drop(connection)
    connection.execute(sa.text(f"CREATE SCHEMA {SHADOW}"))
    for table in TABLES:
        partitioned = connection.execute(_IS_PARTITIONED, {"name": f"public.{table}"}).scalar()
        by = "" if partitioned is None else f" PARTITION BY {partitioned}"
        connection.execute(
            sa.text(f"CREATE TABLE {SHADOW}.{table} (LIKE public.{table} INCLUDING ALL){by}")
        )
        if partitioned is not None:
            _create_partitions(connection, table)


_IS_PARTITIONED = sa.text(
    "SELECT pg_get_partkeydef(oid) FROM pg_class"
    " WHERE oid = CAST(:name AS regclass) AND relkind = 'p'"
)
_PARTITIONS = sa.text(
    """
    SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = CAST(:name AS regclass)
    """
)


def _create_partitions(connection: sa.Connection, table: str) -> None:
    for row in connection.execute(_PARTITIONS, {"name": f"public.{table}"}).all():
        name = f"{SHADOW}.{row.name}"
        like = f"(LIKE public.{row.name} INCLUDING DEFAULTS INCLUDING INDEXES)"
        connection.execute(sa.text(f"CREATE TABLE {name} {like}"))
        attach = f"ALTER TABLE {SHADOW}.{table} ATTACH PARTITION {name} {row.bound}"
        connection.execute(sa.text(attach))


def drop(connection: sa.Connection) -> None:
    """Remove the shadow, its keys with it."""
    connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE"))


def applied(connection: sa.Connection) -> dict[Place, int]:
    """Return how far the live tables are."""
    rows = connection.execute(
        sa.text("SELECT topic, partition, next_offset FROM public.applied_offsets")
    )
    return {(row.topic, row.partition): row.next_offset for row in rows}


def hold(connection: sa.Connection) -> dict[Place, int]:
    """Let nobody apply anything to the live tables until the transaction ends; say how far."""
    rows = connection.execute(
        sa.text(
            "SELECT topic, partition, next_offset FROM public.applied_offsets"
            " ORDER BY topic, partition FOR UPDATE"
        )
    )
    return {(row.topic, row.partition): row.next_offset for row in rows}


def own(connection: sa.Connection, places: Collection[Place]) -> dict[Place, int]:
    """Own the shadow's partitions; return their epochs."""
    return {place: claim.epoch for place, claim in offsets.claim(connection, places).items()}


def look_at(connection: sa.Connection, *schemas: str) -> None:
    """Let the transaction's statements find the tables of these schemas, the first one's first."""
    connection.execute(sa.text(f"SET LOCAL search_path = {', '.join(schemas)}"))


def analyze(connection: sa.Connection) -> None:
    """Let the server know how big the shadow's tables are: they are compared as a whole."""
    for table in TABLES:
        connection.execute(sa.text(f"ANALYZE {SHADOW}.{table}"))
