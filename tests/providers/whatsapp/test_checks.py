"""What is refused before any call, with a reason that names the field."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from domain.failures import ErrorCode, Origin
from domain.recipients import InvalidRecipient
from providers.whatsapp.client import WhatsAppChannel
from runtime.media import MediaSettings, open_store
from tests.eventually import seconds
from tests.providers.whatsapp.channels import a_channel, a_message, settings_for
from tests.providers.whatsapp.content_shapes import (
    BUTTONS,
    FOREIGN,
    LIST,
    SHAPES,
    content_of,
)

NOWHERE = "http://127.0.0.1:1/v24.0"
ROW = {"id": "s", "title": "Small"}
BUTTON = {"id": "1", "title": "Yes"}
LINK_BUTTON = {"kind": "link", "title": "Track", "url": "https://example.com"}


def choices(*sections: dict[str, object]) -> dict[str, object]:
    return {"kind": "list", "button": "Open", "sections": list(sections)}


def rows(count: int, title: str = "All") -> dict[str, object]:
    return {"title": title, "rows": [{"id": f"{title}{n}", "title": "x"} for n in range(count)]}


def interactive(action: Mapping[str, object], body: str = "Choose") -> dict[str, object]:
    return {"type": "interactive", "body": body, "action": action}


def template(**filled_in: object) -> dict[str, object]:
    return {"type": "template", "name": "news", **filled_in}


def text(name: str | None = None) -> dict[str, object]:
    return {"type": "text", "text": "x", **({} if name is None else {"name": name})}


def key(ending: str) -> str:
    return f"outbound/2026/03/0a1b.{ending}"


@pytest.fixture
async def channel(tmp_path: Path) -> WhatsAppChannel:
    store = open_store(MediaSettings(media_store_url=tmp_path.as_uri()))
    channel = WhatsAppChannel(settings_for(NOWHERE), store)
    await channel.close()  # nothing here calls
    return channel


REFUSED: list[tuple[dict[str, object], str]] = [
    *((content, f"no messages of type {content['type']}") for content in FOREIGN),
    (interactive(BUTTONS, "x" * 1_025), "content.body: more than 1024 characters"),
    (interactive(LINK_BUTTON, "x" * 1_025), "content.body: more than 1024 characters"),
    (interactive({"kind": "buttons", "buttons": [BUTTON, BUTTON]}), "content.action.buttons"),
    (interactive(choices(rows(6, "a"), rows(5, "b"))), "11 rows in all, more than 10"),
    (interactive(choices({"rows": [ROW, ROW]})), "two rows have the same id"),
    (interactive(choices(rows(1, "a"), {"rows": [ROW]})), "needs a title"),
    (template(body=[text("name"), text()]), "some of the parameters have names"),
    (template(body=[text("name"), text("name")]), "two parameters have the same name"),
    (
        template(
            buttons=[
                {"index": 0, "kind": "url", "value": "a"},
                {"index": 0, "kind": "quick_reply", "value": "b"},
            ]
        ),
        "content.buttons: two of them have the same index",
    ),
    ({"type": "image", "key": key("pdf")}, "content.key: WhatsApp takes as image only"),
    ({"type": "sticker", "key": key("png")}, "content.key: WhatsApp takes as sticker only"),
    ({"type": "audio", "key": key("mp3"), "voice": True}, "takes as voice only"),
    ({"type": "document", "key": "no-ending"}, "content.key"),
    (template(header={"type": "image", "key": key("mp4")}), "content.header.key"),
]


@pytest.mark.parametrize(("content", "reason"), REFUSED)
async def test_what_could_never_be_sent_is_refused_with_a_reason(
    channel: WhatsAppChannel, content: dict[str, object], reason: str
) -> None:
    problem = channel.problem(a_message(content=content_of(content)))

    assert problem is not None
    assert (problem.code, problem.origin) == (ErrorCode.UNKNOWN_ERROR, Origin.LOCAL)
    assert reason in (problem.detail or "")


@pytest.mark.parametrize(
    "content",
    [
        *(content for content, _ in SHAPES),
        interactive(LIST, "x" * 4_096),
        interactive(choices(rows(5, "a"), rows(5, "b"))),
        {"type": "image", "key": key("jpg")},
        {"type": "sticker", "key": key("webp")},
        {"type": "audio", "key": key("mp3")},
        {"type": "audio", "key": key("ogg"), "voice": True},
        {"type": "video", "key": key("mp4")},
        {"type": "document", "key": key("docx")},
        template(header={"type": "document", "key": key("pdf")}, body=[text("a"), text("b")]),
    ],
)
async def test_nothing_speaks_against_what_can_be_sent(
    channel: WhatsAppChannel, content: dict[str, object]
) -> None:
    assert channel.problem(a_message(content=content_of(content))) is None


async def test_a_key_needs_a_store() -> None:
    async with a_channel(NOWHERE) as channel:
        problem = channel.problem(
            a_message(content=content_of({"type": "image", "key": key("png")}))
        )

    assert problem is not None
    assert "media store" in (problem.detail or "")


@pytest.mark.parametrize(
    ("recipient", "address"),
    [
        ("+1 (650) 555-0001", "+16505550001"),
        ("US.13491208655302741918", "US.13491208655302741918"),
        ("DE.ENT.11815799212886844830", "DE.ENT.11815799212886844830"),
    ],
)
async def test_each_recipient_has_one_spelling(
    channel: WhatsAppChannel, recipient: str, address: str
) -> None:
    assert channel.address(recipient) == address


@pytest.mark.parametrize(
    "recipient", ["", "Ada", "us.1349", "US.", "USA.1349", "US.13 49", "US.1349\n", "6505550001"]
)
async def test_what_is_neither_number_nor_user_id_is_no_recipient(
    channel: WhatsAppChannel, recipient: str
) -> None:
    with pytest.raises(InvalidRecipient):
        channel.address(recipient)


@pytest.mark.parametrize("content", [content for content, _ in SHAPES])
async def test_everything_but_a_template_needs_an_open_window(
    channel: WhatsAppChannel, content: dict[str, object]
) -> None:
    assert channel.is_free_form(content_of(content))
    assert not channel.is_free_form(content_of(template()))


async def test_a_number_has_the_limits_that_meta_sets() -> None:
    async with a_channel(NOWHERE) as channel:
        limits = channel.limits

    assert limits.per_sender is not None
    assert limits.per_sender.per_second == 80
    assert limits.per_sender.burst <= 8
    assert limits.per_pair is not None
    assert (1 / limits.per_pair.per_second, limits.per_pair.burst) == (pytest.approx(6), 45)
    assert limits.window == seconds(86_400)


async def test_every_limit_can_be_switched_off() -> None:
    async with a_channel(
        NOWHERE,
        whatsapp_messages_per_second=0,
        whatsapp_pair_interval=seconds(0),
        whatsapp_window="off",
    ) as channel:
        limits = channel.limits

    assert (limits.per_sender, limits.per_pair, limits.window) == (None, None, None)
