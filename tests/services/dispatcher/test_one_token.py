"""Access tokens of real dispatchers: renewed once for all of them (IM-28, WC-02)."""

from collections.abc import Generator

import pytest

from deploy.processes import stop_all
from schemas.topics.provider_events import ProviderEvent, SendAccepted
from schemas.topics.send_requests import SendRequested
from tests.given import a_send_request
from tests.services.dispatcher.conftest import StartDispatcher
from tests.services.dispatcher.dispatchers import Upstream, ends_of
from tests.services.dispatcher.tails import Tail
from tests.simulators import RunningSimulator, start_simulator

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSimulator]:
    """Return a simulator whose WeCom gives five access tokens a minute."""
    running = start_simulator({"SIM_PROFILE": "perfect"}, tmp_path_factory.mktemp("simulator"))
    running.provider.set_knobs({"wx.token_storm": True})
    yield running
    stop_all([running.process])


async def test_dispatchers_ask_once_and_after_its_end_once_more(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
) -> None:
    for _ in range(3):
        await a_dispatcher()

    for _ in range(2):
        requests = [to_a_member(provider, number) for number in range(24)]
        for number, request in enumerate(requests):
            await upstream.ask(request, partition=number % 12)
        ends = await ends_of(facts, requests)
        assert {type(end) for end in ends} == {SendAccepted}
        provider.provider.order("/wecom/token", {})

    used = provider.provider.token_discipline()
    assert used["calls"] == {"wecom": 2}
    assert used["uses_of_ended"]["wecom"] >= 1


def to_a_member(provider: RunningSimulator, number: int) -> SendRequested:
    app = f"{provider.chats.corp_id}.{provider.chats.agent_id}"
    return a_send_request(channel="wecom", sender_id=app, recipient=f"sim-{number}")
