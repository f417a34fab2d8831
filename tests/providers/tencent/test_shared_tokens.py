"""Access tokens that processes share through the database (IM-28, WC-02)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from domain.outcomes import Accepted, SenderBroken
from providers.tencent.shared_tokens import SharedTokens
from providers.tencent.tokens import Given, Tokens
from providers.wechat.channel import WechatChannel
from providers.wecom.api_settings import WecomApp
from providers.wecom.tokens import CallFailed
from tests.eventually import eventually, seconds
from tests.providers.wechat.channels import a_channel, a_message
from tests.simulator.product import Product, a_product
from tests.simulator.pushes import WECHAT_SECRET

pytestmark = pytest.mark.stack

TWO_HOURS = seconds(7_200)
SOON = seconds(20)

Opens = Callable[..., Awaitable[WechatChannel]]


@dataclass
class Provider:
    """Gives tokens when it may, and counts."""

    answers: Sequence[timedelta | CallFailed] = (TWO_HOURS,)
    asked: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def get(self, app: WecomApp, _: str | None) -> Given:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        token = f"token {self.asked} of {app.corp_id}"
        await self.gate.wait()
        if isinstance(answer, CallFailed):
            raise answer
        return Given(token, answer)


Process = Tokens[WecomApp]
"""The tokens of one process."""


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    made.gate.set()
    return made


@pytest.fixture
def a_process(provider: Provider, database: sa.Engine) -> Callable[[], Process]:
    """Return what begins another process."""
    return lambda: Tokens("https://a.example", provider.get, CallFailed, SharedTokens(database))


@pytest.fixture
def app(request: pytest.FixtureRequest) -> WecomApp:
    """Return an app of this test alone."""
    return an_app(request.node.name[-32:].strip("[]").replace("-", "_"))


def an_app(name: str, hushed: str = "hush") -> WecomApp:
    return WecomApp(corp_id=name, secret=SecretStr(hushed))


async def test_processes_that_ask_at_once_lead_to_one_call(
    a_process: Callable[[], Process], provider: Provider, app: WecomApp
) -> None:
    processes = [a_process() for _ in range(5)]

    given = await asyncio.gather(*(one.of(app) for one in processes for _ in range(5)))

    assert len(set(given)) == 1
    assert provider.asked == 1


async def test_a_refused_token_is_renewed_once_for_all_processes(
    a_process: Callable[[], Process], provider: Provider, app: WecomApp
) -> None:
    processes = [a_process() for _ in range(5)]
    (spoilt,) = {await one.of(app) for one in processes}

    given = await asyncio.gather(*(one.of(app, but=spoilt) for one in processes))

    assert spoilt not in given
    assert len(set(given)) == 1
    assert provider.asked == 2


async def test_the_others_wait_for_who_renews(
    a_process: Callable[[], Process], provider: Provider, app: WecomApp
) -> None:
    provider.gate.clear()
    first = asyncio.create_task(a_process().of(app))
    await eventually(lambda: provider.asked == 1, within=SOON)
    second = asyncio.create_task(a_process().of(app))
    _, waiting = await asyncio.wait([second], timeout=0.3)
    provider.gate.set()

    assert waiting == {second}
    assert await second == await first
    assert provider.asked == 1


async def test_who_breaks_off_lets_the_next_ask(
    a_process: Callable[[], Process], provider: Provider, app: WecomApp
) -> None:
    provider.gate.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(a_process().of(app), timeout=0.2)
    provider.gate.set()

    async with asyncio.timeout(2):  # not the ten seconds that a killed process is waited for
        assert (await a_process().of(app)).startswith("token 2")


async def test_a_process_that_is_gone_is_not_waited_for_long(
    a_process: Callable[[], Process], provider: Provider, app: WecomApp, database: sa.Engine
) -> None:
    provider.gate.clear()
    killed = asyncio.create_task(a_process().of(app))
    await eventually(lambda: provider.asked == 1, within=SOON)
    second = asyncio.create_task(a_process().of(app))
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE access_tokens SET renewed_by = now()"))
    await eventually(lambda: provider.asked == 2, within=SOON)
    provider.gate.set()

    assert (await second).startswith("token 2")
    await killed


async def test_a_token_that_ends_is_renewed_by_one(
    a_process: Callable[[], Process], app: WecomApp, database: sa.Engine
) -> None:
    first = await a_process().of(app)
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE access_tokens SET ends_at = now()"))

    given = await asyncio.gather(*(a_process().of(app) for _ in range(3)))

    assert set(given) == {"token 2 of " + app.corp_id} != {first}


async def test_a_refusal_is_heeded_by_all_but_those_who_begin_after_it(
    a_process: Callable[[], Process], provider: Provider, app: WecomApp
) -> None:
    """Wrong secrets block our address; but whoever restarts a process may have mended it."""
    provider.answers = (CallFailed("error 40001", 40001, text="invalid credential"), TWO_HOURS)
    others = [a_process() for _ in range(3)]
    for one in (a_process(), *others):
        with pytest.raises(CallFailed) as refusal:
            await one.of(app)
        assert (refusal.value.code, refusal.value.text) == (40001, "invalid credential")
    assert provider.asked == 1

    assert (await a_process().of(app)).startswith("token 2")


async def test_each_secret_has_a_row_of_its_own_in_which_nothing_is_in_the_clear(
    a_process: Callable[[], Process], app: WecomApp, database: sa.Engine
) -> None:
    process = a_process()
    given = await process.of(app)
    other = await process.of(an_app(app.corp_id, "whisper"))

    with database.begin() as connection:
        rows = connection.execute(sa.text("SELECT * FROM access_tokens")).all()
    kept = b"".join(bytes(part) for row in rows for part in row[:2])

    assert given != other
    assert not any(word in kept for word in (given.encode(), b"hush", b"whisper", b"token"))


async def test_a_database_that_is_away_is_no_answer_and_asks_nobody(
    provider: Provider, app: WecomApp
) -> None:
    away = sa.create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    tokens = Tokens("https://a.example", provider.get, CallFailed, SharedTokens(away))

    with pytest.raises(CallFailed, match="DatabaseAway") as failure:
        await tokens.of(app)

    assert not failure.value.in_doubt
    assert provider.asked == 0


class TestWechat:
    @pytest.fixture
    async def product(self) -> AsyncGenerator[Product]:
        async with a_product() as made:
            await made.knobs(wc_consent=10_000)
            yield made

    @pytest.fixture
    async def a_channel_of_its_own(
        self, product: Product, database: sa.Engine, tmp_path: Path
    ) -> AsyncGenerator[Opens]:
        """Return what opens channels that share their tokens."""
        url = product.simulator.base_url
        async with AsyncExitStack() as stack:

            async def opened(secret: str = WECHAT_SECRET) -> WechatChannel:
                shared = SharedTokens(database)
                return await stack.enter_async_context(
                    a_channel(url, tmp_path, secret=secret, shared=shared)
                )

            yield opened

    async def test_a_token_that_has_to_be_forced_is_forced_once_for_all_processes(
        self, product: Product, a_channel_of_its_own: Opens
    ) -> None:
        """WeChat refuses a second force within half a minute."""
        channels = [await a_channel_of_its_own() for _ in range(4)]
        before = [await one.send(a_message()) for one in channels]
        await product.order("POST", "wechat/token", {"still_given": True})
        after = await asyncio.gather(*(one.send(a_message()) for one in channels))

        assert all(isinstance(reply, Accepted) for reply in (*before, *after))
        assert len(await product.calls(path="/wechat/cgi-bin/stable_token")) == 3

    async def test_a_refusal_comes_with_wechats_words(
        self, product: Product, a_channel_of_its_own: Opens
    ) -> None:
        channels = [await a_channel_of_its_own(secret="guessed") for _ in range(3)]
        replies = [await one.send(a_message()) for one in channels]

        assert len(await product.calls(path="/wechat/cgi-bin/stable_token")) == 1
        assert all(isinstance(reply, SenderBroken) for reply in replies)
        assert len({reply.failure for reply in replies if isinstance(reply, SenderBroken)}) == 1
