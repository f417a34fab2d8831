"""However large the files, what is in memory is a few pieces of each."""

import sys
from pathlib import Path

import pytest

from schemas.topics.provider_events import MediaStored
from tests.services.fetcher.fetchers import Outside, RunningFetcher, a_message_with

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's peak"),
    pytest.mark.asyncio(loop_scope="module"),
]

MB = 1_024 * 1_024
SIZE = 80 * MB
AT_ONCE = 4
ROOM = AT_ONCE * 15 * MB
"""Each holds a few parts of 5 MB; measured: 23 MB for all four."""


async def test_four_large_files_at_once_take_a_fraction_of_their_size(
    fetcher: RunningFetcher, outside: Outside
) -> None:
    small = a_message_with(outside.keep_file())
    await outside.tell(small)
    await outside.fate_of(small)
    before = _peak(fetcher)
    large = [
        a_message_with(outside.keep_file(sample="pdf", size=SIZE), of="document")
        for _ in range(AT_ONCE)
    ]

    await outside.tell(*large)
    fates = [await outside.fate_of(message) for message in large]

    sizes = [fate.size for fate in fates if isinstance(fate, MediaStored)]
    assert sizes == [SIZE] * AT_ONCE
    assert _peak(fetcher) - before < ROOM


def _peak(fetcher: RunningFetcher) -> int:
    status = Path(f"/proc/{fetcher.process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1_024
