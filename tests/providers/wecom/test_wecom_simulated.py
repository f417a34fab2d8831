"""Sends, results and doubts against the simulator, which is written from WeCom's pages alone."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from pydantic import SecretStr

from deploy.processes import stop_all
from domain.failures import ErrorCode
from domain.identity import SenderId
from domain.outcomes import Accepted, InDoubt, Rejected, Reply
from providers.contract import AskLater, Message, Polled, Sent
from providers.wecom.api import WecomApi
from providers.wecom.api_settings import ROBOTS, WecomApp, WecomRobot, WecomSendSettings
from providers.wecom.channel import WecomChannel
from providers.wecom.polling import GroupSends
from schemas.topics.contents import (
    AudioContent,
    CardButton,
    CardContent,
    Content,
    DocumentContent,
    ImageContent,
    LinkContent,
    MarkdownContent,
    MiniProgramContent,
    TextContent,
    VideoContent,
)
from schemas.topics.files import File
from tests.eventually import eventually, seconds
from tests.given import a_message_id
from tests.providers.wecom.sends import a_channel, a_group_send, a_message, a_store, keep
from tests.simulators import RunningSimulator, start_simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOON = seconds(60)
"""Far beyond what is waited for, however busy the machine."""

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
FILES = {
    "a/picture.png": PNG,
    "a/voice.amr": b"#!AMR\n" + bytes(13),
    "a/film.mp4": bytes(4) + b"ftypisom" + bytes(100),
    "a/list.pdf": b"%PDF-1.7",
}
PICTURED = LinkContent(title="春季", url="https://shop.example/", picture_url="https://a.b/c.png")
KEY = "the-key-of-a-robot"

AT_ONCE: dict[str, object] = {
    "wx.dispatching_s": 0,
    "wx.result_lag_s": 0,
    "wx.confirm": [1, 0, 0],
    "wx.confirm_s": [0, 0],
    "wx.send_ms": [0, 0],
    "wx.partial": 0,
    "wx.status2": 0,
    "wx.status3": 0,
    "wx.fail_list": 0,
    "wx.page_size": 0,
    "wx.empty_pages": 0,
    "net.reset_after": 0,
}


@dataclass(frozen=True, slots=True)
class World:
    """The simulator, and a channel to it."""

    running: RunningSimulator
    channel: WecomChannel
    settings: WecomSendSettings

    @property
    def sender(self) -> SenderId:
        return SenderId(self.settings.wecom_apps[0].sender_id)

    @asynccontextmanager
    async def api(self) -> AsyncGenerator[tuple[WecomApi, WecomApp]]:
        """Return the calls that are not the channel's."""
        api = WecomApi(self.settings)
        yield api, self.settings.wecom_apps[0]
        await api.close()

    def set(self, **knobs: object) -> None:
        dotted = {name.replace("_", ".", 1): value for name, value in knobs.items()}
        self.running.provider.set_knobs(AT_ONCE | dotted)

    async def send(self, message: Message) -> Reply:
        return await self.channel.send(message)

    def to(self, recipient: str, content: Content, **more: object) -> Message:
        ordinary = {"sender_id": self.sender, "recipient": recipient, "content": content}
        return a_message(**ordinary | more)

    async def lose_answer(self, message: Message) -> None:
        """Send a message that WeCom takes, and break the connection before it says so."""
        await self.send(self.to("zhangsan", TextContent(body="a token is there")))
        self.running.provider.set_knobs({"net.reset_after": 1})
        reply = await self.send(message)
        self.running.provider.set_knobs({"net.reset_after": 0})
        assert isinstance(reply, InDoubt)

    async def sent(self, message: Message) -> Sent:
        """Send a group send, and return what is polled for."""
        reply = await self.send(message)
        assert isinstance(reply, Accepted)
        name, at = reply.provider_message_id, datetime.now(UTC)
        return Sent(message, name, at, frozenset(reply.refused))

    async def results_become(self, sent: Sent, **expected: str) -> None:
        """Poll until each target that is named has this result, and no other has one."""

        async def results() -> bool:
            reports = (await self.channel.poll(sent)).results
            assert {report.participant: report.status for report in reports} == expected
            return True

        await eventually(results, within=SOON)

    def group_send(self, *targets: str, **more: object) -> Message:
        # Its own words: the simulator is the same for all tests.
        text = f"春季特惠 {a_message_id()}"
        content = a_group_send(**{"targets": targets, "text": text} | more).content
        return self.to("spring", content)

    def accepted(self) -> int:
        """Return how many sends the simulator has accepted so far, repetitions too."""
        return self.running.provider.counts()["accepted_sends"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSimulator]:
    """Return a simulator without faults of its own choice."""
    environment = {"SIM_PROFILE": "perfect", "SIM_WECOM_ROBOT_KEY": KEY}
    started = start_simulator(environment, tmp_path_factory.mktemp("simulator"))
    yield started
    stop_all([started.process])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def channel_to(
    running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[World]:
    """Return it with a channel whose store holds a file of each kind.

    One for all tests: WeCom gives 20 access tokens a minute.
    """
    chats = running.chats
    secret = SecretStr(chats.wecom_secret)
    app = WecomApp(
        corp_id=chats.corp_id, agent_id=str(chats.agent_id), secret=secret, customer_contact=True
    )
    settings = WecomSendSettings(
        wecom_api_base_url=f"{running.provider.url}/wecom",
        wecom_apps=(app,),
        wecom_robots=(
            WecomRobot(name="ops", key=SecretStr(KEY)),
            WecomRobot(name="gone", key=SecretStr("another")),
        ),
    )
    store = a_store(tmp_path_factory.mktemp("media"))
    for key, data in FILES.items():
        await keep(store, key, data)
    async with a_channel(settings, store) as channel:
        yield World(running, channel, settings)


@pytest.fixture
def world(channel_to: World) -> World:
    """Return it without the faults of the test before."""
    channel_to.set()
    return channel_to


@pytest.mark.parametrize(
    "content",
    [
        TextContent(body="您的订单已发货 \n https://shop.example/"),
        MarkdownContent(body='**您的订单** <font color="info">已发货</font>'),
        ImageContent(key="a/picture.png"),
        AudioContent(key="a/voice.amr"),
        VideoContent(key="a/film.mp4"),
        DocumentContent(key="a/list.pdf", file_name="价目表.pdf"),
        PICTURED,
        LinkContent(title="春季", url="https://shop.example/", description="全场八折"),
        LinkContent(title="春季", url="https://shop.example/"),
        MiniProgramContent(title="t", app_id="wx8", page="p", cover=File(link="https://a.b/c.png")),
        CardContent(title="Preview", buttons=(CardButton(key="confirm", title="确认"),)),
    ],
)
async def test_a_member_gets_every_content_that_the_channel_takes(
    world: World, content: Content
) -> None:
    message = world.to("zhangsan|lisi", content)

    assert world.channel.problem(message) is None
    reply = await world.send(message)

    assert isinstance(reply, Accepted)
    assert reply.refused == {}


@pytest.mark.parametrize(
    "content",
    [
        TextContent(body="down"),
        MiniProgramContent(title="t", app_id="wx8", page="p", cover=File(key="a/picture.png")),
        MarkdownContent(body="**down**"),
        ImageContent(key="a/picture.png"),
        DocumentContent(key="a/list.pdf"),
        AudioContent(key="a/voice.amr"),
        PICTURED,
    ],
)
async def test_a_robot_says_every_content_that_the_channel_takes(
    world: World, content: Content
) -> None:
    message = world.to("robot:ops", content, sender_id=SenderId(ROBOTS))

    assert world.channel.problem(message) is None
    assert isinstance(await world.send(message), Accepted)


async def test_a_chat_of_the_app_gets_a_message_and_another_does_not(world: World) -> None:
    members = {"userlist": ["zhangsan", "lisi"], "owner": "zhangsan", "name": "Preview"}
    async with world.api() as (api, app):
        await api.post(app, "appchat/create", {"chatid": "preview1", **members})

    said = await world.send(world.to("chat:preview1", PICTURED))
    refused = await world.send(world.to("chat:elsewhere", PICTURED))

    assert isinstance(said, Accepted)
    assert isinstance(refused, Rejected)
    assert refused.failure.code is ErrorCode.INVALID_RECIPIENT


async def test_members_who_do_not_exist_are_refused(world: World) -> None:
    words = TextContent(body="hi")

    alone = await world.send(world.to("nobody", words))
    among = await world.send(world.to("Gone_invalid|zhangsan", words))

    assert isinstance(alone, Rejected)
    assert alone.failure.code is ErrorCode.INVALID_RECIPIENT
    assert isinstance(among, Accepted)
    assert set(among.refused) == {"Gone_invalid"}


async def test_a_robot_with_a_wrong_key_has_no_group(world: World) -> None:
    message = world.to("robot:gone", TextContent(body="hi"), sender_id=SenderId(ROBOTS))

    reply = await world.send(message)

    assert isinstance(reply, Rejected)
    assert reply.failure.provider_code == "93000"
    assert reply.failure.code is ErrorCode.INVALID_RECIPIENT


async def test_a_repetition_of_a_lost_answer_does_not_arrive_again(world: World) -> None:
    message = world.to("zhangsan", TextContent(body="您的订单已发货。"))
    await world.lose_answer(message)
    before = world.accepted()

    again = await world.send(message)
    another = await world.send(world.to("zhangsan", message.content))

    assert isinstance(again, Accepted)
    assert isinstance(another, Accepted)
    # The same words in another message are another message.
    assert world.accepted() == before + 1


async def test_a_token_that_ends_in_the_middle_is_renewed(world: World) -> None:
    first = await world.send(world.to("zhangsan", TextContent(body="one")))
    world.running.provider.order("/wecom/token", {})

    second = await world.send(world.to("zhangsan", TextContent(body="two")))

    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)


