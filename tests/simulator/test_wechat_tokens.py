"""The two kinds of WeChat's access tokens, and what is refused before anything else (WX 14.1)."""

import pytest

from tests.simulator.product import Json, Product
from tests.simulator.pushes import APP_ID, WECHAT_SECRET

APP: Json = {"grant_type": "client_credential", "appid": APP_ID, "secret": WECHAT_SECRET}


async def stable(product: Product, **more: object) -> Json:
    return (await product.wechat("stable_token", {**APP, **more})).body


async def plain(product: Product) -> str:
    return (await product.wechat("token", **APP)).body["access_token"]


async def code_with(product: Product, token: str) -> int:
    """Return how a call with that token ends: 40007 where the token is right."""
    reply = await product.wechat("media/get", access_token=token, media_id="x")
    return reply.body["errcode"]


async def later(product: Product, seconds: float) -> None:
    await product.order("POST", "clock", {"advance_s": seconds})


async def test_the_stable_token_is_the_same_until_five_minutes_before_its_end(
    product: Product,
) -> None:
    first = await stable(product)
    await later(product, 6_899)
    second = await stable(product)
    await later(product, 2)
    third = await stable(product)

    assert first["expires_in"] == 7_200
    assert first["access_token"] == second["access_token"] != third["access_token"]
    assert second["expires_in"] in {300, 301}
    assert await code_with(product, first["access_token"]) == 40007
    await later(product, 300)
    assert await code_with(product, first["access_token"]) == 42001


async def test_force_gives_another_token_half_a_minute_apart_and_twenty_times_a_day(
    product: Product,
) -> None:
    first = await stable(product)
    forced = await stable(product, force_refresh=True)
    at_once = await stable(product, force_refresh=True)
    for _ in range(19):
        await later(product, 31)
        assert "access_token" in await stable(product, force_refresh=True)
    await later(product, 31)
    too_many = await stable(product, force_refresh=True)

    assert first["access_token"] != forced["access_token"]
    assert await code_with(product, first["access_token"]) == 40001
    assert (at_once["errcode"], too_many["errcode"]) == (45011, 45009)


async def test_the_older_call_replaces_its_own_token_each_time(product: Product) -> None:
    lasting = (await stable(product))["access_token"]
    first, second = await plain(product), await plain(product)

    codes = [await code_with(product, token) for token in (first, second, lasting)]

    assert codes == [40001, 40007, 40007]


async def test_a_token_ends_early_by_knob_or_by_command(product: Product) -> None:
    await product.knobs(wx_token_early=7_000)
    early = await stable(product)
    await later(product, 201)
    over = await code_with(product, early["access_token"])
    other = await stable(product)
    await product.order("POST", "wechat/token")
    ended = await code_with(product, other["access_token"])

    assert (early["expires_in"], over, ended) == (7_200, 42001, 42001)
    assert other["access_token"] != early["access_token"]
    assert other != await stable(product)


async def test_a_spoilt_token_is_given_until_another_one_is_forced(product: Product) -> None:
    spoilt = (await stable(product))["access_token"]
    await product.order("POST", "wechat/token", {"still_given": True})

    assert await code_with(product, spoilt) == 40001
    assert (await stable(product))["access_token"] == spoilt
    assert (await stable(product, force_refresh=True))["access_token"] != spoilt


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"secret": "guessed"}, 40001), ({"appid": "wxother"}, 40013), ({"grant_type": "x"}, 40002)],
)
async def test_who_may_not_ask_for_a_token_is_told_why(
    product: Product, changes: Json, code: int
) -> None:
    by_post = await stable(product, **changes)
    by_get = (await product.wechat("token", **(APP | changes))).body

    assert (by_post["errcode"], by_get["errcode"]) == (code, code)


@pytest.mark.parametrize(
    ("name", "query", "code"),
    [
        ("media/get", {}, 41001),
        ("media/get", {"access_token": "made-up"}, 40014),
        ("message/custom/send", {"access_token": "any"}, 43002),
    ],
)
async def test_a_call_that_is_wrong_is_answered_200_with_a_code_and_a_rid(
    product: Product, name: str, query: Json, code: int
) -> None:
    reply = await product.wechat(name, **query)

    assert (reply.status, reply.body["errcode"]) == (200, code)
    assert len(reply.body["errmsg"].rpartition(" rid: ")[2]) == len("01234567-01234567-01234567")
    [call] = await product.calls(code=str(code))
    assert (call["path"], call["decision"]) == (f"/wechat/cgi-bin/{name}", "refused")


@pytest.mark.parametrize(
    ("knobs", "code"),
    [
        ({"wx_ip": True}, 40164),
        ({"wx_busy": 1}, -1),
        ({"wx_freq": "media/get"}, 45011),
        ({"wc_refuse": 48001}, 48001),
    ],
)
async def test_a_knob_refuses_calls(product: Product, knobs: Json, code: int) -> None:
    token = (await stable(product))["access_token"]
    await product.knobs(**knobs)

    assert await code_with(product, token) == code


async def test_the_days_calls_are_counted_by_name_until_midnight_in_china(product: Product) -> None:
    token = (await stable(product))["access_token"]
    await product.knobs(wc_quota=2)

    codes = [await code_with(product, token) for _ in range(3)]
    other = await product.wechat("message/custom/send", {}, access_token=token)
    await later(product, 86_400)
    tomorrow = await code_with(product, (await stable(product))["access_token"])

    assert codes == [40007, 40007, 45009]
    assert other.body["errcode"] != 45009
    assert tomorrow == 40007


async def test_the_path_that_belongs_to_wecom_does_not_exist(product: Product) -> None:
    reply = await product.wechat("message/send", {"touser": "@all"})

    assert reply.status == 404
    assert reply.headers["Content-Type"].startswith("text/html")


async def test_faults_of_the_network_befall_these_calls_too(product: Product) -> None:
    await product.knobs(net_http_5xx=1)

    assert (await product.wechat("stable_token", APP)).status >= 500


async def test_a_call_is_known_by_its_host_as_well(product: Product) -> None:
    url = f"{product.simulator.base_url}/cgi-bin/token"

    async with product.session.get(
        url, params=APP, headers={"Host": "api.weixin.qq.com"}
    ) as answer:
        found = await answer.json(content_type=None)

    assert "access_token" in found
