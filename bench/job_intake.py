"""How long a job of 100,000 recipients takes to be accepted, beside a bare COPY of its rows."""

import io
import time
from datetime import timedelta

import httpx
import msgspec
import psycopg2

from bench.arena import SENDERS, Arena
from bench.costs import MB, Meter
from bench.load import RECIPIENTS
from bench.measurement import Measurement
from deploy.pipeline import Pipeline

TITLE = "A job of 100,000 recipients"
HOW = """\
One POST to the scheduler creates a job of 100,000 recipients with two variables each; the figure
is the time until the 201, by when every row is stored. The raw limit is one COPY of the rows that
came of it, read back from the table, into an empty table with the same columns and indexes. Memory
is the scheduler's right after its answer; its raw limit the same process just started."""

NUMBER_OF_RECIPIENTS = 100_000
ANSWERS_WITHIN = timedelta(seconds=60)


def run(arena: Arena) -> list[Measurement]:
    """Post one job, then copy its rows."""
    count = arena.scaled(NUMBER_OF_RECIPIENTS)
    with arena.system("scheduler") as system:
        meter = Meter(system)
        idle = meter.look()["scheduler"]
        took = _accepted(system, count)
        rss = meter.look()["scheduler"]
        bare = _copied(system.stack.postgres.dsn)
    return [
        Measurement("job_of_100000_accepted", took, "s", bare),
        Measurement("job_of_100000_rss_scheduler", rss / MB, "MB", idle / MB),
    ]


def _accepted(system: Pipeline, count: int) -> float:
    body = {
        "name": "bench",
        "channel": "whatsapp",
        "senderId": SENDERS[0],
        "content": {"type": "text", "body": "Hi {name}, your order {order} is ready for pickup."},
        "recipients": [
            {
                "phone": f"+1650555{number % RECIPIENTS:04d}",
                "variables": {"name": "Ada", "order": f"A-{number}"},
            }
            for number in range(count)
        ],
    }
    content = msgspec.json.encode(body)
    headers = {"Content-Type": "application/json", **system.headers}
    with httpx.Client(trust_env=False, timeout=ANSWERS_WITHIN.total_seconds()) as client:
        began = time.perf_counter()
        url = f"{system.urls['scheduler']}/api/v1/jobs"
        client.post(url, content=content, headers=headers).raise_for_status()
        return time.perf_counter() - began


def _copied(dsn: str) -> float:
    rows = io.BytesIO()
    connection = psycopg2.connect(dsn)
    try:
        with connection.cursor() as cursor:
            cursor.copy_expert("COPY job_items TO STDOUT", rows)
            cursor.execute("CREATE TABLE bare_items (LIKE job_items INCLUDING ALL)")
            connection.commit()
            rows.seek(0)
            began = time.perf_counter()
            cursor.copy_expert("COPY bare_items FROM STDIN", rows)
            connection.commit()
            return time.perf_counter() - began
    finally:
        connection.close()