async def test_each_customer_of_a_group_send_has_a_result_of_its_own(world: World) -> None:
    message = world.group_send(
        *("wmSimAda", "wmBob_notfriend", "wmEve_quota", "wmIda_never", "wmTom_invalid"),
        attachments=(ImageContent(key="a/picture.png"), PICTURED),
    )

    sent = await world.sent(message)

    assert sent.already == {"wmTom_invalid"}
    results = {"wmSimAda": "sent", "wmBob_notfriend": "failed", "wmEve_quota": "failed"}
    await world.results_become(sent, **results)
    known = replace(sent, already=sent.already | set(results))
    assert await world.channel.poll(known) == Polled([], complete=False)
    (over,) = world.channel.unanswered(known, at=datetime.now(UTC))
    assert over.participant == "wmIda_never"


async def test_groups_are_polled_to_the_end(world: World) -> None:
    message = world.group_send("wrSimOne", "wrSimTwo", target_kind="groups")

    sent = await world.sent(message)

    await world.results_become(sent, wrSimOne="sent", wrSimTwo="sent")
    assert (await world.channel.poll(sent)).complete


async def test_small_and_empty_pages_hide_nobody(world: World) -> None:
    world.set(wx_page_size=2, wx_empty_pages=0.3)
    targets = [f"wmSim{number}" for number in range(9)]

    sent = await world.sent(world.group_send(*targets))

    await world.results_become(sent, **dict.fromkeys(targets, "sent"))


