"""Fills the tables that queries read: a million messages of ten thousand jobs, by SQL alone."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from services.status_projector.store.tallies import KEYS, count_of
from services.status_projector.tallies import DAY, MEASURES, QUARTER, slot_of

SENDERS = 12
TENANTS = 20
PEOPLE = 50_000
SPAN = timedelta(days=28)
"""Over which the messages are spread."""

_MESSAGES = """
    INSERT INTO messages
        (message_id, channel, sender_id, person, conversation_id, message_type, sealed,
         message_direction, whatsapp_message_id, delivery_status, sequence, sent_at, started_at,
         accepted_at, delivered_at, read_at, failed_at, error_code, error_message, failures,
         pricing, category, tenant_id, case_id, contact_id, order_id, agent_id, job_id,
         created_at, updated_at)
    SELECT 'msg_bench_' || n, channel, sender, person, 'cnv_' || encode(person, 'hex') || sender,
           type, decode(repeat(md5(n::text), 8), 'hex'), direction, 'wamid.bench.' || n, status,
           4, sent_at, sent_at, sent_at + INTERVAL '0.2 s',
           CASE WHEN status IN ('delivered', 'read') THEN sent_at + INTERVAL '2 s' END,
           CASE WHEN status = 'read' THEN sent_at + INTERVAL '60 s' END,
           CASE WHEN status = 'failed' THEN sent_at + INTERVAL '1 s' END,
           CASE WHEN status = 'failed' THEN error END,
           CASE WHEN status = 'failed' THEN 'Recipient phone number is invalid.' END, NULL,
           CASE WHEN n % 3 > 0 THEN jsonb_build_object('at', sent_at, 'pricing',
               jsonb_build_object('category', 'utility', 'billable', true)) END,
           CASE WHEN n % 3 > 0 THEN 'utility' END,
           'tenant-' || (who % :tenants), CASE WHEN n % 5 = 0 THEN 'case-' || (n % 40000) END,
           'contact-' || who, CASE WHEN n % 4 = 0 THEN 'order-' || (n % 60000) END,
           CASE WHEN n % 4 = 0 THEN 'agent-' || (n % 300) END,
           CASE WHEN n % 10 < 6 THEN 'job-' || (n % :jobs) END,
           sent_at + INTERVAL '0.05 s', sent_at + INTERVAL '60 s'
    FROM (
        SELECT n, who, decode(md5('person' || who), 'hex') AS person,
               CASE WHEN who % :tenants % 10 < 8 THEN 'whatsapp' ELSE 'wecom' END AS channel,
               -- The last sender sends next to nothing.
               CASE WHEN n % 100000 = 0 THEN 'sender-rare'
                    ELSE 'sender-' || (who % :tenants % (:senders - 1)) END AS sender,
               CASE WHEN n % 7 = 0 THEN 'inbound' ELSE 'outbound' END AS direction,
               CASE WHEN n % 7 = 0 THEN 'delivered' WHEN n % 50 = 1 THEN 'failed'
                    WHEN n % 20 = 2 THEN 'sent' WHEN n % 3 = 0 THEN 'delivered'
                    ELSE 'read' END AS status,
               CASE WHEN n % 10000 = 1 THEN 'WA_ACCOUNT_ABNORMAL' ELSE 'INVALID_RECIPIENT' END
                   AS error,
               CASE WHEN n % 9 = 0 THEN 'image' WHEN n % 5 = 0 THEN 'template'
                    WHEN n % 50000 = 3 THEN 'location' ELSE 'text' END AS type,
               CAST(:start AS timestamptz) + n * CAST(:step AS interval) AS sent_at
        FROM (
            SELECT n, (n * 7919 % :people) AS who
            FROM generate_series(1, CAST(:messages AS bigint)) AS n
        ) AS numbered
    ) AS made
"""
_HISTORY = """
    INSERT INTO message_status_history
        (message_id, sequence, recorded_at, from_status, to_status, updated_at, source,
         source_topic, source_partition, source_offset, change)
    SELECT m.message_id, s.sequence, m.updated_at, s.was, s.became, m.updated_at, 'webhook',
           'provider-events', 0, m.id * 4 + s.sequence, ''
    FROM messages m CROSS JOIN (
        VALUES (1, 'pending', 'sending'), (2, 'sending', 'sent'), (3, 'sent', 'delivered'),
               (4, 'delivered', 'read')
    ) AS s(sequence, was, became)
    WHERE m.id % 10 = 0
"""
_CONVERSATIONS = """
    INSERT INTO conversations
        (conversation_id, channel, sender_id, person, tenant_id, contact_id, order_id,
         last_message_id, last_at, last_direction, unread, updated_at)
    SELECT DISTINCT ON (conversation_id) conversation_id, channel, sender_id, person, tenant_id,
           contact_id, order_id, message_id, sent_at, message_direction,
           CASE WHEN message_direction = 'inbound' THEN 1 ELSE 0 END, updated_at
    FROM messages ORDER BY conversation_id, sent_at DESC
"""
_QUARTERS, _DAYS = (
    f"INSERT INTO message_tallies ({', '.join((*KEYS, *MEASURES))}) {count_of(span)}"
    for span in (QUARTER, DAY)
)
_JOBS = """
    INSERT INTO jobs (job_id, tenant_id, name, channel, sender_id, content, status, total,
                      created_at, started_at, finished_at)
    SELECT 'job-' || n, 'tenant-' || (n % :tenants), 'bench', 'whatsapp', 'sender-1', '{}',
           'completed', 60, now(), now(), now()
    FROM generate_series(0, :jobs - 1) AS n
"""
_USED = """
    INSERT INTO senders (sender) SELECT 'whatsapp:sender-' || n
    FROM generate_series(0, :senders - 2) AS n
"""


def fill(engine: sa.Engine, *, messages: int, jobs: int) -> None:
    """Fill the tables up to now, and let the server look at what it has."""
    now = datetime.now(UTC)
    values = {
        "messages": messages,
        "jobs": jobs,
        "people": PEOPLE,
        "tenants": TENANTS,
        "senders": SENDERS,
        "start": now - SPAN,
        "step": SPAN / messages,
        "zone": "UTC",
        "since": slot_of(now - SPAN) - timedelta(days=1),
        "before": now + timedelta(days=1),
    }
    for statement in (_MESSAGES, _HISTORY, _CONVERSATIONS, _QUARTERS, _DAYS, _JOBS, _USED):
        text = sa.text(statement)
        with engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            names = {name for name in values if f":{name}" in statement}
            connection.execute(text, {name: values[name] for name in names})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SET statement_timeout = 0"))
        connection.execute(sa.text("VACUUM ANALYZE"))
