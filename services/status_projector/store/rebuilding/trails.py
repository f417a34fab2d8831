# ruff: noqa: S608 - statements are joined from our own words only
"""Histories and facts: what was published and noted stays, unless it does not lead anywhere.

Another order of the partitions may lead to the same state by other steps, so a history that differs
from the shadow's is not wrong for that. It is where its steps do not follow each other, or do not
end where the topics say that the message is (ADR 14).
"""

from typing import Final

from services.status_projector.store.rebuilding.models import DIFFERENT, MISSING, Model
from services.status_projector.store.rebuilding.tables import TOLD

_NO_COLUMNS: Final = "CAST(ARRAY[] AS text[])"
_STEPS: Final = "message_id, sequence, from_status, to_status"
_UNNAMED: Final = """
    convert_to(CAST(CAST(convert_from(h.change, 'UTF8') AS jsonb)
        - ARRAY['contactId', 'orderId', 'caseId', 'conversationId'] AS text), 'UTF8')
"""
"""As an erasure leaves it (services/administration/store/erasure.py)."""

# By their own numbers: 1, 2, 3 … from `pending` to where the message is.
_SOUND: Final = """
    SELECT message_id, max(sequence) AS last, bool_and(follows) AS follows,
           (array_agg(to_status ORDER BY sequence DESC))[1] AS status
    FROM (
        SELECT message_id, sequence, to_status, sequence = row_number() OVER w
            AND from_status = lag(to_status, 1, CAST('pending' AS varchar)) OVER w AS follows
        FROM public.message_status_history
        WHERE message_id IN (SELECT message_id FROM rebuild.suspects_message_status_history)
        WINDOW w AS (PARTITION BY message_id ORDER BY sequence)
    ) steps
    GROUP BY message_id
"""

HISTORIES: Final = Model(
    name="message_status_history",
    compared=(f"SELECT count(*) FROM rebuild.message_status_history WHERE message_id IN {TOLD}"),
    suspects=f"""
    SELECT message_id FROM (
        (SELECT {_STEPS} FROM rebuild.message_status_history WHERE message_id IN {TOLD}
         EXCEPT ALL
         SELECT {_STEPS} FROM public.message_status_history WHERE message_id IN {TOLD})
        UNION ALL
        (SELECT {_STEPS} FROM public.message_status_history WHERE message_id IN {TOLD}
         EXCEPT ALL
         SELECT {_STEPS} FROM rebuild.message_status_history WHERE message_id IN {TOLD})
    ) steps
    UNION
    SELECT s.message_id FROM rebuild.messages s JOIN public.messages l USING (message_id)
    WHERE s.sent_at >= :messages AND l.sequence <> s.sequence
    """,
    found=f"""
    SELECT m.message_id, m.message_id AS row, h.message_id IS NULL OR NOT (
            h.follows AND h.status = m.delivery_status) AS is_broken,
        CASE WHEN h.message_id IS NULL THEN '{MISSING}' ELSE '{DIFFERENT}' END AS what,
        {_NO_COLUMNS} AS columns
    FROM rebuild.suspects_message_status_history x JOIN rebuild.messages m USING (message_id)
    JOIN public.messages l USING (message_id)
    LEFT JOIN ({_SOUND}) h USING (message_id)
    WHERE m.message_direction = 'outbound' AND (
        coalesce(h.last, 0) <> l.sequence OR NOT coalesce(h.follows, true)
        OR coalesce(h.status, 'pending') <> m.delivery_status)
    """,
    mends=[
        """
        DELETE FROM public.message_status_history l USING rebuild.found_message_status_history x
        WHERE x.is_broken AND l.message_id = x.message_id AND NOT EXISTS (
            SELECT FROM rebuild.message_status_history s
            WHERE (s.message_id, s.sequence, s.from_status, s.to_status)
                = (l.message_id, l.sequence, l.from_status, l.to_status))
        """,
        f"""
        INSERT INTO public.message_status_history
            (message_id, sequence, recorded_at, from_status, to_status, updated_at, source,
             source_topic, source_partition, source_offset, change)
        SELECT h.message_id, h.sequence, h.recorded_at, h.from_status, h.to_status, h.updated_at,
            h.source, h.source_topic, h.source_partition, h.source_offset,
            CASE WHEN l.person = CAST('' AS bytea) THEN {_UNNAMED} ELSE h.change END
        FROM rebuild.message_status_history h
        JOIN rebuild.found_message_status_history x USING (message_id)
        JOIN public.messages l USING (message_id)
        WHERE x.is_broken AND NOT EXISTS (
            SELECT FROM public.message_status_history o
            WHERE (o.message_id, o.sequence) = (h.message_id, h.sequence))
        """,
        """
        UPDATE public.messages l SET sequence = coalesce((
            SELECT max(h.sequence) FROM public.message_status_history h
            WHERE h.message_id = l.message_id), 0)
        FROM rebuild.found_message_status_history x WHERE l.message_id = x.message_id
        """,
    ],
)

