"""When WeChat's tokens are asked for, and what a call without an answer leaves (WX 14.1, IM-08)."""

import asyncio
from pathlib import Path

import pytest

from domain.failures import ErrorCode
from domain.outcomes import Accepted, Deferred, InDoubt, Reply, SenderBroken, Throttled
from providers.wechat.channel import WechatChannel
from tests.eventually import eventually, seconds
from tests.providers.wechat.channels import (
    OTHER_USER,
    PATIENCE,
    USER,
    a_channel,
    a_message,
    accepted_by,
)
from tests.simulator.product import Product
from tests.simulator.pushes import WECHAT_SECRET

SHORT = seconds(1)
"""For calls that end by our own time-out."""


async def token_calls(provider: Product) -> int:
    return len(await provider.calls(path="/wechat/cgi-bin/stable_token"))


class TestTokens:
    async def test_many_sends_at_once_ask_for_one_token(
        self, provider: Product, channel: WechatChannel
    ) -> None:
        users = [f"oSimulatedUser{number:014d}" for number in range(1, 11)]

        replies = await asyncio.gather(
            *(channel.send(a_message(recipient=user)) for user in users * 5)
        )

        assert all(isinstance(reply, Accepted) for reply in replies)
        assert await token_calls(provider) == 1

    @pytest.mark.parametrize(("how", "asked"), [({}, 2), ({"still_given": True}, 3)])
    async def test_a_token_that_ends_in_between_is_renewed_once_for_all(
        self, provider: Product, channel: WechatChannel, how: dict[str, object], asked: int
    ) -> None:
        """A token that is refused and given all the same has to be forced: a third call."""
        await channel.send(a_message())
        await provider.order("POST", "wechat/token", how)
        users = [f"oSimulatedUser{number:014d}" for number in range(1, 11)]

        replies = await asyncio.gather(
            *(channel.send(a_message(recipient=user)) for user in users * 5)
        )

        assert all(isinstance(reply, Accepted) for reply in replies)
        assert await token_calls(provider) == asked

    @pytest.mark.parametrize("code", [40001, 40014, 42001])
    async def test_a_new_token_that_is_refused_as_well_stops_the_sender(
        self, provider: Product, channel: WechatChannel, code: int
    ) -> None:
        await provider.knobs(wc_refuse=code)

        reply = await channel.send(a_message())

        assert isinstance(reply, SenderBroken)
        assert len(await provider.calls(path="/wechat/cgi-bin/message/subscribe/send")) == 2

    async def test_a_wrong_secret_stops_the_sender_and_is_not_repeated_at_once(
        self, provider: Product, tmp_path: Path
    ) -> None:
        url = provider.simulator.base_url
        async with a_channel(url, tmp_path, secret="guessed") as channel:
            replies = [await channel.send(a_message()) for _ in range(5)]

        assert all(isinstance(reply, SenderBroken) for reply in replies)
        assert await token_calls(provider) == 1

    async def test_an_address_that_is_not_listed_stops_the_sender(
        self, provider: Product, channel: WechatChannel
    ) -> None:
        await provider.knobs(wx_ip=True)

        reply = await channel.send(a_message())

        assert isinstance(reply, SenderBroken)
        assert reply.failure.provider_code == "40164"

    async def test_a_token_that_does_not_come_leaves_no_doubt(
        self, provider: Product, tmp_path: Path
    ) -> None:
        await provider.knobs(net_timeout_after=1)
        async with a_channel(provider.simulator.base_url, tmp_path, answer_within=SHORT) as channel:
            reply = await channel.send(a_message())

        assert isinstance(reply, Deferred)


class TestTransport:
    @pytest.mark.parametrize(
        ("knob", "expected", "sent"),
        [
            ("net.reset_before", InDoubt, 0),
            ("net.reset_after", InDoubt, 1),
            ("net.timeout_before", InDoubt, 0),
            ("net.timeout_after", InDoubt, 1),
            ("net.bad_body", InDoubt, 1),
            ("net.http_5xx", InDoubt, 0),
            ("net.redirect", SenderBroken, 0),
        ],
    )
    async def test_what_may_have_been_sent_is_in_doubt(
        self, provider: Product, tmp_path: Path, knob: str, expected: type[Reply], sent: int
    ) -> None:
        rule = {"match": {"recipient": USER}, "knobs": {knob: 1}}
        await provider.order("POST", "rules", rule)
        within = SHORT if "timeout" in knob else PATIENCE
        async with a_channel(
            provider.simulator.base_url, tmp_path, answer_within=within
        ) as channel:

            async def has_a_token() -> bool:
                return isinstance(await channel.send(a_message(recipient=OTHER_USER)), Accepted)

            await eventually(has_a_token, within=PATIENCE)
            reply = await channel.send(a_message())

        assert isinstance(reply, expected)
        assert await accepted_by(provider) == sent

    async def test_a_closed_port_is_no_doubt(self, provider: Product, tmp_path: Path) -> None:
        async with a_channel(provider.simulator.base_url, tmp_path) as channel:
            await channel.send(a_message())
            await provider.simulator.server.stop()

            reply = await channel.send(a_message())

        assert isinstance(reply, Deferred)
        assert reply.failure.code is ErrorCode.NETWORK_ERROR

    async def test_a_wrong_address_stops_the_sender(
        self, provider: Product, tmp_path: Path
    ) -> None:
        async with a_channel(f"{provider.simulator.base_url}/wechat", tmp_path) as channel:
            reply = await channel.send(a_message())

        assert isinstance(reply, SenderBroken)

    async def test_a_days_quota_that_is_used_up_holds_the_sender(
        self, provider: Product, channel: WechatChannel
    ) -> None:
        await provider.knobs(wc_quota=1)

        replies = [await channel.send(a_message()) for _ in range(2)]

        assert isinstance(replies[0], Accepted)
        assert isinstance(replies[1], Throttled)
        assert replies[1].failure.code is ErrorCode.DAILY_LIMIT_EXCEEDED

    async def test_no_failure_and_no_description_shows_a_secret(
        self, provider: Product, channel: WechatChannel
    ) -> None:
        first = await channel.send(a_message())
        await provider.knobs(net_reset_after=1)
        second = await channel.send(a_message())

        assert (type(first), type(second)) == (Accepted, InDoubt)
        said = f"{first} {second} {channel!r}"
        secrets = (WECHAT_SECRET, *provider.simulator.world.wechat.tokens.given)
        assert not any(secret in said for secret in secrets)
