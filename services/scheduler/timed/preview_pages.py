"""What the page of a preview shows: the message as it will be pushed (PV-02, PV-14, CF-27)."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from runtime.clock import Clock
from runtime.errors import NotFound
from runtime.signed_links import BadLink, opened
from runtime.vault import Vault
from schemas.http.media import key_of
from schemas.http.previews import PICTURES, CardShown, PageContent, PreviewLink
from schemas.topics.contents import ArticleContent, MiniProgramContent, words_of
from schemas.topics.contents import Content as Message
from services.scheduler.store import previews, uploads
from services.scheduler.store.previews import Shown
from services.scheduler.timed.preview_answers import UNKNOWN_PREVIEW
from services.scheduler.timed.preview_notices import local
from services.scheduler.timed.rendering import message_of


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be shown."""

    key: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Links:
    """Reads the links to previews."""

    keys: Sequence[bytes]
    vault: Vault
    clock: Clock

    def page(self, connection: sa.Connection, token: str) -> PageContent:
        """Return what its page shows. Raises `NotFound`."""
        return page_of(self._shown(connection, token))

    def picture(self, connection: sa.Connection, token: str) -> Picture:
        """Return the picture of its content: one of ours, and nothing else. Raises `NotFound`."""
        shown = self._shown(connection, token)
        if shown.content.image is not None:
            key = key_of(shown.content.image)
            mime_type = uploads.type_of(connection, key, shown.task.tenant_id)
            if mime_type in PICTURES:
                return Picture(key, mime_type)
        raise NotFound("There is no such file")

    def _shown(self, connection: sa.Connection, token: str) -> Shown:
        try:
            link = opened(token, PreviewLink, keys=self.keys, now=self.clock())
        except BadLink as error:
            # Whoever shows pages has told the two apart already.
            raise NotFound(UNKNOWN_PREVIEW) from error
        person = self.vault.person(link.channel, link.recipient)
        shown = previews.shown_to(connection, self.vault, link.preview_id, person)
        if shown is None:
            raise NotFound(UNKNOWN_PREVIEW)
        return shown


def page_of(shown: Shown) -> PageContent:
    """Return what is shown of a content: the very message that its groups will get."""
    content = shown.content
    title, words = _said(message_of(content))
    card = content.miniprogram
    return PageContent(
        title=title,
        words=words,
        link=content.link,
        miniprogram=None if card is None else CardShown(appid=card.appid, page_path=card.page_path),
        has_picture=content.image is not None,
        asks_feedback=shown.asks_feedback,
        time=local(shown.task),
        timezone=shown.task.timezone,
        groups=shown.groups,
        is_current=shown.is_current,
    )


def _said(message: Message) -> tuple[str | None, str | None]:
    match message:
        case ArticleContent():
            return message.title, message.body
        case MiniProgramContent():
            return message.title, None
        case _:
            return None, words_of(message) or None
