# ruff: noqa: S608 - statements are joined from our own words only
"""The statements that forget one person, in every table that knows one (SE-03, IM-33, CF-33).

Rows that others count stay, without a trace of whom they were about: a blank person is no bytes.
Whatever is sealed is unreadable from the moment the key is gone; it is removed all the same.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from runtime.vault import Person, forget

_PATIENCE: Final = "10min"
"""One person is looked for in tables that have no index for it: this is done seldom."""

_OPT_OUT = sa.text(
    """
    INSERT INTO opt_outs (channel, sender_id, person, scope, wish, reason, since)
    VALUES (:channel, '', :person, 'all', 'out', 'erased', :now)
    ON CONFLICT (channel, person, sender_id, scope) DO UPDATE
    SET wish = EXCLUDED.wish, reason = EXCLUDED.reason, since = EXCLUDED.since
    """
)

_OURS: Final = "request IS NOT NULL AND substring(request from 1 for 16) = :person"
"""An envelope of theirs (runtime/vault.py)."""

_THEIRS: Final = "SELECT message_id FROM messages WHERE person = :person"

_STEPS: Final[Mapping[str, str]] = {
    "contact_windows": "DELETE FROM contact_windows WHERE person = :person",
    # What an earlier erasure left there is nothing that was known of them.
    "opt_outs": "DELETE FROM opt_outs WHERE person = :person AND reason <> 'erased'",
    "send_counts": "DELETE FROM send_counts WHERE scope = 'recipient:' || :hash",
    "send_arrivals": "DELETE FROM send_arrivals WHERE scope LIKE 'pair:%:' || :hash",
    "accepted_sends": f"DELETE FROM accepted_sends WHERE {_OURS}",
    # The dispatcher fails those that wait (services/dispatcher/erased.py).
    "dispatch_ledger": f"""
        UPDATE dispatch_ledger SET request = NULL, conversation = '', whatsapp_message_id = NULL
        WHERE (state IN ('waiting', 'claimed', 'in_doubt') AND {_OURS})
            OR message_id = ANY(ARRAY({_THEIRS}))
        """,
    "follow_ups": f"DELETE FROM follow_ups WHERE {_OURS}",
    "fallbacks": f"DELETE FROM fallbacks WHERE {_OURS}",
    "parked_events": f"""
        DELETE FROM parked_events WHERE person = :person
            OR message_id = ANY(ARRAY({_THEIRS}))
            OR whatsapp_message_id = ANY(ARRAY(
                SELECT whatsapp_message_id FROM messages
                WHERE person = :person AND whatsapp_message_id IS NOT NULL))
        """,
    "t_feedback": "DELETE FROM t_feedback WHERE user_id = :hash",
    "t_preview_responses": "DELETE FROM t_preview_responses WHERE person = :person",
    "t_previews": """
        UPDATE t_previews SET people = array_remove(people, CAST(:person AS bytea))
        WHERE people @> ARRAY[CAST(:person AS bytea)]
        """,
    "provider_notices": "DELETE FROM provider_notices WHERE person = :person",
    # A row of its own for each, without saying whose.
    "message_participants": """
        UPDATE message_participants SET person = uuid_send(gen_random_uuid()), sealed = ''
        WHERE person = :person
        """,
    # The published change without the names that others know the person by.
    "message_status_history": f"""
        UPDATE message_status_history SET change = convert_to(CAST(
            CAST(convert_from(change, 'UTF8') AS jsonb)
                - ARRAY['contactId', 'orderId', 'caseId', 'conversationId'] AS text), 'UTF8')
        WHERE message_id = ANY(ARRAY({_THEIRS})) AND change <> ''
        """,
    # What a provider says of a failure may name whom it could not reach.
    "message_facts": f"""
        UPDATE message_facts SET detail = NULL
        WHERE message_id = ANY(ARRAY({_THEIRS})) AND detail IS NOT NULL
        """,
    # Its results are counted: they stay, without saying of which customer.
    "t_group_send_result": """
        UPDATE t_group_send_result SET customer_id = 0
        WHERE id = ANY(ARRAY(SELECT result_id FROM group_send_members WHERE person = :person))
        """,
    "group_send_members": """
        UPDATE group_send_members SET person = uuid_send(gen_random_uuid())
        WHERE person = :person
        """,
    "read_marks_told": """
        DELETE FROM read_marks_told WHERE conversation_id = ANY(ARRAY(
            SELECT conversation_id FROM conversations WHERE person = :person))
        """,
    # After what was told of them.
    "conversations": "DELETE FROM conversations WHERE person = :person",
    # What is stored has its file deleted first.
    "inbound_media": "DELETE FROM inbound_media WHERE person = :person AND key IS NULL",
    # After those that look for the person's messages here.
    "messages": """
        UPDATE messages SET person = '', conversation_id = '', sealed = NULL,
            sealed_file_name = NULL, file_url = NULL, whatsapp_message_id = NULL,
            contact_id = NULL, order_id = NULL, case_id = NULL
        WHERE person = :person
        """,
    # After the others: whoever counts rows of the same job waits until the end.
    "job_items": """
        WITH theirs AS (
            SELECT job_id, row, state FROM job_items WHERE person = :person
            ORDER BY job_id, row FOR UPDATE
        ), counted AS (
            INSERT INTO job_unsent AS known (job_id, skipped, cancelled, recalled)
            SELECT job_id, count(*), 0, 0 FROM theirs WHERE state = 'waiting'
            GROUP BY job_id ORDER BY job_id
            ON CONFLICT (job_id) DO UPDATE SET skipped = known.skipped + excluded.skipped
        )
        UPDATE job_items i SET person = NULL, sealed = NULL,
            error_code = CASE t.state WHEN 'waiting' THEN 'UNKNOWN_ERROR' ELSE i.error_code END,
            error_detail = CASE t.state WHEN 'waiting' THEN 'the recipient was erased'
                ELSE i.error_detail END,
            state = CASE t.state WHEN 'waiting' THEN 'skipped' ELSE i.state END
        FROM theirs t WHERE i.job_id = t.job_id AND i.row = t.row
        """,
}
"""By table. Their order matters only where it is said."""

_NAMES: Final = (
    "SELECT CAST(:address AS text) UNION SELECT wechat_id FROM users WHERE openid = :address"
)
"""How people of ours name somebody on WeChat: by their name there, or by the openid."""
_BY_NAME: Final[Mapping[str, str]] = {
    "t_notifications": f"DELETE FROM t_notifications WHERE user_id IN ({_NAMES})",
    "t_tasks": f"""
        UPDATE t_tasks SET preview_recipients = preview_recipients - ARRAY({_NAMES})
        WHERE preview_recipients ?| ARRAY({_NAMES})
        """,
    "t_task_logs": f"""
        UPDATE t_task_logs SET changes = changes - 'previewRecipients'
        WHERE jsonb_path_exists(changes, '$.previewRecipients.**')
            AND ARRAY(SELECT part #>> '{{}}' FROM
                jsonb_path_query(changes, 'strict $.previewRecipients.**') AS part)
                && ARRAY({_NAMES})
        """,
}
"""Where people are named as somebody typed it: those on WeChat, whom previews go to."""
_TYPED_ON: Final = "wechat"


def begin(
    connection: sa.Connection, person: Person, channel: str, *, asked_by: str, now: datetime
) -> int:
    """Note that somebody is to be forgotten; return the number of the erasure."""
    row = connection.execute(
        sa.text(
            """
            INSERT INTO erasures (person, channel, asked_by, asked_at, counts)
            VALUES (:person, :channel, :asked_by, :now, '{}') RETURNING id
            """
        ),
        {"person": person, "channel": channel, "asked_by": asked_by, "now": now},
    )
    return row.scalar_one()


def forget_everywhere(
    connection: sa.Connection, person: Person, channel: str, address: str, *, now: datetime
) -> dict[str, int]:
    """Forget a person in all tables; return how many rows of each were about them.

    The key is the first: who is just sealing something for them ends before, and is found below.
    """
    connection.execute(sa.text(f"SET LOCAL statement_timeout = '{_PATIENCE}'"))
    counts = {"person_keys": int(forget(connection, person))}
    named = {"person": person, "hash": person.hex()}
    for table, statement in _STEPS.items():
        counts[table] = connection.execute(sa.text(statement), named).rowcount
    if channel == _TYPED_ON:
        for table, statement in _BY_NAME.items():
            done = connection.execute(sa.text(statement), {"address": address})
            counts[table] = done.rowcount
    connection.execute(_OPT_OUT, {"channel": channel, "person": person, "now": now})
    return counts


def files_of(connection: sa.Connection, person: Person) -> dict[int, str]:
    """Return the keys of the person's stored files, by row."""
    rows = connection.execute(
        sa.text("SELECT id, key FROM inbound_media WHERE person = :person AND key IS NOT NULL"),
        {"person": person},
    )
    return {row.id: row.key for row in rows}


def forget_files(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Delete the rows of files that are gone."""
    connection.execute(
        sa.text("DELETE FROM inbound_media WHERE id = ANY(:ids)"), {"ids": list(ids)}
    )


def end(
    connection: sa.Connection, erasure: int, counts: Mapping[str, int], *, now: datetime
) -> None:
    """Note what was forgotten. What was broken off before has been ended with it."""
    connection.execute(
        sa.text(
            """
            UPDATE erasures SET ended_at = :now,
                counts = CASE id WHEN :id THEN CAST(:counts AS jsonb) ELSE counts END
            WHERE ended_at IS NULL
                AND person = (SELECT person FROM erasures WHERE id = :id)
            """
        ),
        {"id": erasure, "counts": json.dumps(counts), "now": now},
    )
