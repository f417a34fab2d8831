"""Whether what a task says can be sent: asked before it is previewed, planned, or goes on.

What could not be pushed is neither previewed nor scheduled (PV-03, PV-14): all three ask here.
"""

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from domain.task_rules import Problem, Wrong
from domain.tasks import PushContent
from schemas.http.media import key_of
from services.scheduler.store import uploads
from services.scheduler.timed.rendering import CannotRender, message_of

_PICTURES: Final = frozenset({"image/jpeg", "image/png"})


def unsendable(
    connection: sa.Connection, content: PushContent, tenant_id: str | None, *, form: str | None
) -> list[Problem]:
    """Return all that keeps a content from being sent. ``form``: as in `message_of`."""
    return [*_of_the_picture(connection, content, tenant_id), *_of_the_parts(content, form)]


def _of_the_picture(
    connection: sa.Connection, content: PushContent, tenant_id: str | None
) -> Iterator[Problem]:
    """Only what was uploaded is known to be a picture that can be sent (PV-03)."""
    if content.image is None:
        return
    if uploads.type_of(connection, key_of(content.image), tenant_id) not in _PICTURES:
        yield Problem("content.image", Wrong.MALFORMED, "must be an uploaded picture")


def _of_the_parts(content: PushContent, form: str | None) -> Iterator[Problem]:
    try:
        message_of(content, form=form)
    except CannotRender as error:
        for field, problem in error.problems:
            yield Problem(field, Wrong.OUT_OF_PLACE, problem)
