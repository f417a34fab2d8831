"""A shadow of the read models beside the live ones: made, compared, and mended from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
import sqlalchemy.event

from runtime.postgres import connect
from runtime.vault import Vault
from services.status_projector.store import offsets, personal
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

_STATE: Final = (
    "whatsapp_message_id",
    "delivery_status",
    "started_at",
    "accepted_at",
    "delivered_at",
    "read_at",
    "failed_at",
    "error_code",
    "error_message",
    "failures",
    "pricing",
    "category",
)
"""What is a function of the facts: mended where it differs."""
_ASKED: Final = (
    "channel",
    "sender_id",
    "person",
    "conversation_id",
    "message_type",
    "message_direction",
    "sent_at",
    "case_id",
    "queue_id",
    "agent_id",
    "wa_account_type",
    "wa_account_id",
    "job_id",
    "original_message_id",
)
"""What a message is, from its request or its callback."""
COMPARED: Final = (*_STATE, *_ASKED)


def open_shadow(url: str) -> sa.Engine:
    """Return an engine whose statements find the shadow's tables first."""
    engine = connect(url, pool=2)

    def look_there(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET search_path = {SHADOW}, public")
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


@dataclass(frozen=True, slots=True)
class Difference:
    """A message that the topics tell otherwise."""

    message_id: str
    columns: Sequence[str]
    """Those that differ; none: it is missing from the live tables."""


def _row(alias: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in COMPARED)


_NOBODY: Final = "CAST('' AS bytea)"
"""Who was erased: the topics still name them, and nothing of that comes back (SE-03)."""

_DIFFER = sa.text(
    f"""
    SELECT s.message_id, l.message_id IS NULL AS is_missing,
           array_remove(ARRAY[{
        ", ".join(f"CASE WHEN l.{c} IS DISTINCT FROM s.{c} THEN '{c}' END" for c in COMPARED)
    }], NULL)
           AS columns
    FROM {SHADOW}.messages s LEFT JOIN public.messages l USING (message_id)
    WHERE (CAST(:some AS text[]) IS NULL OR s.message_id = ANY(:some))
      AND s.sent_at >= :since AND l.person IS DISTINCT FROM {_NOBODY}
      AND (l.message_id IS NULL OR ROW({_row("l")}) IS DISTINCT FROM ROW({_row("s")}))
    ORDER BY s.message_id
    """  # noqa: S608 - our own words only
)


def differences(
    connection: sa.Connection, since: datetime, some: Collection[str] | None = None
) -> list[Difference]:
    """Return what differs of all messages that were asked for since then, or of some of them."""
    values = {"since": since, "some": None if some is None else list(some)}
    rows = connection.execute(_DIFFER, values)
    return [Difference(r.message_id, () if r.is_missing else tuple(r.columns)) for r in rows]


_MEND = sa.text(
    f"""
    UPDATE public.messages l
    SET {", ".join(f"{column} = s.{column}" for column in COMPARED)}, sequence = coalesce((
            SELECT max(h.sequence) FROM public.message_status_history h
            WHERE h.message_id = l.message_id), s.sequence),
        updated_at = :now
    FROM {SHADOW}.messages s
    WHERE s.message_id = l.message_id AND l.message_id = ANY(:ids) AND l.person <> {_NOBODY}
    """  # noqa: S608 - our own words only
)


def mend(connection: sa.Connection, message_ids: Collection[str], now: datetime) -> None:
    """Give live messages what the topics tell of them; their histories stay, as published."""
    connection.execute(_MEND, {"ids": list(message_ids), "now": now})


_MISSING: Final = (*COMPARED, "tenant_id", "contact_id", "order_id", "retried", "sequence")
_ENTER = sa.text(
    f"""
    INSERT INTO public.messages (message_id, created_at, updated_at, {", ".join(_MISSING)})
    SELECT message_id, created_at, :now, {", ".join(_MISSING)}
    FROM {SHADOW}.messages WHERE message_id = ANY(:ids)
    """  # noqa: S608 - our own words only
)
_TELL = sa.text(
    f"""
    INSERT INTO public.message_status_history
    SELECT h.* FROM {SHADOW}.message_status_history h
    WHERE h.message_id = ANY(:ids) AND NOT EXISTS (
        SELECT 1 FROM public.message_status_history l WHERE l.message_id = h.message_id)
    """  # noqa: S608 - our own words only
)
_SEALED = sa.text(
    f"""
    SELECT message_id, person, sealed FROM {SHADOW}.messages
    WHERE message_id = ANY(:ids) AND sealed IS NOT NULL
    """  # noqa: S608 - our own words only
)
_SEAL = sa.text("UPDATE public.messages SET sealed = :sealed WHERE message_id = :message_id")
_BLANK: Final = (
    sa.text(
        f"""
        UPDATE public.messages SET person = {_NOBODY}, conversation_id = '',
            whatsapp_message_id = NULL, contact_id = NULL, order_id = NULL, case_id = NULL
        WHERE message_id = ANY(:ids)
        """  # noqa: S608 - our own words only
    ),
    sa.text(
        """
        UPDATE public.message_status_history SET change = convert_to(CAST(
            CAST(convert_from(change, 'UTF8') AS jsonb)
                - ARRAY['contactId', 'orderId', 'caseId', 'conversationId'] AS text), 'UTF8')
        WHERE message_id = ANY(:ids) AND change <> ''
        """
    ),
)
"""As an erasure leaves a message (services/administration/store/erasure.py)."""


def enter(
    connection: sa.Connection, vault: Vault, message_ids: Collection[str], now: datetime
) -> None:
    """Enter messages that the live tables have lost, sealed for those who are not forgotten."""
    values = {"ids": list(message_ids)}
    connection.execute(_ENTER, {**values, "now": now})
    connection.execute(_TELL, values)
    rows = connection.execute(_SEALED, values).all()
    people = {bytes(row.person) for row in rows}
    theirs = vault.keyring(connection, people)
    connection.execute(sa.text("SET LOCAL search_path = public"))
    look = sa.text("SELECT person FROM person_keys WHERE person = ANY(:people)")
    known = {bytes(one) for one in connection.execute(look, {"people": list(people)}).scalars()}
    ours = vault.keyring(connection, people)
    forgotten = [row.message_id for row in rows if bytes(row.person) not in known]
    for blank in _BLANK:
        connection.execute(blank, {"ids": forgotten})
    for row in rows:
        person, name = bytes(row.person), row.message_id
        said = personal.unseal(theirs, person, name, bytes(row.sealed))
        if said is not None and person in known:
            sealed = personal.seal(ours, person, name, said)
            connection.execute(_SEAL, {"message_id": name, "sealed": sealed})
    connection.execute(sa.text(f"SET LOCAL search_path = {SHADOW}, public"))
