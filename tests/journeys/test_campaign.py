"""A small campaign in which every outcome the provider knows occurs, through the real processes.

What our side says of each recipient is compared with the simulator's own ledger.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass

import httpx
import pytest

from cli.reading import read_to_end
from deploy.pipeline import Pipeline
from schemas.topics.status_changes import STATUS_CHANGES
from tests.eventually import eventually, seconds
from tests.trail import Trail, trail_of

pytestmark = pytest.mark.stack

OUTCOMES: dict[str, tuple[int, str, str | None]] = {
    # last digits of +1 650 555 xxxx: how many in a row, the status they end in, our error code
    "0001": (24, "read", None),
    "6000": (4, "delivered", None),  # receipts off
    "7000": (3, "read", None),  # delivered is skipped
    "7100": (2, "sent", None),  # sent, then nothing
    "7200": (2, "sent", None),  # accepted, then nothing at all
    "7300": (4, "read", None),  # every status twice
    "7400": (4, "read", None),  # in reverse order
    "7500": (3, "read", None),  # the first status before the answer to the call
    "7600": (2, "read", None),  # accepted, but the call got no answer
    "7700": (2, "failed", "UNKNOWN_OUTCOME"),  # connection reset: nobody can tell
    "7800": (2, "read", None),  # 500 once
    "7900": (2, "read", None),  # throttled twice
    "8000": (1, "read", None),  # too much to this recipient for six seconds
    "9000": (1, "failed", "UNKNOWN_ERROR"),  # after it was sent
    "9026": (1, "failed", "INVALID_RECIPIENT"),
    "9047": (1, "failed", "UNKNOWN_ERROR"),
    "9100": (1, "failed", "UNKNOWN_ERROR"),
    "9368": (1, "failed", "WA_ACCOUNT_ABNORMAL"),
    "9999": (1, "sent", None),  # delivered an hour later
}


IN_OUR_WORDS = {"accepted": "sent"}
"""A message the provider has taken is sent, whether or not a callback says so."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign whose every message has its outcome."""

    world: Pipeline
    job_id: str
    trail: Trail


@pytest.fixture(scope="module")
def campaign(world: Pipeline) -> Campaign:
    """Return a campaign to everybody in OUTCOMES, and to one who has no phone number."""
    recipients = [*_expected(), "12345"]
    body = {
        "name": "Orders",
        "channel": "whatsapp",
        "content": {"type": "text", "body": "Hi {name}, your order is ready."},
        "recipients": [{"phone": phone, "variables": {"name": "Ada"}} for phone in recipients],
    }
    answer = httpx.post(
        f"{world.urls['scheduler']}/api/v1/jobs", json=body, trust_env=False, headers=world.headers
    )
    job_id: str = answer.json()["data"]["jobId"]

    def everybody_has_an_outcome() -> bool:
        messages = trail_of(world, job_id).messages
        found = {one.recipient: (one.status, one.error_code) for one in messages}
        late = {
            phone: found.get(phone) for phone, end in _expected().items() if found.get(phone) != end
        }
        assert not late, f"these are not where they should be: {late}"
        return not world.simulator.verdict().pending_callbacks

    asyncio.run(eventually(everybody_has_an_outcome, within=seconds(60)))
    return Campaign(world, job_id, trail_of(world, job_id))


def test_our_side_and_the_provider_say_the_same_of_every_message(campaign: Campaign) -> None:
    lives = campaign.world.simulator.lives()

    ours = {m.message_id: m.status for m in campaign.trail.messages if m.message_id in lives}
    theirs = {key: IN_OUR_WORDS.get(life.status, life.status) for key, life in lives.items()}

    assert ours == theirs


def test_nothing_is_sent_twice(campaign: Campaign) -> None:
    accepted = campaign.world.simulator.accepted()

    assert set(accepted.values()) == {1}
    assert campaign.world.simulator.verdict().sent_twice == 0


def test_every_history_is_complete_and_in_order(campaign: Campaign) -> None:
    assert campaign.trail.gaps() == []


async def test_each_transition_is_published_exactly_once(campaign: Campaign) -> None:
    recorded = Counter((s.message_id, s.sequence, s.to_status) for s in campaign.trail.steps)
    asked = {message.message_id for message in campaign.trail.messages}

    async def published() -> Counter[tuple[str, int, str]]:
        records = await read_to_end(campaign.world.bootstrap, STATUS_CHANGES.name)
        changes = [STATUS_CHANGES.decode(record.value) for record in records]
        return Counter(
            (c.message_id, c.sequence, str(c.to_status))
            for c in changes
            if c.message_id in asked  # the dispatcher's own alerts are published as well
        )

    async def all_are_published() -> bool:
        # The row comes first: its change follows within one Kafka transaction.
        return (await published()).total() >= recorded.total()

    await eventually(all_are_published, within=seconds(10))
    assert await published() == recorded


def test_the_progress_counts_everybody_once(campaign: Campaign) -> None:
    projector = campaign.world.urls["status_projector"]
    address = f"{projector}/api/whatsapp/job-progress/{campaign.job_id}"
    ends = Counter(status for status, _ in _expected().values())

    headers = campaign.world.headers
    progress = httpx.get(address, trust_env=False, headers=headers).json()["progress"]

    counted = {status: count for status, count in progress["counts"].items() if count}
    assert counted == {**ends, "skipped": 1}
    assert progress["total"] == ends.total() + 1


def _expected() -> dict[str, tuple[str, str | None]]:
    return {
        f"+1650555{int(first) + number:04d}": (status, code)
        for first, (count, status, code) in OUTCOMES.items()
        for number in range(count)
    }
