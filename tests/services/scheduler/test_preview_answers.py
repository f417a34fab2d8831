"""Whose answer counts, to which preview, and what it makes of it (PV-06…PV-08, CF-25…CF-27)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import pytest
import sqlalchemy as sa

from domain.answers import Choice
from domain.previews import PreviewStatus
from domain.tasks import PushContent, content_hash
from runtime.clock import now
from schemas.topics.provider_events import MessageReceived
from services.scheduler.store import previews
from services.scheduler.store.previews import Named, NewPreview
from services.scheduler.timed.notice_words import CHINESE
from services.scheduler.timed.preview_answers import answer, heard_of
from tests.services.scheduler.previewing import OPENID, OTHER, TEXT, a_task, an_answer
from tests.vaults import the_vault

pytestmark = pytest.mark.stack

CONTENT: Final = PushContent(text=TEXT)
HASH: Final = content_hash(CONTENT)
CONFIRM, MODIFY = Choice.CONFIRM, Choice.MODIFY


def a_preview(
    database: sa.Engine,
    task_id: str,
    *,
    to: Iterable[str] = (OPENID, OTHER),
    at: datetime | None = None,
    content: PushContent = CONTENT,
) -> str:
    preview_id = str(uuid4())
    with database.begin() as connection:
        task = previews.task_of(connection, task_id, None)
        assert task is not None
        named = [Named(openid, openid) for openid in to]
        digest = content_hash(content)
        new = NewPreview(preview_id, task, content, digest, named, "1", at or now())
        previews.insert(connection, the_vault(), new)
    return preview_id


def hear(database: sa.Engine, *answers: MessageReceived) -> dict[str, PreviewStatus]:
    vault = the_vault()
    with database.begin() as connection:
        heard = [heard_of(vault, one) for one in answers]
        return answer(connection, vault, heard, CHINESE, now=now())


def status_of(database: sa.Engine, preview_id: str) -> str:
    with database.connect() as connection:
        query = sa.text("SELECT status FROM t_previews WHERE preview_id = :id")
        return connection.execute(query, {"id": preview_id}).scalar_one()


def has_passed(database: sa.Engine, task_id: str, digest: bytes = HASH) -> bool:
    with database.connect() as connection:
        return previews.passed(connection, task_id, digest)


def test_a_confirmed_preview_lets_its_content_pass_and_no_other(database: sa.Engine) -> None:
    task_id = a_task(database)
    preview_id = a_preview(database, task_id)
    assert not has_passed(database, task_id)

    moved = hear(database, an_answer(about=preview_id))

    assert moved == {preview_id: PreviewStatus.CONFIRMED}
    assert has_passed(database, task_id)
    assert not has_passed(database, task_id, content_hash(PushContent(text="Edited")))


@pytest.mark.parametrize("choices", [(CONFIRM, MODIFY), (MODIFY, CONFIRM)])
@pytest.mark.parametrize("together", [True, False])
def test_any_modify_wins_whenever_it_comes(
    database: sa.Engine, choices: tuple[Choice, Choice], *, together: bool
) -> None:
    task_id = a_task(database)
    preview_id = a_preview(database, task_id)
    answers = [
        an_answer(choice, author=author, about=preview_id)
        for choice, author in zip(choices, (OPENID, OTHER), strict=True)
    ]

    for some in [answers] if together else [[one] for one in answers]:
        hear(database, *some)

    assert status_of(database, preview_id) == "modified"
    assert not has_passed(database, task_id)


def test_an_answer_that_comes_again_is_one_answer(database: sa.Engine) -> None:
    preview_id = a_preview(database, a_task(database))
    given = an_answer(about=preview_id)

    hear(database, given, given)
    moved = hear(database, given)

    assert moved == {}
    with database.connect() as connection:
        query = sa.text("SELECT count(*) FROM t_preview_responses WHERE preview_id = :id")
        assert connection.execute(query, {"id": preview_id}).scalar_one() == 1


def test_only_who_was_asked_answers(database: sa.Engine) -> None:
    preview_id = a_preview(database, a_task(database), to=[OPENID])

    hear(database, an_answer(author=OTHER, about=preview_id), an_answer(about="demo-preview"))

    assert status_of(database, preview_id) == "sent"


def test_words_answer_the_last_preview_that_their_author_got_before(database: sa.Engine) -> None:
    person, at = f"o{uuid4().hex}", now() - timedelta(hours=3)
    older = a_preview(database, a_task(database), to=[person], at=at)
    last = a_preview(database, a_task(database), to=[person], at=at + timedelta(hours=1))
    later = a_preview(database, a_task(database), to=[person], at=at + timedelta(hours=3))
    given = an_answer(author=person, occurred_at=at + timedelta(hours=2))

    hear(database, given)
    hear(database, an_answer(author=person, occurred_at=at + timedelta(hours=2)))

    statuses = [status_of(database, one) for one in (older, last, later)]
    assert statuses == ["sent", "confirmed", "sent"]


def test_words_that_come_a_week_later_mean_something_else(database: sa.Engine) -> None:
    person = f"o{uuid4().hex}"
    preview_id = a_preview(
        database, a_task(database), to=[person], at=now() - timedelta(days=7, minutes=2)
    )

    hear(database, an_answer(author=person))

    assert status_of(database, preview_id) == "sent"


def test_a_newer_preview_of_another_content_takes_the_older_ones_place(
    database: sa.Engine,
) -> None:
    task_id = a_task(database)
    first = a_preview(database, task_id)
    hear(database, an_answer(about=first))
    assert has_passed(database, task_id)

    a_preview(database, task_id, content=PushContent(text="Edited"))

    assert not has_passed(database, task_id)


def test_who_sent_a_preview_is_told_once_of_each_change_that_is_wanted(
    database: sa.Engine,
) -> None:
    task_id = a_task(database)
    preview_id = a_preview(database, task_id)
    answers = [
        an_answer(MODIFY, about=preview_id),
        an_answer(MODIFY, author=OTHER, about=preview_id, content={"comment": "Later"}),
        an_answer(CONFIRM, about=preview_id),
    ]

    hear(database, *answers)
    hear(database, *answers)

    with database.connect() as connection:
        query = sa.text("SELECT user_id, type FROM t_notifications WHERE task_id = :id")
        told = connection.execute(query, {"id": task_id}).all()
    assert [tuple(row) for row in told] == [("1", "preview")] * 2


def test_who_answered_and_what_they_wrote_is_sealed(database: sa.Engine) -> None:
    preview_id = a_preview(database, a_task(database))

    hear(database, an_answer(MODIFY, about=preview_id, content={"comment": "Call me, Wang"}))

    with database.connect() as connection:
        query = sa.text("SELECT CAST(r AS text) FROM t_preview_responses r WHERE preview_id = :id")
        row = connection.execute(query, {"id": preview_id}).scalar_one()
    assert OPENID not in row
    assert "Wang" not in row
