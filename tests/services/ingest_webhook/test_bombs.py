"""What is small on the way in and meant to be large inside (S4)."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Final

import pytest

from providers.whatsapp.signature import sign
from tests.services.ingest_webhook.ingesters import (
    GRAPH,
    SECRET,
    TEXT,
    RunningIngester,
    a_callback,
    a_provider_id,
    said,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

LIMIT: Final = 3 * 1_024 * 1_024
PAGE: Final = 4_096


def signed(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": sign(body, SECRET.encode())}


def rss_of(ingester: RunningIngester) -> int:
    """Return the bytes of memory that the ingester holds."""
    statm = Path(f"/proc/{ingester.process.pid}/statm").read_text()
    return int(statm.split()[1]) * PAGE


async def in_pieces(body: bytes) -> AsyncGenerator[bytes]:
    for start in range(0, len(body), 64 * 1_024):
        yield body[start : start + 64 * 1_024]


def many_keys() -> bytes:
    return json.dumps({f"k{number}": 0 for number in range(1_000_000)}).encode()


def deep() -> bytes:
    levels = 1_000
    return b'{"object":' + b"[" * levels + b"]" * levels + b"}"


class TestBodiesThatAreBombs:
    @pytest.mark.parametrize(
        ("bomb", "status"),
        [
            pytest.param(lambda: b"{" + b" " * LIMIT, 413, id="a byte too many"),
            pytest.param(many_keys, 413, id="a million keys"),
            pytest.param(deep, 400, id="a thousand levels"),
            pytest.param(lambda: b"[" * LIMIT, 400, id="three million levels"),
            pytest.param(lambda: b'{"object":"' + b"\\u0000" * 500_000, 400, id="unfinished"),
        ],
    )
    @pytest.mark.parametrize("how", ["at once", "in chunks"])
    async def test_they_are_refused_at_once_and_leave_no_memory_behind(
        self, ingester: RunningIngester, bomb: Callable[[], bytes], status: int, how: str
    ) -> None:
        body = bomb()
        headers = signed(body)
        await ingester.post(a_callback(a_provider_id()))
        before = rss_of(ingester)

        began = time.monotonic()
        answer = await ingester.client.post(
            GRAPH, content=body if how == "at once" else in_pieces(body), headers=headers
        )
        took = time.monotonic() - began

        assert answer.status_code == status
        assert answer.headers["content-type"] == TEXT
        assert took < 0.1 + len(body) / 20e6  # the bytes' own way takes time, too
        assert rss_of(ingester) - before < 20e6

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity", "GZIP"])
    async def test_what_is_compressed_is_never_unpacked(
        self, ingester: RunningIngester, encoding: str
    ) -> None:
        bomb = gzip.compress(b" " * 100_000_000)
        before = rss_of(ingester)

        answer = await ingester.client.post(
            GRAPH, content=bomb, headers=signed(bomb) | {"Content-Encoding": encoding}
        )

        assert said(answer) == (415, TEXT, "Content-Encoding: must be absent")
        assert rss_of(ingester) - before < 20e6

    async def test_a_head_beyond_the_limit_is_refused(self, ingester: RunningIngester) -> None:
        answer = await ingester.client.get(GRAPH, headers={"X-Long": "x" * 33_000})

        assert answer.status_code == 431

    async def test_a_head_without_an_end_is_cut_off(self, ingester: RunningIngester) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", ingester.port)
        writer.write(b"GET / HTTP/1.1\r\nX-Long: ")
        try:
            async with asyncio.timeout(20):
                while not reader.at_eof():
                    writer.write(b"x" * 10_000)
                    await writer.drain()
                    await asyncio.sleep(0)
        except ConnectionError:
            pass
        finally:
            writer.close()

        assert (await ingester.client.get("/healthz")).status_code == 200

    async def test_two_lengths_of_one_body_are_no_request(self, ingester: RunningIngester) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", ingester.port)
        head = f"POST {GRAPH} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode())

        line = await reader.readline()
        writer.close()

        assert line.startswith(b"HTTP/1.1 400")
