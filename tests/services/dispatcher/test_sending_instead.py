"""What a request wants to be sent instead is sent once when its provider refuses the message."""

import msgspec
import pytest
import sqlalchemy as sa

from domain.identity import MessageId, message_id_for_fallback
from runtime.clock import now
from schemas.topics.contents import TextContent
from schemas.topics.provider_events import ProviderEvent, SendAccepted, SendRejected
from schemas.topics.send_requests import Fallback
from tests.eventually import eventually
from tests.services.dispatcher.dispatchers import SOON, Upstream, a_request, calls_for, outcome
from tests.services.dispatcher.tails import Tail
from tests.services.status_projector.facts import Projector
from tests.simulators import RunningSimulator

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("dispatcher"),
]

REFUSED = "9100"
"""The end of a number that the simulator refuses."""


async def test_the_fallback_of_what_was_refused_is_sent_once(
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    engine: sa.Engine,
) -> None:
    there = Fallback(content=TextContent(body="Ready."), recipient="+16505550012")
    request = a_request(REFUSED, fallback=there, requested_at=now())
    instead = message_id_for_fallback(MessageId(request.message_id))
    projector = Projector(engine)

    await upstream.ask(request)
    rejected = await eventually(lambda: outcome(facts, request.message_id), within=SOON)
    assert isinstance(rejected, SendRejected)
    projector.apply([projector.heard(request), projector.heard(rejected)])
    accepted = await eventually(lambda: outcome(facts, instead), within=SOON)
    await eventually(lambda: not noted(engine), within=SOON)
    # Neither the request again nor, as after a crash, its fallback again is another message.
    again = msgspec.structs.replace(
        request, message_id=instead, recipient="+16505550012", fallback=None
    )
    last = a_request("0012")
    await upstream.ask(request, again, last, partition=0)
    await eventually(lambda: outcome(facts, last.message_id), within=SOON)

    assert isinstance(accepted, SendAccepted)
    assert calls_for(provider, instead) == 1
    assert calls_for(provider, request.message_id) == 1
    assert not noted(engine)


def noted(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT count(*) FROM fallbacks")).scalar_one()
