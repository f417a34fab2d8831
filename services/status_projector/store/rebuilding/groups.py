# ruff: noqa: S608 - statements are joined from our own words only
"""Results of group sends: a row of customers' results, and one that says whose it is (GS-10).

The numbers of results are the live ones': a result whose customer's row was lost is found again by
its group send and customer.
"""

from typing import Final

from services.status_projector.store.rebuilding.models import DIFFERENT, MISSING, Model
from services.status_projector.store.rebuilding.tables import TOLD

_KEY: Final = "message_id, person"
_TOLD: Final = f"""
    FROM rebuild.group_send_members m JOIN rebuild.t_group_send_result s ON s.id = m.result_id
    LEFT JOIN rebuild.forgotten f ON f.person = m.person
    LEFT JOIN public.group_send_members w ON (w.message_id, w.person) = (m.message_id, m.person)
    LEFT JOIN public.t_group_send_result l ON l.id = w.result_id
    WHERE f.person IS NULL AND m.message_id IN {TOLD}
"""
"""The shadow's customers and results, m and s, and the live ones, w and l."""
_DIFFER: Final = """
    (l.id IS NULL OR (w.reported, l.task_id, l.customer_id, l.status, l.error_message)
        IS DISTINCT FROM (m.reported, s.task_id, s.customer_id, s.status, s.error_message))
"""
_FOUND: Final = f"""
    rebuild.found_t_group_send_result JOIN rebuild.group_send_members m USING ({_KEY})
    JOIN rebuild.t_group_send_result s ON s.id = m.result_id
"""

RESULTS: Final = Model(
    name="t_group_send_result",
    compared=f"SELECT count(*) {_TOLD}",
    suspects=f"SELECT m.message_id, m.person {_TOLD} AND {_DIFFER}",
    found=f"""
    SELECT m.message_id, m.person, m.message_id AS row,
        CASE WHEN l.id IS NULL THEN '{MISSING}' ELSE '{DIFFERENT}' END AS what,
        CAST(ARRAY[] AS text[]) AS columns
    {_TOLD} AND {_DIFFER} AND (m.message_id, m.person) IN (
        SELECT {_KEY} FROM rebuild.suspects_t_group_send_result)
    """,
    mends=[
        f"""
        WITH lost AS (
            SELECT message_id, person, m.reported, s.task_id, s.customer_id, row_number() OVER (
                PARTITION BY s.task_id, s.customer_id ORDER BY message_id, person) AS place
            FROM {_FOUND} WHERE NOT EXISTS (
                SELECT FROM public.group_send_members w
                WHERE (w.message_id, w.person) = (m.message_id, m.person))
        ), nobodys AS (
            SELECT l.id, l.task_id, l.customer_id, row_number() OVER (
                PARTITION BY l.task_id, l.customer_id ORDER BY l.id) AS place
            FROM public.t_group_send_result l
            WHERE l.task_id IN (SELECT task_id FROM lost) AND NOT EXISTS (
                SELECT FROM public.group_send_members w WHERE w.result_id = l.id)
        )
        INSERT INTO public.group_send_members (message_id, person, result_id, reported)
        SELECT message_id, person, coalesce(
            id, nextval(pg_get_serial_sequence('public.t_group_send_result', 'id'))), reported
        FROM lost LEFT JOIN nobodys USING (task_id, customer_id, place)
        ORDER BY message_id, person
        """,
        f"""
        INSERT INTO public.t_group_send_result
            (id, task_id, customer_id, status, error_message, create_time, update_time)
        SELECT w.result_id, s.task_id, s.customer_id, s.status, s.error_message, :now, :now
        FROM {_FOUND}
        JOIN public.group_send_members w ON (w.message_id, w.person) = (m.message_id, m.person)
        WHERE NOT EXISTS (SELECT FROM public.t_group_send_result l WHERE l.id = w.result_id)
        """,
        f"""
        UPDATE public.t_group_send_result l
        SET task_id = s.task_id, customer_id = s.customer_id, status = s.status,
            error_message = s.error_message, update_time = :now
        FROM {_FOUND}
        JOIN public.group_send_members w ON (w.message_id, w.person) = (m.message_id, m.person)
        WHERE l.id = w.result_id AND (l.task_id, l.customer_id, l.status, l.error_message)
            IS DISTINCT FROM (s.task_id, s.customer_id, s.status, s.error_message)
        """,
        f"""
        UPDATE public.group_send_members w SET reported = m.reported
        FROM {_FOUND} WHERE (w.message_id, w.person) = (m.message_id, m.person)
            AND w.reported <> m.reported
        """,
    ],
)
