"""The templates that may be sent now, held in memory and kept in step with Meta (WA-12, IM-47)."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from domain.failures import ErrorCode, Failure, Origin
from providers.whatsapp import template_store
from providers.whatsapp.graph import GraphApi
from providers.whatsapp.settings import WhatsAppSettings
from providers.whatsapp.template_listing import ListAway, Listed, fetch_list
from providers.whatsapp.template_rules import Template, is_marketing, reason_against
from providers.whatsapp.template_sync import changes, holds
from runtime.postgres import in_thread
from schemas.topics.templates import TemplateContent

log = logging.getLogger(__name__)

LOOK_EVERY: Final = timedelta(seconds=30)
"""How often the table is read: so soon a template that people switch off is off."""
SYNC_EVERY: Final = timedelta(minutes=5)
"""Meta allows an account without a registered number 200 such calls an hour."""


class TemplateBook:
    """What is known of the templates; nothing is refused before it is filled."""

    def __init__(self) -> None:
        self._templates: dict[str, Template] | None = None
        self._is_complete = False

    def fill(self, templates: Iterable[Template]) -> None:
        """Know these and no others."""
        self._templates = {template.name: template for template in templates}
        self._is_complete = any(template.is_synced for template in self._templates.values())

    def problem(self, content: TemplateContent) -> Failure | None:
        """Return why this use of a template would be refused."""
        if self._templates is None:
            return None
        template = self._templates.get(content.name)
        if template is not None:
            reason = reason_against(template, content)
        elif self._is_complete:
            reason = f"template {content.name} is not known"
        else:
            reason = None  # never compared with Meta's list, the table need not hold all
        if reason is None:
            return None
        return Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail=reason)

    def is_marketing(self, content: TemplateContent) -> bool:
        """Tell whether this use of a template is an offer; what is not known is none."""
        template = (self._templates or {}).get(content.name)
        return template is not None and is_marketing(template, content.language)


class TemplateKeeper:
    """Fills a book from the table, and the table from Meta's list.

    ``every(LOOK_EVERY, keeper.tick)`` does both, each in its time.
    """

    def __init__(self, settings: WhatsAppSettings, engine: sa.Engine, book: TemplateBook) -> None:
        self._settings = settings
        self._engine = engine
        self._book = book
        self._api = GraphApi(settings)
        self._sync_at = 0.0

    async def tick(self) -> bool:
        """Read the table, and compare it with Meta where it is time to; nothing is left to do then.

        The table comes first: what is switched off there is refused however slow Meta is. Raises
        `DatabaseAway`. While Meta cannot be asked, the table stands as it is.
        """
        await self._fill()
        now = asyncio.get_running_loop().time()
        if self._settings.whatsapp_business_account_id and now >= self._sync_at:
            self._sync_at = now + SYNC_EVERY.total_seconds()
            try:
                await self.sync()
            except ListAway as error:
                log.warning("templates.not_listed", extra={"why": str(error)})
            await self._fill()
        return False

    async def _fill(self) -> None:
        self._book.fill(await in_thread(self._engine, template_store.templates))

    async def sync(self) -> int:
        """Bring the table in step with Meta's list; return how many rows changed.

        Raises `ListAway` and `DatabaseAway`, and then no row has changed.
        """
        account_id = self._settings.whatsapp_business_account_id
        if not account_id:
            raise ListAway("WHATSAPP_BUSINESS_ACCOUNT_ID is not set")
        listed = await fetch_list(self._api, account_id)
        if too_long := sum(not holds(one) for one in listed):
            log.warning("templates.left_out", extra={"too_long": too_long})
        return await in_thread(self._engine, lambda c: _write(c, listed))

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()


def _write(connection: sa.Connection, listed: Iterable[Listed]) -> int:
    changed = changes(template_store.templates_for_update(connection), listed)
    if changed:
        template_store.put(connection, changed)
        log.info("templates.changed", extra={"names": [template.name for template in changed]})
    return len(changed)
