"""Files that people bring in and look at (IM-27, IM-39, CF-49; peers, S6)."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from runtime.auth import Permission
from runtime.media import MediaSettings, open_store
from runtime.sealed_files import file_seal
from runtime.vault import forget
from tests.callers import of_tenant, signed_in
from tests.services.fetcher import files
from tests.services.scheduler.previewing import MEDIA, a_picture, bring
from tests.services.scheduler.schedulers import RunningScheduler, start_scheduler, stop_scheduler
from tests.vaults import the_vault

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

MB = 1_024 * 1_024


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the files are."""
    return tmp_path_factory.mktemp("media")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scheduler(
    clean_topics: str, database_url: str, media: Path
) -> AsyncGenerator[RunningScheduler]:
    """Return a scheduler with a store of its own."""
    url = (media / "store").as_uri()
    running = await start_scheduler(clean_topics, database_url, media, MEDIA_STORE_URL=url)
    yield running
    await stop_scheduler(running)


def caller(
    scheduler: RunningScheduler, tenant_id: str, *permissions: Permission
) -> httpx.AsyncClient:
    headers = signed_in(of_tenant(tenant_id, *permissions))
    return httpx.AsyncClient(base_url=scheduler.url, trust_env=False, timeout=30, headers=headers)


async def test_a_picture_is_kept_and_shown_to_its_tenant(scheduler: RunningScheduler) -> None:
    async with caller(scheduler, "acme") as acme:
        brought = await bring(acme, a_picture(), "../../my holiday.exe")

        assert brought.status_code == 201
        data = brought.json()["data"]
        assert data["url"] == f"{MEDIA}/{data['key']}"
        assert data["mimeType"] == "image/png"
        assert data["fileName"] == "my holiday.exe.png"
        shown = await acme.get(data["url"])
        assert shown.status_code == 200
        assert (len(shown.content), shown.headers["content-type"]) == (data["size"], "image/png")
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in shown.headers["content-security-policy"]
        assert shown.headers["content-disposition"].startswith("inline")

    async with caller(scheduler, "other") as other:
        answer = await other.get(data["url"])
        assert (answer.status_code, answer.json()["message"]) == (404, "There is no such file")
    async with caller(scheduler, "acme", Permission.JOBS_VIEW) as acme:
        assert (await acme.get(data["url"])).status_code == 403
        assert (await bring(acme, a_picture())).status_code == 403


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (files.PDF, "file"),
        (b"this is no picture at all, only its name says so", "file"),
        (a_picture()[:200], "file"),
        (files.png_of(50_000, 50_000), "file"),
        (a_picture() + b"<script>alert(1)</script>", "file"),
        (b"", "file"),
    ],
)
async def test_what_is_no_picture_is_refused_by_its_bytes(
    scheduler: RunningScheduler, data: bytes, field: str
) -> None:
    answer = await bring(scheduler.client, data, "a.png")

    assert (answer.status_code, answer.json()["data"]) == (400, {"field": field})


async def test_a_picture_has_2_mb_and_not_a_byte_more(scheduler: RunningScheduler) -> None:
    picture = a_picture("JPEG")
    full = picture + bytes(2 * MB - len(picture))

    fits = await bring(scheduler.client, full)
    one_more = await bring(scheduler.client, full + b"\x00")
    in_chat = await bring(scheduler.client, full + b"\x00", purpose="chat")

    assert (fits.status_code, in_chat.status_code) == (201, 201)
    assert one_more.status_code == 413
    assert one_more.json() == {
        "code": 413,
        "message": f"file: has more than {2 * MB} bytes",
        "data": None,
    }


async def test_chats_carry_more_than_pictures(scheduler: RunningScheduler) -> None:
    brought = await bring(scheduler.client, files.PDF, "Angebot 17.pdf", purpose="chat")

    assert brought.json()["data"]["fileName"] == "Angebot 17.pdf"
    shown = await scheduler.client.get(brought.json()["data"]["url"])
    assert shown.content == files.PDF
    assert shown.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("data", [files.PROGRAM, files.JAR, b"<html></html>", files.WEBP])
