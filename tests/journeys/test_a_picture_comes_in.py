"""Somebody sends a picture: it is fetched, kept, and found in its message."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from deploy.pipeline import Pipeline
from deploy.simulated_provider import WORLD
from services.status_projector.store import personal
from tests.eventually import eventually, seconds
from tests.sealed import opened_file, vault_of

pytestmark = pytest.mark.stack

SOON = seconds(30)
MEDIA = "/api/v1/media/"
PNG = b"\x89PNG"


async def somebody_sends(world: Pipeline, **order: object) -> str:
    """Let a user write to us; return the provider's message id."""
    async with httpx.AsyncClient(trust_env=False, headers=world.headers) as client:
        url = world.urls["simulator"] + WORLD + "/inbound"
        said = await client.post(url, json={"from": "16505550042", **order})
        return said.raise_for_status().json()["id"]


def engine_of(world: Pipeline) -> sa.Engine:
    return sa.create_engine(world.database_url, poolclass=sa.NullPool)


async def message_with_its_file(world: Pipeline, provider_message_id: str) -> dict[str, Any]:
    """Return a message's row once it is known what became of its file."""
    engine = engine_of(world)

    def settled() -> dict[str, Any]:
        with engine.connect() as connection:
            query = sa.text("SELECT * FROM messages WHERE whatsapp_message_id = :id")
            found = connection.execute(query, {"id": provider_message_id}).mappings().first()
            row = dict(found) if found else {}
            return row if row.get("file_url") or row.get("file_error") else {}

    return await eventually(settled, within=SOON)


async def test_a_picture_is_kept_and_found_in_its_message(world: Pipeline) -> None:
    sent = await somebody_sends(world, type="image", file={"sample": "png"}, text="Is it this one?")

    message = await message_with_its_file(world, sent)

    assert message["message_direction"] == "inbound"
    assert (message["file_type"], message["file_error"]) == ("image/png", None)
    name = message["file_url"].removeprefix(MEDIA)
    store = world.stack.places.state / "scratch" / "media"
    assert PNG not in (store / name).read_bytes()
    picture = await opened_file(store, engine_of(world), vault_of(world), name)
    assert picture.startswith(PNG)


async def test_a_document_keeps_the_name_it_was_sent_with(world: Pipeline) -> None:
    file = {"sample": "pdf", "filename": "Angebot 17.pdf"}
    sent = await somebody_sends(world, type="document", file=file)

    message = await message_with_its_file(world, sent)

    assert name_of_file(world, message) == "Angebot 17.pdf"
    assert message["file_url"].endswith(".pdf")


async def test_a_file_that_is_no_picture_leaves_its_reason_in_the_message(world: Pipeline) -> None:
    page = {"base64": "PGh0bWw+PHNjcmlwdD4=", "mime_type": "image/jpeg"}  # <html><script>
    sent = await somebody_sends(world, type="image", file=page)

    message = await message_with_its_file(world, sent)

    assert (message["file_url"], message["file_error"]) == (None, "type_refused")


def name_of_file(world: Pipeline, message: dict[str, Any]) -> str | None:
    vault = vault_of(world)
    person, sealed = bytes(message["person"]), bytes(message["sealed_file_name"])
    with engine_of(world).connect() as connection:
        keyring = vault.keyring(connection, [person])
    return personal.unseal_file_name(keyring, person, message["message_id"], sealed)
