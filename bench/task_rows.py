"""Fills the tables of timed push tasks: a million plans of two years, by SQL alone.

What they say is sealed once for each tenant: it opens in any row.
"""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import md5
from uuid import UUID

import sqlalchemy as sa

from bench.arena import KEYS
from domain.tasks import PushContent
from runtime.vault import Vault
from services.scheduler.store.contents import PUSHED, plain_of, seal

TENANTS = 20
CREATORS = 500
GROUPS = 5_000
RECIPIENTS = 2_000
TEXT = "The course begins at six in room 2. " * 4
SPAN = timedelta(days=730)
"""Over which creation and times are spread."""


def id_of(number: int) -> str:
    """Return the id of a task, by its number from 1 on."""
    return str(UUID(md5(str(number).encode(), usedforsecurity=False).hexdigest()))


_TASKS = """
    INSERT INTO t_tasks
        (task_id, name, schedule_type, schedule_time, recurring_interval, groups,
         priority, status, creator_id, preview_recipients, created_at, updated_at, tenant_id,
         timezone, next_at, content_hash, sealed)
    SELECT md5(n::text)::uuid::text, 'Task ' || n,
           CASE WHEN n % 4 = 0 THEN 'recurring' ELSE 'once' END, due,
           CASE WHEN n % 4 = 0 THEN 'weekly' END,
           -- One group is in every tenth task, most in few.
           jsonb_build_array('g-' || (a % :groups), 'g-' || (b % :groups),
               CASE WHEN c % 10 = 0 THEN 'g-all' ELSE 'g-' || (c % :groups) END),
           CASE c % 5 WHEN 0 THEN 'high' WHEN 1 THEN 'low' ELSE 'medium' END,
           CASE WHEN b % 1000 = 1 THEN 'failed' WHEN b % 50 = 2 THEN 'paused'
                WHEN b % 20 = 3 THEN 'draft' WHEN due > now() THEN 'scheduled'
                ELSE 'completed' END,
           (a % :creators)::text, jsonb_build_array('person-' || (a % :recipients)),
           made, made, 'tenant-' || (a % :creators % :tenants), 'UTC',
           CASE WHEN due > now() THEN due END, decode(md5(n::text), 'hex'),
           (CAST(:sealed AS bytea[]))[1 + a % :creators % :tenants]
    FROM (
        -- Who, where it stands and how urgent it is have nothing to do with each other.
        SELECT n, abs(hashint8(n)::bigint) AS a, abs(hashint8(n + 1000000000)::bigint) AS b,
               abs(hashint8(n + 2000000000)::bigint) AS c,
               date_trunc('second', now() - :half + n * CAST(:step AS interval)) AS due,
               now() - :half + n * CAST(:step AS interval) - INTERVAL '20 days' AS made
        FROM generate_series(1, CAST(:tasks AS bigint)) AS n
    ) AS numbered
"""


def fill(engine: sa.Engine, *, tasks: int) -> None:
    """Enter the tasks and have their tables analysed; nothing fires any of them."""
    with engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        tenants = [f"tenant-{number}" for number in range(TENANTS)]
        connection.execute(
            sa.text(_TASKS),
            {
                "sealed": sealed(connection, TEXT, tenants),
                "tasks": tasks,
                "groups": GROUPS,
                "creators": CREATORS,
                "recipients": RECIPIENTS,
                "tenants": TENANTS,
                "half": SPAN / 2,
                "step": SPAN / tasks,
            },
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("SET statement_timeout = 0"))
        connection.execute(sa.text("VACUUM (ANALYZE) t_tasks, t_task_audience"))
        # What the filling left to be written is not the answers' to wait for.
        connection.execute(sa.text("CHECKPOINT"))


def sealed(connection: sa.Connection, text: str, tenants: Sequence[str | None]) -> list[bytes]:
    """Return a content sealed for each tenant, as the scheduler keeps that of tasks."""
    said = plain_of(PushContent(text=text))
    return seal(connection, Vault(KEYS), [(tenant, said) for tenant in tenants], place=PUSHED)


def drafts(engine: sa.Engine, *, limit: int) -> list[tuple[str, str]]:
    """Return drafts, which anybody may edit, and whose they are."""
    query = sa.text("SELECT task_id, tenant_id FROM t_tasks WHERE status = 'draft' LIMIT :limit")
    with engine.connect() as connection:
        rows = connection.execute(query, {"limit": limit})
        return [(row.task_id, row.tenant_id) for row in rows]
