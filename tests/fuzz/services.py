"""All services that have an API, as they are asked: with something of everything in them."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fuzz.api import Service
from tests.services.ingest_webhook.ingesters import SECRET, start_ingester, stop_ingester
from tests.services.whole_system import THEIR_CUSTOMER, whole_system

_FAST = {"INGEST_RATE_PER_SOURCE": "1000000"}
"""All requests come from one address."""


@asynccontextmanager
async def services_to_ask(
    bootstrap: str, database_url: str, logs: Path
) -> AsyncGenerator[Mapping[str, Service]]:
    """Run them until the block ends; by their names in `cli.openapi.APPLICATIONS`."""
    ingester = await start_ingester(bootstrap, _FAST, logs)
    try:
        async with whole_system(bootstrap, database_url, logs) as system:
            clients = {**system.clients, "ingest_webhook": ingester.client}
            ids = {**system.theirs, "phone": THEIR_CUSTOMER}
            yield {
                name: Service(str(client.base_url), ids, SECRET.encode())
                for name, client in clients.items()
            }
    finally:
        await stop_ingester(ingester)
