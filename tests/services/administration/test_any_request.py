"""Whatever is asked of the administration, the answer is one that the document describes."""

import asyncio

import pytest

from tests.callers import signed_in
from tests.fuzz.api import Chance, fuzz_tagged
from tests.services.administration.administrations import RunningAdministration

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

TAGS = ("audit", "users", "roles", "tenants", "privacy")


async def test_no_request_that_can_be_conceived_breaks_the_administration(
    administration: RunningAdministration,
) -> None:
    url = str(administration.client.base_url)

    sent = await asyncio.to_thread(
        fuzz_tagged, url, signed_in(), *TAGS, chance=Chance(seed=1, examples=2)
    )

    assert sent > 0
