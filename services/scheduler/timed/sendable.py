"""Whether what a task says can be sent: asked before it is previewed, planned, or goes on.

What could not be pushed is neither previewed nor scheduled (PV-03, PV-14): all three ask here.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import sqlalchemy as sa

from domain.task_rules import Problem, Wrong
from domain.tasks import PushContent
from schemas.http.media import key_of
from schemas.topics.contents import ArticleContent, Content, MiniProgramContent
from services.scheduler.store import push_results, uploads
from services.scheduler.timed.rendering import CannotRender, message_of

_ROBOT: Final = "robot:"
_PICTURES: Final = frozenset({"image/jpeg", "image/png"})


def unsendable(
    connection: sa.Connection,
    content: PushContent,
    tenant_id: str | None,
    *,
    form: str | None,
    groups: Sequence[str] = (),
) -> list[Problem]:
    """Return all that keeps a content from being sent to these groups.

    ``form``: as in `message_of`.
    """
    found = [*_of_the_picture(connection, content, tenant_id)]
    try:
        message = message_of(content, form=form)
    except CannotRender as error:
        parts = [Problem(field, Wrong.OUT_OF_PLACE, why) for field, why in error.problems]
        return found + parts
    return [*found, *_of_the_groups(connection, message, groups, tenant_id)]


def _of_the_picture(
    connection: sa.Connection, content: PushContent, tenant_id: str | None
) -> Iterator[Problem]:
    """Only what was uploaded is known to be a picture that can be sent (PV-03)."""
    if content.image is None:
        return
    if uploads.type_of(connection, key_of(content.image), tenant_id) not in _PICTURES:
        yield Problem("content.image", Wrong.MALFORMED, "must be an uploaded picture")


def _of_the_groups(
    connection: sa.Connection, message: Content, groups: Sequence[str], tenant_id: str | None
) -> Iterator[Problem]:
    """Not every group takes every message. One that there is not is told after the push (TP-14)."""
    if not isinstance(message, ArticleContent | MiniProgramContent):
        return
    recipients = push_results.recipients(connection, groups, tenant_id)
    for number, group in enumerate(groups):
        problem = _refused(message, recipients.get(group))
        if problem is not None:
            yield Problem(f"groups[{number}]", Wrong.OUT_OF_PLACE, problem)


def _refused(message: ArticleContent | MiniProgramContent, recipient: str | None) -> str | None:
    if recipient is None:
        return None
    is_robots = recipient.startswith(_ROBOT)
    match message:
        case MiniProgramContent() if not is_robots:
            # appchat/send has no such type, and members see covers on the web only (WX 5, WX 6).
            return "takes no mini-program card: only the group of a robot does"
        case ArticleContent() if is_robots:
            return "takes no image with words: the group of a robot does not (WX 11)"
        case _:
            return None
