"""What one send through WeChat ends in, over real connections to the simulator."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.failures import ErrorCode
from domain.identity import SenderId
from domain.outcomes import Accepted, Deferred, Rejected
from domain.recipients import InvalidRecipient
from providers.contract import Message
from providers.wechat.api_settings import WechatApiSettings
from providers.wechat.callbacks import parse
from providers.wechat.channel import WINDOW, WechatChannel, open_channel
from runtime.media import MediaSettings, open_store
from schemas.topics.contents import (
    CardButton,
    CardContent,
    Content,
    ImageContent,
    MarkdownContent,
    MiniProgramContent,
    TextContent,
)
from schemas.topics.files import File
from schemas.topics.provider_events import StatusReported
from simulator.samples import SAMPLES
from tests.eventually import eventually, seconds
from tests.providers.tencent.sealed import an_app
from tests.providers.wechat.channels import (
    OTHER_USER,
    USER,
    a_channel,
    a_message,
    a_notification,
    accepted_by,
)
from tests.simulator.product import Product
from tests.simulator.pushes import APP_ID

KEY = "outbound/2026/0a1b2c.png"


async def wrote(provider: Product, user: str = USER) -> None:
    assert (await provider.order("POST", "wechat/inbound", {"from": user})).status == 200


async def put(media: Path, data: bytes = SAMPLES["png"].data, key: str = KEY) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield data

    await open_store(MediaSettings(media_store_url=media.as_uri())).put(key, pieces())


async def reported(provider: Product) -> list[StatusReported]:
    """Return what the ingester would make of the sent events so far."""
    await provider.order("POST", "flush")
    callbacks = [parse(an_app(APP_ID, key=None), taken.raw.decode()) for taken in provider.taken]
    events = [event for callback in callbacks for event in callback.events]
    return [event for event in events if isinstance(event, StatusReported)]


class TestNotifications:
    async def test_an_accepted_one_has_the_name_under_which_its_outcome_is_told(
        self, provider: Product, channel: WechatChannel
    ) -> None:
        await provider.knobs(wc_push_mode="plain", wc_push_format="json")

        replies = [await channel.send(a_message()) for _ in range(3)]

        async def told() -> list[StatusReported]:
            found = await reported(provider)
            return found if len(found) == len(replies) else []

        events = await eventually(told, within=seconds(10))
        named = {(event.provider_message_id, event.status) for event in events}
        assert named == {
            (reply.provider_message_id, "sent") for reply in replies if isinstance(reply, Accepted)
        }

    async def test_one_without_a_name_is_named_after_ours(
        self, provider: Product, channel: WechatChannel
    ) -> None:
        await provider.knobs(wc_msgid=0)
        message = a_message()

        reply = await channel.send(message)

        assert reply == Accepted(f"{APP_ID}:sent:{message.message_id}")  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("recipient", "code", "detail"),
        [
            ("oUser_noconsent", ErrorCode.UNKNOWN_ERROR, "no consent: "),
            ("oUser_invalid", ErrorCode.INVALID_RECIPIENT, "invalid openid"),
        ],
    )
    async def test_who_cannot_be_notified_is_told_apart(
        self, channel: WechatChannel, recipient: str, code: ErrorCode, detail: str
    ) -> None:
        reply = await channel.send(a_message(recipient=recipient))

        assert isinstance(reply, Rejected)
        assert reply.failure.code is code
        assert (reply.failure.detail or "").startswith(detail)

    async def test_a_long_value_costs_its_end_and_not_the_message(
        self, channel: WechatChannel
    ) -> None:
        data = {"thing1": "Course " * 9, "time2": "2025-06-10", "phrase3": "等待确认中吗"}

        reply = await channel.send(a_message(content=a_notification(data=data)))

        assert isinstance(reply, Accepted)

    async def test_one_person_gets_one_of_a_template_at_a_time_and_others_do_not_wait(
        self, provider: Product, channel: WechatChannel
    ) -> None:
        first_is_slow = {
            "match": {"call": "message/subscribe/send", "recipient": USER},
            "knobs": {"net.timeout_after": 1},
            "count": 1,
        }
        await provider.order("POST", "rules", first_is_slow)
        first = asyncio.create_task(channel.send(a_message()))
        await eventually(lambda: accepted_by(provider), within=seconds(10))

        second = asyncio.create_task(channel.send(a_message()))
        other = await channel.send(a_message(recipient=OTHER_USER))

        assert isinstance(other, Accepted)
        assert await accepted_by(provider) == 1
        first.cancel()
        assert isinstance(await second, Accepted)


class TestAnswers:
    @pytest.mark.parametrize(
        "content",
        [
            TextContent(body="Your course begins at six."),
            CardContent(title="Right?", buttons=(CardButton(key="confirm", title="确认"),)),
            ImageContent(key=KEY),
            MiniProgramContent(title="Task", app_id=APP_ID, page="pages/task", cover=File(key=KEY)),
        ],
        ids=lambda content: type(content).__name__,
    )
    async def test_who_has_written_is_answered(
        self, provider: Product, channel: WechatChannel, tmp_path: Path, content: Content
    ) -> None:
        await put(tmp_path)
        await wrote(provider)

        assert isinstance(await channel.send(a_message(content=content)), Accepted)

    async def test_who_has_not_written_is_not(self, channel: WechatChannel) -> None:
        reply = await channel.send(a_message(content=TextContent(body="Hi")))

        assert isinstance(reply, Rejected)
        assert reply.failure.provider_code == "45015"

    async def test_a_picture_is_uploaded_once_and_again_when_wechat_has_lost_it(
        self, provider: Product, tmp_path: Path
    ) -> None:
        await put(tmp_path)
        await wrote(provider)
        now = 0.0
        picture = a_message(content=ImageContent(key=KEY))
        async with a_channel(provider.simulator.base_url, tmp_path, clock=lambda: now) as channel:
            before = [await channel.send(picture) for _ in range(2)]
            await provider.order("POST", "clock", {"advance_s": 3 * 86_400 + 1})
            await wrote(provider)
            now += timedelta(hours=1).total_seconds()
            after = [await channel.send(picture) for _ in range(2)]

        assert all(isinstance(reply, Accepted) for reply in before + after)
        assert len(await provider.calls(path="/wechat/cgi-bin/media/upload")) == 2

    @pytest.mark.parametrize(
        ("key", "why"),
        [("outbound/none.png", "no file of this key"), ("outbound/a.pdf", "JPEG and PNG only")],
    )
    async def test_a_file_that_cannot_be_brought_is_refused(
        self, provider: Product, channel: WechatChannel, tmp_path: Path, key: str, why: str
    ) -> None:
        await put(tmp_path, key="outbound/a.pdf")

        reply = await channel.send(a_message(content=ImageContent(key=key)))

        assert isinstance(reply, Rejected)
        assert why in (reply.failure.detail or "")
        assert await accepted_by(provider) == 0

    async def test_an_upload_that_fails_leaves_no_doubt(
        self, provider: Product, channel: WechatChannel, tmp_path: Path
    ) -> None:
        await put(tmp_path)
        upload = {"match": {"call": "media/upload"}, "knobs": {"net.http_5xx": 1}}
        await provider.order("POST", "rules", upload)

        reply = await channel.send(a_message(content=ImageContent(key=KEY)))

        assert isinstance(reply, Deferred)


class TestContract:
    @pytest.mark.parametrize(
        ("message", "why"),
        [
            (a_message(sender_id=SenderId("wxother")), "senderId: no app of this id"),
            (a_message(content=MarkdownContent(body="*")), "content.type: "),
            (a_message(content=a_notification(data={"thing1": ""})), "content.data.thing1: "),
        ],
    )
    async def test_what_could_never_be_sent_is_known_before(
        self, channel: WechatChannel, message: Message, why: str
    ) -> None:
        problem = channel.problem(message)

        assert problem is not None
        assert (problem.detail or "").startswith(why)
        assert channel.problem(a_message()) is None

    async def test_an_openid_is_taken_as_it_is(self, channel: WechatChannel) -> None:
        assert channel.address("oABC_def-1") == "oABC_def-1"

    @pytest.mark.parametrize("wrong", ["", "+16505550001", "o b", "o\n", "o" * 65, "微信"])
    async def test_what_is_no_openid_is_refused(self, channel: WechatChannel, wrong: str) -> None:
        with pytest.raises(InvalidRecipient):
            channel.address(wrong)

    async def test_all_but_notifications_need_the_window(self, channel: WechatChannel) -> None:
        assert channel.limits.window == WINDOW
        assert not channel.is_free_form(a_notification())
        assert channel.is_free_form(TextContent(body="Hi"))


class TestSettings:
    APPS = f'[{{"appId": "{APP_ID}", "secret": "hush", "state": "trial"}}]'

    @pytest.fixture(autouse=True)
    def _plain_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for name in [name for name in os.environ if name.startswith("WECHAT_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("MEDIA_STORE_URL", tmp_path.as_uri())

    async def test_the_channel_is_there_where_an_app_is(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert open_channel() is None
        monkeypatch.setenv("WECHAT_APPS", self.APPS)
        monkeypatch.setenv("WECHAT_WINDOW", "off")

        opened = open_channel()

        assert opened is not None
        assert opened.limits.window is None
        await opened.close()

    @pytest.mark.parametrize(
        ("name", "value", "why"),
        [
            ("WECHAT_APPS", '[{"appId": "wx1"}]', "WECHAT_APPS[0].secret"),
            ("WECHAT_APPS", '[{"appId": "wx1", "secret": ""}]', "WECHAT_APPS[0].secret"),
            ("WECHAT_APPS", f"{APPS[:-1]},{APPS[1:]}", "must not name an app twice"),
            ("WECHAT_WINDOW", "sometimes", "WECHAT_WINDOW"),
        ],
    )
    def test_a_wrong_setting_ends_the_process_with_its_name(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        name: str,
        value: str,
        why: str,
    ) -> None:
        monkeypatch.setenv(name, value)

        with pytest.raises(SystemExit):
            open_channel()

        assert why in capsys.readouterr().err

    def test_no_secret_shows_in_what_is_printed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WECHAT_APPS", self.APPS)

        assert "hush" not in repr(WechatApiSettings())
