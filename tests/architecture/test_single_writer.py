"""Each table has one writer; above all, only the projector decides a status."""

import re

import pytest

from services.status_projector.store.rebuilding.shadow import TABLES
from tests.architecture.tree import ROOT, files, imports, texts, where

OWNERS = {
    "messages": "status_projector",
    "message_status_history": "status_projector",
    "parked_events": "status_projector",
    "applied_offsets": "status_projector",
    "job_progress": "status_projector",
    "message_participants": "status_projector",
    "task_states": "status_projector",
    "push_states": "status_projector",
    "group_send_states": "status_projector",
    "task_status_history": "status_projector",
    "t_group_send_result": "status_projector",
    "group_send_members": "status_projector",
    "group_send_progress": "status_projector",
    "message_facts": "status_projector",
    "message_tallies": "status_projector",
    "unheard_sends": "status_projector",
    "sends_by_time": "status_projector",
    "conversations": "status_projector",
    "provider_notices": "status_projector",
    "dispatch_ledger": "dispatcher",
    "senders": "dispatcher",
    "sender_outcomes": "dispatcher",
    "send_counts": "dispatcher",
    "send_arrivals": "dispatcher",
    "contact_windows": "dispatcher",
    "opt_outs": "dispatcher",
    "follow_ups": "dispatcher",
    "fallbacks": "dispatcher",
    "read_marks_told": "dispatcher",
    # Written by providers/whatsapp, which the dispatcher runs.
    "whatsapp_templates": "dispatcher",
    # Written by providers/tencent, which dispatcher and fetcher run.
    "access_tokens": "dispatcher",
    "inbound_media": "fetcher",
    "customer_service_walks": "fetcher",
    "idempotency_keys": "scheduler",
    "accepted_sends": "scheduler",
    "jobs": "scheduler",
    "job_items": "scheduler",
    "job_outcomes": "scheduler",
    "job_unsent": "scheduler",
    "job_changes": "scheduler",
    "t_tasks": "scheduler",
    "t_task_logs": "scheduler",
    # Written by triggers of `t_tasks`.
    "t_task_audience": "scheduler",
    "t_pushes": "scheduler",
    "t_push_results": "scheduler",
    "task_changes_to_tell": "scheduler",
    "t_previews": "scheduler",
    "t_preview_responses": "scheduler",
    "t_preview_templates": "scheduler",
    "t_notifications": "scheduler",
    "t_feedback": "scheduler",
    "t_groups": "scheduler",
    "push_failures": "scheduler",
    "media_uploads": "scheduler",
    "erasures": "administration",
    "retention_runs": "administration",
    "tenants": "administration",
    "roles": "administration",
    "users": "administration",
    "credentials": "administration",
    "login_failures": "administration",
    # Written by runtime/audit.py, in the transaction of whoever changes something; only retention
    # deletes.
    "audit_log": "administration",
}


FORGETS = "administration"
"""Erasure and retention are one work over all tables: it deletes and blanks what others wrote, in
`store/erasure.py` and `store/retention.py`, and enters that a person is not to be written to."""
FORGETTING = ("erasure.py", "retention.py")


@pytest.mark.parametrize("table", sorted(OWNERS))
def test_a_table_is_written_by_its_owner_alone(table: str) -> None:
    write = re.compile(
        rf"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE|COPY|MERGE\s+INTO)\s+{table}\b",
        re.IGNORECASE,
    )

    writers = {
        path.parts[path.parts.index("services") + 1]
        for path in files("services")
        if not (path.parent.parent.name == FORGETS and path.name in FORGETTING)
        for text, _ in texts(path)
        if write.search(text)
    }

    assert writers <= {OWNERS[table]}


def test_a_rebuild_has_a_shadow_of_each_of_the_projectors_tables() -> None:
    written = {table for table, owner in OWNERS.items() if owner == "status_projector"}

    assert written <= set(TABLES)


def test_whoever_forgets_enters_nothing_else() -> None:
    insert = re.compile(r"\bINSERT\s+INTO\s+(\w+)", re.IGNORECASE)

    into = {
        table
        for name in FORGETTING
        for text, _ in texts(ROOT / "services" / FORGETS / "store" / name)
        for table in insert.findall(text)
    }

    # `job_unsent` counts the rows that an erasure skips.
    assert into == {"opt_outs", "erasures", "retention_runs", "job_unsent"}


def test_services_write_by_statements_that_can_be_read_here() -> None:
    wrong = [
        f"{where(path, line)} imports {module}"
        for path in files("services")
        for module, line in imports(path)
        if module.startswith("schemas.tables.") and "partitions" not in module.split(".")
    ]

    assert wrong == []


def test_no_sql_stands_outside_the_stores() -> None:
    statement = re.compile(
        r"^\s*(WITH\s+\w+\s+AS|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|"
        r"SELECT\s.+\sFROM\s)",
        re.DOTALL,
    )

    wrong = [
        where(path, line)
        for path in files("services")
        for text, line in texts(path)
        if statement.search(text) and "store" not in path.with_suffix("").parts
    ]

    assert wrong == []
