"""What the log says of tasks that nobody waits for any more."""

import json
import subprocess
import sys

LEFT_BEHIND = """
import asyncio
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError
from runtime.logs import configure

async def of_our_own():
    raise KafkaConnectionError

async def main():
    left = [
        asyncio.create_task(AIOKafkaClient(bootstrap_servers="127.0.0.1:1").bootstrap()),
        asyncio.create_task(of_our_own()),
    ]
    await asyncio.wait(left)

configure("INFO")
asyncio.run(main())
"""


def test_a_task_left_behind_by_the_kafka_client_is_no_error_of_ours() -> None:
    ended = subprocess.run(  # noqa: S603 - our own interpreter, our own words
        [sys.executable, "-c", LEFT_BEHIND], capture_output=True, text=True, check=True
    )

    errors = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [error["error"] for error in errors] == ["KafkaConnectionError"]
    assert "of_our_own" in errors[0]["event"]
