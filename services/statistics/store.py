"""Whose job it is: the one thing that is asked of PostgreSQL, and of tenants' callers only."""

import sqlalchemy as sa

_NUL = "\x00"
"""PostgreSQL keeps it in no text and refuses to look for it."""


def is_of_tenant(connection: sa.Connection, job_id: str, tenant_id: str) -> bool:
    """Return whether there is such a job of this tenant."""
    if _NUL in job_id:
        return False
    found = connection.execute(
        sa.text("SELECT 1 FROM jobs WHERE job_id = :job_id AND tenant_id = :tenant_id"),
        {"job_id": job_id, "tenant_id": tenant_id},
    )
    return found.first() is not None