async def test_chats_do_not_carry_everything(scheduler: RunningScheduler, data: bytes) -> None:
    answer = await bring(scheduler.client, data, "a.pdf", purpose="chat")

    assert (answer.status_code, answer.json()["data"]) == (400, {"field": "file"})


async def test_what_is_no_form_with_a_file_is_refused(scheduler: RunningScheduler) -> None:
    client = scheduler.client
    picture = a_picture()

    answers = [
        await client.post(MEDIA, json={"file": "a"}),
        await client.post(MEDIA, data={"file": "a"}),
        await client.post(MEDIA, files={"photo": ("a.png", picture)}),
        await client.post(MEDIA, files=[("file", ("a.png", picture))] * 2),
        await client.post(
            MEDIA,
            content=b"--x\r\nnothing",
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        ),
        await client.post(MEDIA, content=b"--x", headers={"Content-Type": "multipart/form-data"}),
        await bring(client, picture, purpose="other"),
    ]

    assert [one.status_code for one in answers] == [400] * len(answers)
    assert all(one.json()["data"]["field"] for one in answers)


async def test_what_somebody_sent_us_is_opened_until_they_are_forgotten(
    scheduler: RunningScheduler, database: sa.Engine, media: Path
) -> None:
    vault = the_vault()
    person = vault.person("wechat", "oWang")
    key = f"whatsapp/2030/01/{uuid4().hex}.png"
    await stored(database, media, key, a_picture(), tenant_id="acme")

    async with caller(scheduler, "acme", Permission.MESSAGES_VIEW) as acme:
        shown = await acme.get(f"{MEDIA}/{key}")
        assert shown.content == a_picture()
        async with caller(scheduler, "other") as other:
            assert (await other.get(f"{MEDIA}/{key}")).status_code == 404
        async with caller(scheduler, "acme", Permission.MEDIA_UPLOAD) as uploader:
            assert (await uploader.get(f"{MEDIA}/{key}")).status_code == 403
        with database.begin() as connection:
            forget(connection, person)
        assert (await acme.get(f"{MEDIA}/{key}")).status_code == 404


async def stored(
    database: sa.Engine, media: Path, key: str, data: bytes, *, tenant_id: str
) -> None:
    """Keep a file as the fetcher does, and its message as the projector does."""
    vault = the_vault()
    person = vault.person("wechat", "oWang")
    seal = await file_seal(database, vault, person, key)

    async def whole() -> AsyncGenerator[bytes]:
        yield data

    store = open_store(MediaSettings(media_store_url=(media / "store").as_uri()))
    await store.put(key, seal.over(whole()))
    with database.begin() as connection:
        about = {
            "key": key,
            "now": datetime.now(UTC),
            "tenant": tenant_id,
            "id": uuid4().hex,
            "person": person,
        }
        connection.execute(
            sa.text(
                """
                INSERT INTO inbound_media (channel, provider_message_id, media_id, sender_id,
                    message_type, occurred_at, state, key, mime_type, created_at, updated_at)
                VALUES ('wechat', :id, 'm', 's', 'image', :now, 'stored', :key, 'image/png',
                        :now, :now)
                """
            ),
            about,
        )
        connection.execute(
            sa.text(
                """
                INSERT INTO messages (message_id, channel, sender_id, message_type,
                    message_direction, whatsapp_message_id, delivery_status, sent_at, tenant_id,
                    created_at, updated_at, sequence, person, conversation_id)
                VALUES (:id, 'wechat', 's', 'image', 'inbound', :id, 'delivered', :now, :tenant,
                        :now, :now, 1, :person, 'c')
                """
            ),
            about,
        )


@pytest.mark.parametrize("key", ["../../etc/passwd", "probe", "uploads/none.png", "%2e%2e/x"])
async def test_nothing_else_is_shown(scheduler: RunningScheduler, key: str) -> None:
    assert (await scheduler.client.get(f"{MEDIA}/{key}")).status_code == 404
