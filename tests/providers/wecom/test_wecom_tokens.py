"""When access tokens are asked for, and by how many at once (IM-28, WX 1)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from pydantic import SecretStr

from providers.tencent.tokens import Given, Tokens
from providers.wecom.api_settings import WecomApp
from providers.wecom.failures import Kind, kind_of
from providers.wecom.tokens import CallFailed
from tests.eventually import seconds

APP = WecomApp(corp_id="ww1", secret=SecretStr("hush"))
OTHER = WecomApp(corp_id="ww1", secret=SecretStr("whisper"))
TWO_HOURS = seconds(7_200)


@dataclass
class Provider:
    """Gives tokens, each after a moment, and counts."""

    answers: Sequence[timedelta | CallFailed] = (TWO_HOURS,)
    now: float = 1_000.0
    asked: list[WecomApp] = field(default_factory=list[WecomApp])

    async def get(self, app: WecomApp, _: str | None) -> Given:
        answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(app)
        await asyncio.sleep(0)
        if isinstance(answer, CallFailed):
            raise answer
        return Given(f"token {len(self.asked)}", answer)

    def tokens(self) -> Tokens[WecomApp]:
        return Tokens("https://wecom.example", self.get, CallFailed, clock=lambda: self.now)


@pytest.mark.asyncio
async def test_many_who_ask_at_once_lead_to_one_call() -> None:
    provider = Provider()
    tokens = provider.tokens()

    given = await asyncio.gather(*(tokens.of(APP) for _ in range(50)))

    assert set(given) == {"token 1"}
    assert len(provider.asked) == 1


@pytest.mark.asyncio
async def test_each_secret_has_a_token_of_its_own() -> None:
    tokens = Provider().tokens()

    assert await tokens.of(APP) != await tokens.of(OTHER)


@pytest.mark.asyncio
async def test_a_token_is_renewed_five_minutes_early() -> None:
    provider = Provider()
    tokens = provider.tokens()
    first = await tokens.of(APP)
    provider.now += 7_200 - 301
    still = await tokens.of(APP)
    provider.now += 2

    assert first == still != await tokens.of(APP)


@pytest.mark.asyncio
async def test_a_token_with_little_time_left_is_used_for_most_of_it() -> None:
    provider = Provider((seconds(100),))
    tokens = provider.tokens()
    first = await tokens.of(APP)
    provider.now += 74

    assert await tokens.of(APP) == first


@pytest.mark.asyncio
async def test_a_refused_token_is_replaced_once_for_all_who_held_it() -> None:
    provider = Provider()
    tokens = provider.tokens()
    spoilt = await tokens.of(APP)

    given = await asyncio.gather(*(tokens.of(APP, but=spoilt) for _ in range(9)))

    assert set(given) == {"token 2"}


@pytest.mark.asyncio
@pytest.mark.parametrize(("code", "pause_s"), [(40001, 900), (45009, 60), (-1, 1)])
async def test_a_refusal_is_handed_to_all_who_ask_until_its_pause_is_over(
    code: int, pause_s: int
) -> None:
    provider = Provider((CallFailed(f"error {code}", code), TWO_HOURS))
    tokens = provider.tokens()
    for _ in range(3):
        with pytest.raises(CallFailed, match=f"error {code}"):
            await tokens.of(APP)
    provider.now += pause_s - 0.5
    with pytest.raises(CallFailed) as refusal:
        await tokens.of(APP)
    assert len(provider.asked) == 1
    assert refusal.value.kind is kind_of(code)
    provider.now += 1

    assert await tokens.of(APP) == "token 2"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (40014, Kind.ACCESS_TOKEN),
        (42001, Kind.ACCESS_TOKEN),
        (40001, Kind.CONFIGURATION),
        (60020, Kind.CONFIGURATION),
        (40007, Kind.PERMANENT),
        (50100, Kind.CURSOR),
        (95007, Kind.NOTICE_TOKEN),
        (-1, Kind.RETRYABLE),
        (45009, Kind.RETRYABLE),
        (999_999, Kind.RETRYABLE),
    ],
)
def test_a_code_says_what_follows(code: int, kind: Kind) -> None:
    assert kind_of(code) is kind


def test_no_secret_shows_in_what_is_printed() -> None:
    assert "hush" not in repr(APP)
    assert "token 1" not in repr(Given("token 1", TWO_HOURS))
