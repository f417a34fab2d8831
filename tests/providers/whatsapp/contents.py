"""Any content that the schema allows and WhatsApp has: what Hypothesis draws for its tests."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from schemas.topics.contents import (
    AudioContent,
    CardEmail,
    CardName,
    CardPhone,
    Choices,
    ContactCard,
    ContactsContent,
    Content,
    DocumentContent,
    ImageContent,
    InteractiveContent,
    LinkButton,
    LocationContent,
    ReactionContent,
    ReplyButton,
    ReplyButtons,
    Row,
    Section,
    StickerContent,
    TextContent,
    VideoContent,
)
from schemas.topics.templates import (
    BodyParameter,
    CurrencyParameter,
    DateTimeParameter,
    DocumentParameter,
    HeaderParameter,
    ImageParameter,
    TemplateButton,
    TemplateContent,
    TextParameter,
    VideoParameter,
)

LINK = "https://shop.example/files/1"

_ANY = st.characters(exclude_categories=["Cs"])


def words(longest: int) -> st.SearchStrategy[str]:
    return st.text(_ANY, min_size=1, max_size=longest)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


short = words(40)
captions = maybe(words(1_024))

texts = st.builds(TextContent, body=words(4_096), preview_url=st.booleans())

locations = st.builds(
    LocationContent,
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    name=maybe(short),
    address=maybe(short),
)

reactions = st.builds(
    ReactionContent,
    provider_message_id=short,
    emoji=st.text(_ANY, max_size=16),
)

_cards = st.builds(
    ContactCard,
    name=st.builds(CardName, formatted_name=short, first_name=maybe(short), last_name=maybe(short)),
    phones=st.lists(
        st.builds(CardPhone, phone=short, type=maybe(short), wa_id=maybe(short)), max_size=3
    ).map(tuple),
    emails=st.lists(st.builds(CardEmail, email=short, type=maybe(short)), max_size=3).map(tuple),
    company=maybe(short),
)
contacts = st.builds(ContactsContent, contacts=st.lists(_cards, min_size=1, max_size=4).map(tuple))


def files(media_id: str) -> st.SearchStrategy[Content]:
    """Draw a message with a file, by that id or by a link."""
    places: st.SearchStrategy[dict[str, str]] = st.sampled_from([{"id": media_id}, {"link": LINK}])
    return places.flatmap(
        lambda where: st.one_of(
            st.builds(ImageContent, caption=captions, **_just(where)),
            st.builds(VideoContent, caption=captions, **_just(where)),
            st.builds(DocumentContent, caption=captions, file_name=maybe(short), **_just(where)),
            st.builds(AudioContent, voice=st.booleans(), **_just(where)),
            st.builds(StickerContent, **_just(where)),
        )
    )


def _just(where: dict[str, str]) -> dict[str, st.SearchStrategy[str]]:
    return {name: st.just(value) for name, value in where.items()}


_buttons = st.lists(
    st.builds(ReplyButton, id=words(256), title=words(20)),
    min_size=1,
    max_size=3,
    unique_by=lambda button: button.id,
).map(lambda drawn: ReplyButtons(buttons=tuple(drawn)))

_links = st.builds(LinkButton, title=words(20), url=st.just(LINK))

_rows = st.lists(
    st.builds(Row, id=words(200), title=words(24), description=maybe(words(72))),
    min_size=1,
    max_size=10,
    unique_by=lambda row: row.id,
)


@st.composite
def _choices(draw: st.DrawFn) -> Choices:
    rows = draw(_rows)
    cut = draw(st.integers(1, len(rows)))
    parts = [part for part in (rows[:cut], rows[cut:]) if part]
    sections = tuple(Section(title=draw(words(24)), rows=tuple(part)) for part in parts)
    return Choices(button=draw(words(20)), sections=sections)


interactive = st.builds(
    InteractiveContent,
    body=words(1_024),
    action=st.one_of(_buttons, _links, _choices()),
    header=maybe(words(60)),
    footer=maybe(words(60)),
)


def plain(media_id: str) -> st.SearchStrategy[Content]:
    """Draw any content but a template."""
    return st.one_of(texts, locations, reactions, contacts, interactive, files(media_id))


def _body(names: Sequence[str | None]) -> st.SearchStrategy[tuple[BodyParameter, ...]]:
    drawn = [
        st.one_of(
            st.builds(TextParameter, text=short, name=st.just(name)),
            st.builds(
                CurrencyParameter,
                fallback_value=short,
                code=st.just("EUR"),
                amount_1000=st.integers(-(2**40), 2**40),
                name=st.just(name),
            ),
            st.builds(DateTimeParameter, fallback_value=short, name=st.just(name)),
        )
        for name in names
    ]
    return st.tuples(*drawn)


def _header(media_id: str) -> st.SearchStrategy[HeaderParameter | None]:
    return st.one_of(
        st.none(),
        st.builds(TextParameter, text=short),
        st.builds(ImageParameter, id=st.just(media_id)),
        st.builds(VideoParameter, link=st.just(LINK)),
        st.builds(DocumentParameter, id=st.just(media_id), file_name=maybe(short)),
    )


@st.composite
def templates(draw: st.DrawFn, media_id: str) -> tuple[TemplateContent, dict[str, object]]:
    """Draw a use of a template, and the template as the simulator takes it."""
    count = draw(st.integers(0, 5))
    given = [f"name_{number}" for number in range(count)] if draw(st.booleans()) else None
    names = given or [str(number + 1) for number in range(count)]
    replies, links = draw(st.integers(0, 3)), draw(st.integers(0, 2))
    header = draw(_header(media_id))
    quick = [
        TemplateButton(index=index, kind="quick_reply", value=draw(words(256)))
        for index in range(replies)
        if draw(st.booleans())
    ]
    filled = [
        TemplateButton(index=replies + index, kind="url", value=draw(words(256)))
        for index in range(links)
    ]
    use = TemplateContent(
        name="drawn",
        language=draw(st.sampled_from(["en", "en_US", "zh_CN"])),
        header=header,
        body=draw(_body(given or [None] * count)),
        buttons=(*quick, *filled),
    )
    kind = None if header is None else str(type(header).__struct_config__.tag).upper()
    template: dict[str, object] = {
        "name": use.name,
        "language": use.language,
        "body": " ".join(f"{{{{{name}}}}}" for name in names),
        "parameters": names,
        "header": kind,
        "buttons": [f"Reply {number}" for number in range(replies)],
        "links": [f"Link {number}" for number in range(links)],
    }
    return use, template
