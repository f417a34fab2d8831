"""What a message to members or into a group chat may hold, by its `msgtype` (WX 5, 6)."""

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct, ValidationError, convert

from simulator.tencent.documents import Json
from simulator.wecom import uploads
from simulator.wecom.bodies import WRONG_PARAMETER
from simulator.wecom.refusals import Refusal
from simulator.wecom.uploads import Kind
from simulator.world import World

_TITLE, _DESCRIPTION, _ADDRESS, _BUTTON = 128, 512, 2048, 4
_MARKDOWN, _PAGE = 2048, 666 * 1024  # bytes
_ARTICLES = 8
_WRONG_TYPE, _EMPTY, _PARAMETER_EMPTY, _TOO_LARGE, _TOO_MANY = 40008, 44004, 40063, 45002, 45008


class Content(Struct, forbid_unknown_fields=True):
    """What stands under the type's name."""

    def problem(self, world: World) -> Refusal | None:
        """Return why it cannot be sent."""
        del world
        return None


class Text(Content):
    """A text; what is longer than 2,048 bytes is cut off, not refused."""

    content: str = ""

    def problem(self, world: World) -> Refusal | None:
        """Refuse an empty one."""
        del world
        return None if self.content else Refusal(_EMPTY, "content")


class ChatText(Text):
    """A text that may call on members of the chat."""

    mentioned_list: list[str] = []
    mentioned_mobile_list: list[str] = []


class Markdown(Text):
    """A text with a few marks."""

    most: ClassVar[int] = _MARKDOWN

    def problem(self, world: World) -> Refusal | None:
        """Refuse an empty one and a long one."""
        too_long = Refusal(_TOO_LARGE, f"content: most {self.most} bytes")
        return super().problem(world) or (
            too_long if len(self.content.encode()) > self.most else None
        )


class _Upload(Content):
    media_id: str = ""
    kind: ClassVar[Kind]

    def problem(self, world: World) -> Refusal | None:
        return uploads.refusal_of(world, self.media_id, self.kind)


class Image(_Upload):
    """A picture."""

    kind = "image"


class Voice(_Upload):
    """A voice message."""

    kind = "voice"


class File(_Upload):
    """A file."""

    kind = "file"


class Video(_Upload):
    """A film."""

    kind = "video"
    title: str = ""
    description: str = ""

    def problem(self, world: World) -> Refusal | None:
        """Refuse what is no film, or has too much written below."""
        return (
            super().problem(world)
            or _over("title", len(self.title.encode()), _TITLE)
            or _over("description", len(self.description.encode()), _DESCRIPTION)
        )


class TextCard(Content):
    """A card that leads to a page."""

    title: str = ""
    description: str = ""
    url: str = ""
    btntxt: str = ""

    def problem(self, world: World) -> Refusal | None:
        """Refuse an incomplete one and a long one."""
        del world
        if not (self.title and self.description and self.url):
            return Refusal(_PARAMETER_EMPTY, "title, description, url")
        return (
            _over("title", len(self.title), _TITLE)
            or _over("description", len(self.description), _DESCRIPTION)
            or _over("url", len(self.url.encode()), _ADDRESS)
            or _over("btntxt", len(self.btntxt), _BUTTON)
        )


class _Article(Struct, forbid_unknown_fields=True):
    title: str = ""
    description: str = ""
    url: str = ""
    picurl: str = ""
    appid: str = ""
    pagepath: str = ""

    def problem(self) -> Refusal | None:
        if not self.title or not (self.url or (self.appid and self.pagepath)):
            return Refusal(_PARAMETER_EMPTY, "articles: title, url or appid and pagepath")
        return (
            _over("title", len(self.title.encode()), _TITLE)
            or _over("description", len(self.description.encode()), _DESCRIPTION)
            or _over("url", len(self.url.encode()), _ADDRESS)
        )


class News(Content):
    """One to eight articles elsewhere."""

    articles: list[_Article] = []

    def problem(self, world: World) -> Refusal | None:
        """Refuse none and too many, and what is wrong with one."""
        del world
        found = _wrong_count(self.articles)
        problems = (article.problem() for article in self.articles)
        return found or next((problem for problem in problems if problem is not None), None)


class _Page(Struct, forbid_unknown_fields=True):
    title: str
    thumb_media_id: str
    content: str
    author: str = ""
    content_source_url: str = ""
    digest: str = ""


class MpNews(Content):
    """One to eight articles that WeCom keeps."""

    articles: list[_Page] = []

    def problem(self, world: World) -> Refusal | None:
        """Refuse none and too many, a missing picture and a long page."""
        if any(len(page.content.encode()) > _PAGE for page in self.articles):
            return Refusal(_TOO_LARGE, "articles: content")
        pictures = (
            uploads.refusal_of(world, page.thumb_media_id, "image") for page in self.articles
        )
        found = next((picture for picture in pictures if picture is not None), None)
        return _wrong_count(self.articles) or found


class MiniProgramNotice(Content):
    """A notice of a mini-program that is bound to the app."""

    appid: str = ""
    title: str = ""
    page: str = ""
    description: str = ""
    emphasis_first_item: bool = False
    content_item: list[dict[str, str]] = []

    def problem(self, world: World) -> Refusal | None:
        """Refuse one of no mini-program."""
        del world
        is_whole = self.appid and self.title
        return None if is_whole else Refusal(_PARAMETER_EMPTY, "appid, title")


Kinds = Mapping[str, type[Content]]

_SHARED: Kinds = {
    "image": Image,
    "voice": Voice,
    "video": Video,
    "file": File,
    "textcard": TextCard,
    "news": News,
    "mpnews": MpNews,
    "markdown": Markdown,
}
FOR_MEMBERS: Kinds = {**_SHARED, "text": Text, "miniprogram_notice": MiniProgramNotice}
FOR_CHATS: Kinds = {**_SHARED, "text": ChatText}


def problem_of(world: World, kinds: Kinds, msgtype: str, held: object) -> Refusal | None:
    """Return why what stands under a type's name cannot be sent."""
    kind = kinds.get(msgtype)
    if kind is None:
        return Refusal(_WRONG_TYPE, f"msgtype {msgtype!r}")
    if held is None:
        return Refusal(_EMPTY, msgtype)
    try:
        content = convert(held, kind)
    except ValidationError as error:
        return Refusal(WRONG_PARAMETER, f"{msgtype}: {error}")
    return content.problem(world)


def split(content: Json) -> tuple[Json, object]:
    """Return the envelope of a message without what stands under its type's name, and that."""
    envelope = dict(content)
    return envelope, envelope.pop(str(content.get("msgtype", "")), None)


def _wrong_count(articles: list[_Article] | list[_Page]) -> Refusal | None:
    if not articles:
        return Refusal(_EMPTY, "articles")
    return Refusal(_TOO_MANY) if len(articles) > _ARTICLES else None


def _over(name: str, length: int, most: int) -> Refusal | None:
    return Refusal(WRONG_PARAMETER, f"{name}: {length}, most {most}") if length > most else None
