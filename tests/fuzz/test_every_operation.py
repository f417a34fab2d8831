"""Whatever is asked of any service, by whomever, the answer is one that its document describes."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

import pytest
import pytest_asyncio

from cli.openapi import APPLICATIONS
from tests.fuzz.api import Chance, Service, ask_all
from tests.fuzz.services import services_to_ask

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

CHANCE = Chance(seed=1, examples=6)
REACHED = {
    "administration": {("PATCH /api/v1/users/{userId}", 200)},
    "ingest_webhook": {("POST /api/whatsapp/webhook", status) for status in (200, 400, 403)},
    "scheduler": {("POST /api/v1/jobs", 201), ("POST /api/v1/media", 201)},
    "statistics": {("GET /api/v1/statistics/live", 200)},
    "status_projector": {("GET /api/v1/im/events", 200), ("GET /api/v1/jobs/{jobId}", 200)},
}
"""Some of what must come of it, else all is refused at the door."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(
    clean_topics: str, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Mapping[str, Service]]:
    logs = tmp_path_factory.mktemp("fuzz")
    async with services_to_ask(clean_topics, database_url, logs) as running:
        yield running


@pytest.mark.parametrize("name", APPLICATIONS)
async def test_every_operation_is_asked_and_answers_as_its_document_says(
    services: Mapping[str, Service], name: str
) -> None:
    paths = APPLICATIONS[name]().openapi()["paths"]

    done = await asyncio.to_thread(ask_all, services[name], CHANCE)

    assert not done.found, "\n\n".join(done.found)
    asked = {label for label, _ in done.answers}
    assert asked == {f"{method.upper()} {path}" for path in paths for method in paths[path]}
    assert done.answers.keys() >= REACHED[name]
