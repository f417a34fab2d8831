"""Somebody writes and is written to; then their traces are looked for (peers, S9 and S10).

Nothing of it may stand in the clear in the database's own files, in a dump, in the media store or
in a log, and no word of it in the broker's files: the number does, in keys. Once they are erased,
nothing of it can be opened, whoever has a backup from before.
"""

import base64
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from deploy.databases import Databases
from deploy.pipeline import Pipeline
from deploy.simulated_provider import WORLD
from deploy.stack.postgres_programs import programs
from runtime.clock import now
from runtime.kafka.producer import Producer
from schemas.topics.provider_events import PROVIDER_EVENTS, FeedbackGiven
from simulator.wechat.magic import openid_of
from tests.eventually import eventually, seconds
from tests.given import NOON, a_status_reported
from tests.services.scheduler import planned
from tests.services.scheduler.previewing import a_user

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

SOON = seconds(40)
ADA = "16505558042"
"""The simulator has no room for her for six seconds: her message waits in the ledger."""
WORDS = ("Peregrine-7431", "Quillfeather-9926", "Saltmarsh-5518", "Thistledown-3307")
SENT, WRITTEN, FILED, NAMED = WORDS
FOR_MANY = (
    "Wisteria-6120",
    "Juniper-2284",
    "Marigold-8835",
    "Foxglove-1947",
    "Hollyhock-5063",
    "Larkspur-7712",
    "Snowdrop-4491",
)
JOB, TASK, EDITED, TEMPLATE, PREVIEWED, TOLD, OPINION = FOR_MANY
"""What people write for many, and of it."""
TRACES = (ADA.encode(), *(word.encode() for word in (*WORDS, *FOR_MANY)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(world: Pipeline) -> Pipeline:
    """Return a system in which she has a trace in every table that knows people."""
    urls = world.urls
    scheduler, simulator = urls["scheduler"], urls["simulator"]
    text = {"contactId": "ada", "recipient": f"+{ADA}", "messageType": "text"}
    file = base64.b64encode(f"Dear Sirs, {FILED}".encode()).decode()
    async with httpx.AsyncClient(trust_env=False, headers=world.headers, timeout=30) as client:
        for path, body in (
            (f"{scheduler}/api/v1/im/messages", {**text, "content": SENT}),
            (
                f"{scheduler}/api/v1/im/messages",
                {**text, "content": SENT, "scheduledAt": (now() + timedelta(hours=20)).isoformat()},
            ),
            (
                f"{scheduler}/api/v1/jobs",
                {
                    "name": "Spring",
                    "channel": "whatsapp",
                    "content": {"type": "text", "body": f"Hi {{name}}, {JOB}"},
                    "recipients": [{"phone": f"+{ADA}", "variables": {"name": SENT}}],
                },
            ),
            (f"{simulator}{WORLD}/inbound", {"from": ADA, "text": WRITTEN, "name": NAMED}),
            (
                f"{simulator}{WORLD}/inbound",
                {
                    "from": ADA,
                    "type": "document",
                    "file": {
                        "base64": file,
                        "mime_type": "text/plain",
                        "filename": f"{NAMED}.txt",
                    },
                },
            ),
        ):
            (await client.post(path, json=body)).raise_for_status()
        engine = sa.create_engine(world.database_url, poolclass=sa.NullPool)
        task_id = await _written_for_many(client, scheduler, engine)
    await _somebody_else_reports(world, task_id)
    await eventually(lambda: _has_traces(engine), within=SOON)
    return world


async def test_nothing_of_anybody_stands_in_the_clear(lived: Pipeline, tmp_path: Path) -> None:
    dump = _dumped(lived, tmp_path / "dump.sql", plain=True)
    stack = lived.stack
    media = stack.places.state / "scratch" / "media"
    on_the_broker = _traces([stack.kafka.data])
    assert on_the_broker != {}, "what is looked for can be found"
    # Her number is in the keys, which keep a conversation's order, for seven days at most.
    assert set().union(*on_the_broker.values()) == {ADA}

    stack.postgres.stop()
    try:
        found = _traces([stack.postgres.data, media, stack.places.logs, dump])
    finally:
        stack.postgres.start()

    assert found == {}


async def test_who_was_erased_can_be_read_nowhere_not_even_in_a_backup(
    lived: Pipeline, databases: Databases, tmp_path: Path
) -> None:
    engine = sa.create_engine(lived.database_url, poolclass=sa.NullPool)
    keys = _keys(engine, lived)
    dump = _dumped(lived, tmp_path / "dump.sql", plain=False)
    restored = sa.create_engine(databases.create("restored"), poolclass=sa.NullPool)
    _restore(lived, restored, dump)
    assert _readable(restored, keys) == {SENT, WRITTEN, NAMED}, "the keys of before open it"
    media = lived.stack.places.state / "scratch" / "media"

    report = await _erased(lived)
    again = await _erased(lived)

    today = _keys(engine, lived)
    assert _readable(restored, today) == set()
    assert _readable(engine, [*keys, *today]) == set()
    assert [path for path in media.rglob("*.txt") if path.is_file()] == []
    assert report["deleted"]["person_keys"] == 1
    assert set(again["deleted"]) <= {"person_keys", "messages", "dispatch_ledger", "opt_outs"}
    await eventually(lambda: _unsent(engine) == 0, within=SOON)


async def _written_for_many(client: httpx.AsyncClient, url: str, engine: sa.Engine) -> str:
    """Plan a task, edit, preview and push it, save a template, tell a user; return its id."""

    async def ask(method: str, path: str, **body: object) -> Any:  # noqa: ANN401 - any answer
        answer = await client.request(method, f"{url}/api/{path}", json=body)
        return answer.raise_for_status().json()

    first, then, saved = ({"text": word} for word in (TASK, EDITED, TEMPLATE))
    task_id: str = (await ask("POST", "tasks", **planned.a_task(content=first)))["taskId"]
    await ask("PUT", f"tasks/{task_id}", content=then)
    shown = {"content": {"text": PREVIEWED}, "recipients": [openid_of(3)]}
    await ask("POST", "preview", taskId=task_id, **shown)
    await ask("POST", "push", taskId=task_id)
    await ask("POST", "preview/templates", name="Mine", content=saved)
    a_user(engine, "reader", openid=None)
    told = {"type": "result", "content": {"message": TOLD}}
    await ask("POST", "notifications", userId="reader", taskId=task_id, **told)
    return task_id


async def _somebody_else_reports(world: Pipeline, task_id: str) -> None:
    """Let an event come whose message nobody knows, about her, and an opinion of somebody's."""
    report = a_status_reported(message_id=None, participant=ADA, provider_message_id="wamid.none")
    opinion = FeedbackGiven(
        push_id="a-push", task_id=task_id, user_id=openid_of(4), content=OPINION, at=NOON
    )
    producer = Producer(world.bootstrap, "tests", world.topic_keys)
    records = [PROVIDER_EVENTS.record(one, source="/tests", at=NOON) for one in (report, opinion)]
    await producer.publish(records, within=seconds(10))
    await producer.stop()


def _has_traces(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        counts = [
            connection.execute(sa.text(f"SELECT count(*) FROM {what}")).scalar_one()  # noqa: S608 - ours
            for what in (
                "messages WHERE message_direction = 'inbound' AND file_url IS NOT NULL",
                "dispatch_ledger WHERE state = 'waiting'",
                "accepted_sends WHERE due_at IS NOT NULL",
                "job_items",
                "parked_events",
                "contact_windows",
                "t_pushes",
                "t_previews",
                "t_feedback",
            )
        ]
    return all(counts)


def _unsent(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        query = "SELECT count(*) FROM dispatch_ledger WHERE state IN ('waiting', 'claimed')"
        return connection.execute(sa.text(query)).scalar_one()


def _traces(places: list[Path]) -> dict[str, set[str]]:
    """Return which files hold which of the traces."""
    found = {str(path): _traces_in(path) for place in places for path in _files(place)}
    return {path: traces for path, traces in found.items() if traces}


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for directory, _, names in os.walk(place):
        yield from (Path(directory, name) for name in names)


def _traces_in(path: Path) -> set[str]:
    """Return the traces; the broker removes files of topics that were deleted while we look."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return set()
    return {trace.decode() for trace in TRACES if trace in data}


def _dumped(world: Pipeline, path: Path, *, plain: bool) -> Path:
    """Return a dump; one that is restored holds no keys of people, as backups do not."""
    without = [] if plain else ["--exclude-table-data=person_keys"]
    dsn = world.database_url.replace("+psycopg2", "")
    program = programs(world.stack.places) / "pg_dump"
    subprocess.run([program, "--no-owner", *without, f"--file={path}", dsn], check=True)  # noqa: S603 - ours
    return path


def _restore(world: Pipeline, into: sa.Engine, dump: Path) -> None:
    with into.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    dsn = into.url.render_as_string(hide_password=False).replace("+psycopg2", "")
    program = programs(world.stack.places) / "psql"
    subprocess.run(  # noqa: S603 - ours
        [program, "--quiet", "--set=ON_ERROR_STOP=1", f"--file={dump}", dsn],
        check=True,
        stdout=subprocess.DEVNULL,
    )


async def _erased(world: Pipeline) -> dict[str, Any]:
    url = f"{world.urls['administration']}/api/whatsapp/customers/+{ADA}/data"
    async with httpx.AsyncClient(trust_env=False, headers=world.headers, timeout=60) as client:
        unconfirmed = await client.delete(url)
        answer = await client.delete(url, params={"confirm": f"+{ADA}"})
    assert unconfirmed.status_code == 400
    assert "confirm" in unconfirmed.text
    return answer.raise_for_status().json()


def _keys(engine: sa.Engine, world: Pipeline) -> list[bytes]:
    """Return everybody's keys as they are now, unwrapped by hand."""
    derived = HKDF(SHA256(), 32, salt=None, info=b"sendtrail master")
    master = AESGCM(derived.derive(world.secrets.encryption_key.encode()))
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT person, wrapped FROM person_keys")).all()
    return [
        master.decrypt(bytes(row.wrapped)[:12], bytes(row.wrapped)[12:], bytes(row.person))
        for row in rows
    ]


def _readable(engine: sa.Engine, keys: list[bytes]) -> set[str]:
    """Return which words any of the keys opens, in whatever column, wherever it was sealed for."""
    found: set[str] = set()
    with engine.connect() as connection:
        for table, column in _sealed_columns(connection):
            query = f"SELECT {column} FROM {table} WHERE length({column}) > 28"  # noqa: S608 - the catalogue's
            for (value,) in connection.execute(sa.text(query)).all():
                found |= {word for word in WORDS for key in keys if _opens(key, bytes(value), word)}
    return found


def _opens(key: bytes, value: bytes, word: str) -> bool:
    """Tell whether the word is in it; GCM without its check, since the place is not known."""
    for start in (0, 16):
        nonce, sealed = value[start : start + 12], value[start + 12 :]
        if len(nonce) == 12:
            counter = modes.CTR(nonce + b"\x00\x00\x00\x02")
            if word.encode() in Cipher(algorithms.AES256(key), counter).decryptor().update(sealed):
                return True
    return False


def _sealed_columns(connection: sa.Connection) -> list[tuple[str, str]]:
    rows = connection.execute(
        sa.text(
            """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type = 'bytea'
                AND table_name NOT IN ('person_keys')
            """
        )
    )
    return [(row.table_name, row.column_name) for row in rows]
