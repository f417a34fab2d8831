"""Tells whoever sent a preview that somebody wants it changed (PV-08).

What that person wrote stays sealed under their key: it is read when the notice is sent or listed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from domain.answers import Choice
from runtime.vault import Vault
from services.scheduler.store import audience, notices, preview_responses, previews
from services.scheduler.store.notices import Content, Notice
from services.scheduler.store.preview_responses import Heard
from services.scheduler.timed.notice_words import Words


def tell_changes_wanted(
    connection: sa.Connection,
    vault: Vault,
    answers: Mapping[str, tuple[str, Heard]],
    words: Words,
    *,
    now: datetime,
) -> None:
    """Enter a notice for each answer that asks for a change, once; by response id the preview."""
    wanted = {
        response_id: preview_id
        for response_id, (preview_id, heard) in answers.items()
        if heard.choice is Choice.MODIFY
    }
    senders = previews.senders_of(connection, set(wanted.values()))
    subjects = audience.subjects(connection, {sender.task_id for sender in senders.values()})
    told = [
        Notice(
            subject=f"preview:{response_id}",
            user_id=sender.user_id,
            type="preview",
            task_id=subject.task_id,
            content=Content(
                message=words.modify,
                state=words.modify,
                task=subject.name,
                time=audience.local(now, subject),
                response_id=response_id,
            ),
            due_at=now,
            tenant_id=subject.tenant_id,
        )
        for response_id, preview_id in wanted.items()
        for sender in [senders[preview_id]]
        for subject in [subjects.get(sender.task_id)]
        if subject is not None
    ]
    notices.note(connection, vault, told, now=now)


def with_words(
    connection: sa.Connection, vault: Vault, contents: Sequence[Content], words: Words
) -> list[Content]:
    """Return contents with what people wrote, where that is what they are about."""
    ids = {each.response_id for each in contents if each.response_id is not None}
    comments = preview_responses.comments(connection, vault, ids) if ids else {}
    return [_with(each, comments.get(each.response_id or ""), words) for each in contents]


def _with(content: Content, comment: str | None, words: Words) -> Content:
    if comment is None:
        return content
    said = words.modify_said.format(message=content.message, comment=comment)
    return msgspec.structs.replace(content, message=said)
