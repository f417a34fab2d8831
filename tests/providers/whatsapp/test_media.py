"""Where a file is fetched from, and what becomes of an attempt; over real connections (WA 5)."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from pydantic import SecretStr

from providers.media import Download, NotThere, Unavailable
from providers.whatsapp.media import WhatsAppMedia
from providers.whatsapp.settings import WhatsAppMediaSettings
from tests.providers.whatsapp.channels import TOKEN
from tests.providers.whatsapp.wire import (
    Answer,
    Wire,
    Writer,
    a_wire,
    in_turn,
    resets,
    says,
    says_half,
    says_nothing,
)

FILE = b"the bytes of a picture"
GONE = says("404 Not Found")
LOOKED_UP_AGAIN = says("200 OK")
"""Stands for another look-up among a provider's answers."""


@asynccontextmanager
async def downloading(
    url: str, *, silent_for: timedelta = timedelta(seconds=20), hosts: str = "fbsbx.com"
) -> AsyncGenerator[Download]:
    """Begin the download of a file."""
    settings = WhatsAppMediaSettings(
        whatsapp_api_base_url=url,
        whatsapp_access_token=SecretStr(TOKEN),
        whatsapp_media_hosts=hosts,
        whatsapp_media_silent_for=silent_for,
    )
    source = WhatsAppMedia(settings)
    try:
        async with source.open("1037543291543636") as download:
            yield download
    finally:
        await source.close()


async def bytes_from(url: str, *, silent_for: timedelta = timedelta(seconds=20)) -> bytes:
    """Return a file's bytes."""
    async with downloading(url, silent_for=silent_for) as download:
        return b"".join([chunk async for chunk in download.chunks])


def found(url: str, **more: object) -> Answer:
    """Answer a look-up."""
    return says(
        "200 OK", json.dumps({"url": url, "messaging_product": "whatsapp", **more}).encode()
    )


@asynccontextmanager
async def a_provider(*answers: Answer, then: str = "/file") -> AsyncGenerator[Wire]:
    """Listen; the first answer is a look-up that leads to ``then`` at the same address."""
    async with a_wire(says("500")) as wire:

        async def look_up(writer: Writer) -> None:
            await found(f"http://127.0.0.1:{wire.port}{then}", sha256="ab" * 32)(writer)

        wire.answer = in_turn(
            look_up, *[look_up if answer is LOOKED_UP_AGAIN else answer for answer in answers]
        )
        yield wire


async def test_an_id_is_looked_up_and_its_address_called_with_the_token() -> None:
    async with (
        a_provider(says("200 OK", FILE), then="/file?mid=1&hash=x") as wire,
        downloading(wire.url) as download,
    ):
        got = b"".join([chunk async for chunk in download.chunks])

    assert got == FILE
    assert download.sha256 == "ab" * 32
    look_up, fetch = wire.requests
    assert look_up.startswith(b"GET /v24.0/1037543291543636 ")
    assert fetch.startswith(b"GET /file?mid=1&hash=x ")
    for request in wire.requests:
        assert f"authorization: Bearer {TOKEN}".encode() in request
        assert b"accept-encoding: identity" in request


async def test_an_address_that_has_grown_old_is_looked_up_again() -> None:
    async with a_provider(GONE, LOOKED_UP_AGAIN, says("200 OK", FILE)) as wire:
        assert await bytes_from(wire.url) == FILE

    assert len(wire.requests) == 4


async def test_a_file_that_is_gone_twice_is_not_there() -> None:
    async with a_provider(GONE, LOOKED_UP_AGAIN, GONE) as wire:
        with pytest.raises(NotThere):
            await bytes_from(wire.url)


