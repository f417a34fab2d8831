"""A picture or a document that we sent is shown like one that came in (IN-03, IN-05, WA-13)."""

from typing import Any

import pytest
import sqlalchemy as sa

from schemas.topics.contents import Content, DocumentContent, ImageContent, TextContent
from tests.services.status_projector.asking import Asker
from tests.services.status_projector.facts import Life, Projector

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

PDF = "uploads/0a1b2c.pdf"
LINK = "https://files.example/qr.png?of=ada"


async def shown(projector: Projector, ask: Asker, content: Content) -> dict[str, Any]:
    life = Life()
    order = life.message_id
    projector.apply([projector.heard(life.request(content=content, order_id=order))])
    page = await ask.data("/api/v1/im/messages", orderId=order)
    detail = await ask.data(f"/api/v1/im/messages/{life.message_id}")
    assert detail["file"] == page["items"][0]["file"]
    return page["items"][0]


async def test_a_document_of_our_store_has_its_address_type_and_name(
    projector: Projector, ask: Asker, engine: sa.Engine
) -> None:
    told = await shown(projector, ask, DocumentContent(key=PDF, file_name="Invoice 7.pdf"))

    assert told["file"] == {
        "url": f"/api/v1/media/{PDF}",
        "name": "Invoice 7.pdf",
        "type": "application/pdf",
        "error": None,
    }
    query = "SELECT file_url, file_name FROM whatsapp_communications WHERE order_id = :order"
    with engine.connect() as connection:
        row = connection.execute(sa.text(query), {"order": told["messageId"]}).one()
    assert row.file_url == f"/api/v1/media/{PDF}"
    assert row.file_name is not None
    assert "Invoice" not in row.file_name


async def test_a_picture_behind_a_link_is_shown_and_its_address_lies_sealed(
    projector: Projector, ask: Asker, engine: sa.Engine
) -> None:
    told = await shown(projector, ask, ImageContent(link=LINK))

    assert told["file"] == {"url": LINK, "name": None, "type": "image/png", "error": None}
    query = "SELECT CAST(m AS text) FROM messages m WHERE message_id = :id"
    with engine.connect() as connection:
        row = connection.execute(sa.text(query), {"id": told["messageId"]}).scalar_one()
    assert "files.example" not in row


@pytest.mark.parametrize("content", [TextContent(body=LINK), ImageContent(id="the provider's")])
async def test_what_has_no_file_of_ours_shows_none(
    projector: Projector, ask: Asker, content: Content
) -> None:
    assert (await shown(projector, ask, content))["file"] is None
