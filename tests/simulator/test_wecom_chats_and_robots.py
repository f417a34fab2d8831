"""Chats among members and a group's robot (4.1; WX 6 and 11)."""

import json
from base64 import b64encode
from hashlib import md5
from io import BytesIO

import aiohttp
import pytest

from simulator.samples import SAMPLES
from tests.simulator.product import Json, Product
from tests.simulator.pushes import ROBOT_KEY
from tests.simulator.wecom_calls import CHATS, called, code_of, short, time_passes, uploaded

TEXT: Json = {"msgtype": "text", "text": {"content": "hello"}}
MEMBERS = ["zhangsan", "lisi"]


async def robot(product: Product, body: Json, key: str = ROBOT_KEY) -> int:
    sent = json.dumps(body, ensure_ascii=False).encode()
    url = f"{product.simulator.base_url}/wecom/cgi-bin/webhook/send"
    async with product.session.post(url, data=BytesIO(sent), params={"key": key}) as answer:
        return (await answer.json(content_type=None))["errcode"]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"userlist": MEMBERS}, 0),
        ({"userlist": MEMBERS, "name": "x" * 50, "owner": "wangwu", "chatid": "team1"}, 0),
        ({"userlist": MEMBERS, "name": "x" * 51}, 40058),
        ({"userlist": MEMBERS[:1]}, 40058),
        ({"userlist": ["zhangsan"] * 2001}, 40058),
        ({"userlist": [*MEMBERS, "nobody"]}, 40031),
        ({"userlist": MEMBERS, "owner": "nobody"}, 40031),
        ({"userlist": MEMBERS, "chatid": "team_1"}, 40058),
        ({"userlist": MEMBERS, "chatid": "x" * 33}, 40058),
    ],
    ids=short,
)
async def test_a_chat_is_made_of_members(product: Product, order: Json, code: int) -> None:
    assert await code_of(product, "appchat/create", **order) == code


async def test_an_app_writes_into_its_own_chats_only(product: Product) -> None:
    made = (await called(product, "appchat/create", userlist=MEMBERS))["chatid"]

    sent = await called(product, "appchat/send", chatid=made, **TEXT)
    others = [await code_of(product, "appchat/send", chatid=chat, **TEXT) for chat in CHATS[:2]]

    assert sent == {"errcode": 0, "errmsg": "ok"}
    assert others == [86008, 86008]
    assert await code_of(product, "appchat/send", **TEXT) == 86001
    assert await code_of(product, "appchat/send", chatid="a b", **TEXT) == 86003


async def test_a_chats_id_is_taken_once(product: Product) -> None:
    codes = [
        await code_of(product, "appchat/create", userlist=MEMBERS, chatid="team") for _ in range(2)
    ]

    assert codes == [0, 40058]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"msgtype": "text", "text": {"content": "x", "mentioned_list": ["@all"]}}, 0),
        ({"msgtype": "text", "text": {}}, 44004),
        ({"msgtype": "template_card", "template_card": {}}, 40008),
        ({"msgtype": "image", "image": {"media_id": "unknown"}}, 40007),
        ({**TEXT, "touser": "zhangsan"}, 40058),
    ],
    ids=short,
)
async def test_what_is_written_into_a_chat_is_checked(
    product: Product, content: Json, code: int
) -> None:
    await called(product, "appchat/create", userlist=MEMBERS, chatid="team")

    assert await code_of(product, "appchat/send", chatid="team", **content) == code


async def test_chats_take_20000_person_times_a_minute(product: Product) -> None:
    people = [f"sim-{number}" for number in range(2000)]
    await time_passes(product, 0)
    await called(product, "appchat/create", userlist=people, chatid="all")

    codes = [await code_of(product, "appchat/send", chatid="all", **TEXT) for _ in range(11)]
    await time_passes(product, 60)

    assert codes == [0] * 10 + [45009]
    assert await code_of(product, "appchat/send", chatid="all", **TEXT) == 0


async def test_the_same_into_a_chat_twice_is_a_double(product: Product) -> None:
    await called(product, "appchat/create", userlist=MEMBERS, chatid="team")
    for _ in range(2):
        await called(product, "appchat/send", chatid="team", **TEXT)

    assert (await product.verdict())["no_double_send"]["doubles"] == 1


def picture(data: bytes, digest: str | None = None) -> Json:
    named = digest or md5(data, usedforsecurity=False).hexdigest()
    return {"msgtype": "image", "image": {"base64": b64encode(data).decode(), "md5": named}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (TEXT, 0),
        ({"msgtype": "text", "text": {"content": "中" * 683}}, 40058),
        ({"msgtype": "text", "text": {"content": ""}}, 44004),
        ({"msgtype": "markdown", "markdown": {"content": "x" * 4096}}, 0),
        ({"msgtype": "markdown_v2", "markdown_v2": {"content": "x" * 4097}}, 45002),
        (picture(SAMPLES["png"].data), 0),
        (picture(SAMPLES["png"].data, "0" * 32), 40009),
        (picture(SAMPLES["pdf"].data), 40009),
        (picture(SAMPLES["png"].data.ljust(2 * 1024 * 1024 + 1, b"\0")), 45001),
        ({"msgtype": "news", "news": {"articles": []}}, 44004),
        ({"msgtype": "file", "file": {"media_id": "unknown"}}, 40007),
        ({"msgtype": "mpnews", "mpnews": {}}, 40008),
        ({**TEXT, "touser": "zhangsan"}, 40058),
    ],
    ids=short,
)
async def test_what_a_robot_takes_is_checked(product: Product, body: Json, code: int) -> None:
    assert await robot(product, body) == code


async def test_a_robot_is_known_by_its_key(product: Product) -> None:
    assert [await robot(product, TEXT, key) for key in ("guessed", ROBOT_KEY)] == [93000, 0]
    wrong = await uploaded(product, b"a file", "webhook/upload_media", key="x", type="file")
    assert wrong.body["errcode"] == 93000


async def test_a_robot_takes_twenty_a_minute(product: Product) -> None:
    await time_passes(product, 0)

    codes = [await robot(product, TEXT) for _ in range(21)]
    await time_passes(product, 60)

    assert codes == [0] * 20 + [45009]
    assert await robot(product, TEXT) == 0
    # The same alert again is no double.
    assert (await product.verdict())["no_double_send"]["ok"]


async def test_a_robot_sends_files_that_it_was_given(product: Product) -> None:
    asked = {"key": ROBOT_KEY, "type": "file"}
    given = await uploaded(product, SAMPLES["pdf"].data, "webhook/upload_media", **asked)

    file = {"msgtype": "file", "file": {"media_id": given.body["media_id"]}}
    assert await robot(product, file) == 0
    image = await uploaded(product, b"a file", "webhook/upload_media", key=ROBOT_KEY, type="image")
    assert image.body["errcode"] == 40004


async def test_faults_befall_a_robot_too(product: Product) -> None:
    await product.knobs(net_reset_before=1)

    with pytest.raises(aiohttp.ClientError):
        await robot(product, TEXT)
