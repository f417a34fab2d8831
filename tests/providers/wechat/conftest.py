"""A simulator whose users always consent, and a channel to it."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from providers.wechat.channel import WechatChannel
from tests.providers.wechat.channels import a_channel
from tests.simulator.product import Product, a_product


@pytest.fixture
async def provider() -> AsyncGenerator[Product]:
    """Return a simulator without faults of its own choice, whose users always consent."""
    async with a_product() as made:
        await made.knobs(wc_consent=10_000)
        yield made


@pytest.fixture
async def channel(provider: Product, tmp_path: Path) -> AsyncGenerator[WechatChannel]:
    async with a_channel(provider.simulator.base_url, tmp_path) as made:
        yield made
