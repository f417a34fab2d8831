"""S3 of the peers' list: a link that somebody else wrote leads to the internet or nowhere."""

import socket
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from providers.outbound import public_client, was_refused
from tests.providers.whatsapp.wire import Wire, a_wire, says

SECONDS = timedelta(seconds=5)


@pytest_asyncio.fixture
async def inside() -> AsyncGenerator[Wire]:
    """Return a server of our own network, which nobody outside should reach."""
    async with a_wire(says("200 OK", b"a secret")) as wire:
        yield wire


@pytest_asyncio.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with public_client(connect_within=SECONDS, silent_for=SECONDS, connections=4) as made:
        yield made


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1.2.3",
        "localhost",
        "0.0.0.0",  # noqa: S104 - Linux takes it for this machine
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
    ],
)
async def test_no_spelling_of_this_machine_is_called(
    host: str, inside: Wire, client: httpx.AsyncClient
) -> None:
    with pytest.raises(httpx.HTTPError) as refused:
        await client.get(f"http://{host}:{inside.port}/")

    assert was_refused(refused.value)
    assert inside.requests == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "017700000001", "127.1"])
async def test_no_number_that_some_take_for_an_address_is_called(
    host: str, inside: Wire, client: httpx.AsyncClient
) -> None:
    with pytest.raises(httpx.HTTPError):
        await client.get(f"http://{host}:{inside.port}/")

    assert inside.requests == []


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "[::1]", "[fd00:ec2::254]"],
)
async def test_no_neighbour_is_called(host: str, client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.HTTPError) as refused:
        await client.get(f"http://{host}/latest/meta-data/")

    assert was_refused(refused.value)


async def test_a_name_is_judged_by_the_address_that_is_called(
    inside: Wire, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[object] = []

    def rebound(host: object, port: object, *_rest: object, **_more: object) -> list[Any]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)

    with pytest.raises(httpx.HTTPError) as refused:
        await client.get(f"http://lookaside.fbsbx.com:{inside.port}/")

    assert looked_up == ["lookaside.fbsbx.com"]
    assert was_refused(refused.value)
    assert inside.requests == []


async def test_an_address_that_cannot_be_reached_was_not_refused() -> None:
    async with httpx.AsyncClient(trust_env=False) as ordinary:
        with pytest.raises(httpx.HTTPError) as failed:
            await ordinary.get("http://127.0.0.1:1/")

    assert not was_refused(failed.value)
