# ruff: noqa: S608 - statements are joined from our own words only
"""Who was forgotten is not brought back; what is brought back is sealed under live keys (SE-03).

The topics still name whom they named. Forgotten is whose key is gone, and whoever was erased within
the topics' reach, even if they wrote again since: in doubt nothing of them comes back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from runtime.vault import Vault
from schemas.sealed import place_of_message
from services.status_projector.store import notices, participants, personal
from services.status_projector.store.rebuilding.models import Values
from services.status_projector.store.rebuilding.shadow import SHADOW, look_at

_CHUNK: Final = 5_000

# Whoever has no key in the shadow has nothing sealed there: of them, only an erasure tells.
_FORGOTTEN: Final = sa.text(
    """
    CREATE VIEW rebuild.forgotten AS
    SELECT s.person FROM rebuild.person_keys s
    WHERE NOT EXISTS (SELECT FROM public.person_keys l WHERE l.person = s.person)
    UNION SELECT person FROM public.erasures WHERE asked_at >= :messages
    """
)


def tell_forgotten(connection: sa.Connection, values: Values) -> None:
    """Let queries know who is forgotten."""
    connection.execute(_FORGOTTEN, values)


CONCERNED: Final = "rebuild.concerned"
_CONCERNED: Final = sa.text(
    f"""
    CREATE TABLE {CONCERNED} AS
    SELECT message_id FROM rebuild.suspects_messages
    UNION SELECT message_id FROM rebuild.suspects_message_status_history
    UNION SELECT message_id FROM rebuild.suspects_message_facts
    """
)
_PEOPLE: Final = f"""
    SELECT s.person FROM rebuild.messages s JOIN {CONCERNED} USING (message_id)
    UNION SELECT s.person FROM rebuild.conversations s
        JOIN rebuild.suspects_conversations USING (conversation_id)
    UNION SELECT s.person FROM rebuild.provider_notices s
        JOIN rebuild.suspects_provider_notices USING (channel, notice_id)
    UNION SELECT person FROM rebuild.suspects_message_participants
    UNION SELECT person FROM rebuild.suspects_t_group_send_result
"""
_KEEP: Final = sa.text(
    f"""
    SELECT count(*) FROM (
        SELECT FROM public.person_keys WHERE person IN ({_PEOPLE})
        ORDER BY person FOR KEY SHARE
    ) kept
    """
)


def concern(connection: sa.Connection) -> None:
    """Note which messages are suspects, and let none of their people be forgotten meanwhile.

    Whoever erases somebody deletes the key first: so either we wait and find it gone, or they wait
    and find what we have brought back.
    """
    connection.execute(_CONCERNED)
    connection.execute(_KEEP)


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A column that is sealed, each value for its own place."""

    table: str
    key: Sequence[str]
    column: str
    place: Callable[[str], str]
    """Of the last column of the key that is not the person."""

    @property
    def lost(self) -> sa.TextClause:
        """The query for values that the live tables do not have, of people who are known."""
        on = " AND ".join(f"l.{k} = s.{k}" for k in self.key)
        return sa.text(
            f"""
            SELECT {", ".join(f"s.{k}" for k in self.key)}, s.person AS whose,
                s.{self.column} AS sealed
            FROM rebuild.{self.table} s JOIN rebuild.suspects_{self.table} x
                USING ({", ".join(self.key)})
            LEFT JOIN rebuild.forgotten f ON f.person = s.person
            LEFT JOIN public.{self.table} l ON {on}
            WHERE s.{self.column} IS NOT NULL AND f.person IS NULL AND l.{self.column} IS NULL
            """
        )

    @property
    def put(self) -> sa.TextClause:
        """The statement that puts one value, sealed anew, into the shadow."""
        on = " AND ".join(f"{k} = :{k}" for k in self.key)
        return sa.text(f"UPDATE rebuild.{self.table} SET {self.column} = :sealed WHERE {on}")


_COLUMNS: Final = (
    _Sealed("messages", ["message_id"], "sealed", place_of_message),
    _Sealed("messages", ["message_id"], "sealed_file_name", personal.place_of_file_name),
    _Sealed("message_participants", ["person", "message_id"], "sealed", participants.place_of),
    _Sealed("provider_notices", ["channel", "notice_id"], "sealed", notices.place_of),
)


def seal_anew(connection: sa.Connection, vault: Vault) -> None:
    """Seal what the live tables have lost under the keys that people have there."""
    for column in _COLUMNS:
        rows = connection.execute(column.lost, execution_options={"yield_per": _CHUNK})
        for some in rows.partitions():
            _seal(connection, vault, column, some)


def _seal(
    connection: sa.Connection, vault: Vault, column: _Sealed, rows: Sequence[sa.Row[Any]]
) -> None:
    people = {bytes(row.whose) for row in rows}
    theirs = vault.keyring(connection, people)
    look_at(connection, "public")
    ours = vault.keyring(connection, people)
    look_at(connection, SHADOW, "public")
    for row in rows:
        key = {name: getattr(row, name) for name in column.key}
        person, place = bytes(row.whose), column.place(key[column.key[-1]])
        plain = theirs.open(person, bytes(row.sealed), place=place)
        if plain is not None:
            anew = ours.seal(person, plain, place=place)
            connection.execute(column.put, {**key, "sealed": anew})


def _ours(schema: str) -> str:
    """Return the query for our last message before one that came in."""
    return f"""(
        SELECT message_id, sent_at, tenant_id, contact_id, order_id FROM {schema}.messages m
        WHERE m.conversation_id = i.conversation_id AND m.message_direction = 'outbound'
            AND m.sent_at < i.sent_at + interval '1 second'
        ORDER BY m.sent_at DESC, m.id DESC LIMIT 1)"""


# What came in belongs where our last message before it does, however old that is. The shadow may
# have heard of both in another order. Providers count in seconds.
_LINK: Final = sa.text(
    f"""
    UPDATE rebuild.messages s
    SET tenant_id = o.tenant_id, contact_id = o.contact_id, order_id = o.order_id
    FROM {CONCERNED} x JOIN rebuild.messages i USING (message_id) LEFT JOIN LATERAL (
        SELECT * FROM (
            {_ours("public")} UNION ALL {_ours("rebuild")}
        ) ours ORDER BY sent_at DESC, message_id DESC LIMIT 1
    ) o ON true
    WHERE s.message_id = x.message_id AND s.message_direction = 'inbound'
        AND NOT EXISTS (SELECT FROM public.messages l WHERE l.message_id = s.message_id)
    """
)
# Of conversations that were lost, too, if we last wrote there before the topics begin.
_ANSWER: Final = sa.text(
    """
    UPDATE rebuild.conversations s
    SET outbound_at = o.sent_at, tenant_id = o.tenant_id, contact_id = o.contact_id,
        order_id = o.order_id
    FROM rebuild.suspects_conversations x, LATERAL (
        SELECT m.sent_at, m.tenant_id, m.contact_id, m.order_id FROM public.messages m
        WHERE m.conversation_id = x.conversation_id AND m.message_direction = 'outbound'
        ORDER BY m.sent_at DESC, m.id DESC LIMIT 1
    ) o
    WHERE s.conversation_id = x.conversation_id AND s.outbound_at IS NULL
        AND NOT EXISTS (
            SELECT FROM public.conversations l WHERE l.conversation_id = s.conversation_id)
    """
)


def link(connection: sa.Connection) -> None:
    """Give what was lost the links that only older messages of ours tell."""
    connection.execute(_LINK)
    connection.execute(_ANSWER)