async def test_a_group_send_that_is_being_dispatched_is_asked_for_later(world: World) -> None:
    world.set(wx_dispatching_s=600)
    # To groups: the list of sends to customers stays readable for the other tests.
    message = world.group_send("wrSimOne", target_kind="groups")
    sent = await world.sent(message)

    with pytest.raises(AskLater):
        await world.channel.poll(sent)
    with pytest.raises(AskLater):
        await world.channel.find(message, called_at=sent.accepted_at)


async def test_whom_a_cancelled_group_send_has_not_reached_has_failed(world: World) -> None:
    message = world.group_send("wmSimAda", member="sim-li_never")
    sent = await world.sent(message)
    async with world.api() as (api, app):
        sends = GroupSends(api, answered_within=SOON)
        await sends.remind(app, sent.provider_message_id)
        await sends.cancel(app, sent.provider_message_id)

    polled = await world.channel.poll(sent)

    assert polled.complete
    assert [(each.participant, each.status) for each in polled.results] == [("wmSimAda", "failed")]


async def test_the_task_of_a_lost_answer_is_found_among_parts_of_one_campaign(
    world: World,
) -> None:
    one, two, never = (
        world.group_send(target, text="一样的话") for target in ("wmSimA", "wmSimB", "wmSimC")
    )
    called_at = datetime.now(UTC)
    for message in (one, two):
        await world.lose_answer(message)

    (first,) = await world.channel.find(one, called_at=called_at)
    (second,) = await world.channel.find(two, called_at=called_at)
    assert not await world.channel.find(never, called_at=called_at)

    for message, found, target in ((one, first, "wmSimA"), (two, second, "wmSimB")):
        sent = Sent(message, found.provider_message_id, called_at, frozenset())
        await world.results_become(sent, **{target: "sent"})