@pytest.mark.parametrize(
    "answer",
    [GONE, says("400 Bad Request", b'{"error":{"code":100,"error_subcode":33,"message":"?"}}')],
)
async def test_an_id_that_the_provider_does_not_know_is_not_there(answer: Answer) -> None:
    async with a_wire(answer) as wire:
        with pytest.raises(NotThere):
            await bytes_from(wire.url)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (says("500 Oops", b"<html>"), "look-up: HTTP 500"),
        (says("401 No", b'{"error":{"code":190,"message":"expired"}}'), "look-up: error 190"),
        (says("200 OK", b"{}"), "look-up unreadable"),
        (says("200 OK", b"\xff"), "look-up unreadable"),
        (says("200 OK", b'{"url": 7}'), "look-up unreadable"),
        (found(""), "address without TLS"),
        (found("https://[::1"), "address unreadable"),
    ],
)
async def test_a_look_up_that_tells_nothing_is_tried_again_later(answer: Answer, why: str) -> None:
    async with a_wire(answer) as wire:
        with pytest.raises(Unavailable) as unavailable:
            await bytes_from(wire.url)

    assert unavailable.value.why == why


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (says("503 Busy", headers={"Retry-After": "7"}), "download: HTTP 503"),
        (says("401 No"), "download: HTTP 401"),
        (says("302 Found", headers={"Location": "http://127.0.0.1/"}), "download: HTTP 302"),
        (says_half(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), "ClientPayloadError"),
    ],
)
async def test_a_download_that_breaks_is_tried_again_later(answer: Answer, why: str) -> None:
    async with a_provider(answer) as wire:
        with pytest.raises(Unavailable) as unavailable:
            await bytes_from(wire.url)

    assert unavailable.value.why == why
    assert unavailable.value.retry_after == (timedelta(seconds=7) if "503" in why else None)
    assert not any(b"GET / " in request for request in wire.requests)


async def test_a_connection_that_is_reset_is_tried_again_later() -> None:
    # The library repeats such a call once by itself.
    async with a_provider(resets, resets) as wire:
        with pytest.raises(Unavailable):
            await bytes_from(wire.url)


async def test_a_download_in_which_nothing_comes_is_broken_off() -> None:
    async with a_provider(says_nothing) as wire:
        with pytest.raises(Unavailable, match="Timeout"):
            await bytes_from(wire.url, silent_for=timedelta(milliseconds=300))


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://evil.example/x", "address of an unknown host"),
        ("https://evil.example/x", "address of an unknown host"),
        ("https://evilfbsbx.com/x", "address of an unknown host"),
        ("https://fbsbx.com.evil.example/x", "address of an unknown host"),
        ("https://lookaside.fbsbx.com@evil.example/", "address with a user"),
        ("https://user:word@lookaside.fbsbx.com/", "address with a user"),
        ("file:///etc/passwd", "address without TLS"),
        ("gopher://lookaside.fbsbx.com/", "address without TLS"),
        ("//lookaside.fbsbx.com/x", "address without TLS"),
    ],
)
async def test_the_token_goes_to_no_host_but_the_providers(address: str, why: str) -> None:
    async with a_wire(found(address)) as wire:
        with pytest.raises(Unavailable) as unavailable:
            await bytes_from(wire.url)

    assert unavailable.value.why == why
    assert len(wire.requests) == 1


async def test_another_port_of_the_apis_own_host_is_not_the_api() -> None:
    async with (
        a_wire(says("200 OK", b"a secret")) as neighbour,
        a_wire(found(f"http://127.0.0.1:{neighbour.port}/")) as wire,
    ):
        with pytest.raises(Unavailable, match="unknown host"):
            await bytes_from(wire.url)

    assert neighbour.requests == []


async def test_a_host_of_the_providers_that_leads_inside_is_not_called() -> None:
    async with (
        a_wire(says("200 OK", b"a secret")) as neighbour,
        a_wire(found(f"http://localhost:{neighbour.port}/")) as wire,
    ):
        with pytest.raises(Unavailable, match="address is internal"):
            async with downloading(wire.url, hosts="fbsbx.com, localhost"):
                pass

    assert neighbour.requests == []


async def test_no_media_id_leads_to_another_call_of_the_api() -> None:
    async with a_wire(GONE) as wire:
        settings = WhatsAppMediaSettings(
            whatsapp_api_base_url=wire.url, whatsapp_access_token=SecretStr(TOKEN)
        )
        source = WhatsAppMedia(settings)
        with pytest.raises(NotThere):
            async with source.open("../me?fields=x#"):
                pass
        await source.close()

    assert wire.requests[0].startswith(b"GET /v24.0/..%2Fme%3Ffields=x%23 ")