# When and how it was heard, and between which steps it stands, depends on the order of partitions.
_SAID: Final = (
    "message_id, kind, occurred_at, attempt, until, error_code, provider_code, source, priority,"
    " traceparent"
)
# A fact that moved its message is noted only where it was parked: that does not come again.
_NOTED: Final = "effect <> 'moved'"
_ALIKE: Final = "sequence, from_status, to_status, updated_at, source"
_FIELDS: Final = (
    "message_id, recorded_at, sequence, kind, effect, occurred_at, heard_at, attempt, until,"
    " error_code, provider_code, source, priority, traceparent"
)


_OF_IT: Final = "message_id = x.message_id"
_OF_ALL: Final = f"message_id IN {TOLD}"


def _said(schema: str, which: str) -> str:
    return f"SELECT {_SAID} FROM {schema}.message_facts WHERE {_NOTED} AND {which}"


def _steps(schema: str) -> str:
    return f"SELECT {_ALIKE} FROM {schema}.message_status_history WHERE {_OF_IT}"


FACTS: Final = Model(
    name="message_facts",
    compared=f"SELECT count(*) FROM ({_said('rebuild', _OF_ALL)}) facts",
    suspects=f"""
    SELECT DISTINCT message_id FROM (
        ({_said("rebuild", _OF_ALL)} EXCEPT ALL {_said("public", _OF_ALL)})
        UNION ALL ({_said("public", _OF_ALL)} EXCEPT ALL {_said("rebuild", _OF_ALL)})
    ) facts
    """,
    # Where the steps are others, so is what was noted beside them.
    found=f"""
    SELECT x.message_id, x.message_id AS row,
        CASE WHEN n.has THEN '{DIFFERENT}' ELSE '{MISSING}' END AS what, {_NO_COLUMNS} AS columns
    FROM rebuild.suspects_message_facts x
    JOIN public.messages l USING (message_id)
    CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM public.message_facts f
            WHERE f.message_id = x.message_id AND f.{_NOTED}) AS has
    ) n
    WHERE (NOT n.has OR NOT EXISTS (
            ({_steps("rebuild")} EXCEPT {_steps("public")})
            UNION ALL ({_steps("public")} EXCEPT {_steps("rebuild")})))
        AND EXISTS (
            ({_said("rebuild", _OF_IT)} EXCEPT ALL {_said("public", _OF_IT)})
            UNION ALL ({_said("public", _OF_IT)} EXCEPT ALL {_said("rebuild", _OF_IT)}))
    """,
    mends=[
        f"""
        DELETE FROM public.message_facts l USING rebuild.found_message_facts x
        WHERE l.message_id = x.message_id AND l.{_NOTED}
        """,
        f"""
        INSERT INTO public.message_facts ({_FIELDS}, detail)
        SELECT {_FIELDS}, told FROM (
            SELECT n.*, CASE WHEN l.person = CAST('' AS bytea) THEN NULL ELSE n.detail END AS told
            FROM rebuild.message_facts n JOIN rebuild.found_message_facts USING (message_id)
            JOIN public.messages l USING (message_id)
            WHERE n.{_NOTED}
        ) known ORDER BY id
        """,
    ],
)
