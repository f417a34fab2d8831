"""One simulator a test, on a free port, with a product beside it."""

from collections.abc import AsyncGenerator

import pytest

from tests.simulator.product import Product, a_product


@pytest.fixture
async def product() -> AsyncGenerator[Product]:
    """Return a product whose simulator leaves nothing to chance (profile `perfect`)."""
    async with a_product() as made:
        yield made
