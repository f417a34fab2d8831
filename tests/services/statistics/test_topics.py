"""What has to be there before the first process joins its group."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics.registry import PARTITIONS
from services.statistics.source import topics_exist

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

CHANGELOG = NewTopic(name="a-changelog", num_partitions=PARTITIONS, replication_factor=1)


async def test_a_changelog_that_is_missing_is_made_once_and_seen(clean_topics: str) -> None:
    await asyncio.gather(*(topics_exist(clean_topics, CHANGELOG) for _ in range(2)))
    await topics_exist(clean_topics, CHANGELOG)

    admin = AIOKafkaAdminClient(bootstrap_servers=clean_topics)
    await admin.start()
    try:
        assert CHANGELOG.name in await admin.list_topics()
    finally:
        await admin.close()
