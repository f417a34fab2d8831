"""What the pages of a preview show, to whom in which language."""

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.answers import Choice
from schemas.http.previews import LONGEST_TASK_NAME, CardShown, PageContent, PreviewLink
from services.ingest_webhook.previews import pages
from services.ingest_webhook.previews.answers import Answer
from services.ingest_webhook.previews.pages import Sheet
from services.ingest_webhook.previews.words import CHINESE, ENGLISH, words_for

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
markup = st.sampled_from(["<script>", "</textarea>", '"><img src=x>', "&amp;", "'"])
names = (texts | markup).map(lambda text: text[:LONGEST_TASK_NAME])


class Reader(HTMLParser):
    """Reads a page as a browser does."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.values: dict[str, str] = {}
        self.said: dict[str, str] = {}
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._open = tag
        given_ = dict(attrs)
        if tag == "input":
            self.values[given_["name"] or ""] = given_["value"] or ""

    def handle_data(self, data: str) -> None:
        self.said[self._open] = self.said.get(self._open, "") + data

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._open = ""


def a_link(task_name: str = "三月会员日") -> PreviewLink:
    return PreviewLink("preview-1", "task-1", task_name, "wechat", "wx_app", "openid-1")


@given(names, texts, texts)
def test_what_comes_from_outside_is_shown_and_never_run(
    name: str, token: str, comment: str
) -> None:
    plain = Reader(pages.question(CHINESE, Sheet(a_link(), "token")))

    shown = Reader(pages.question(CHINESE, Sheet(a_link(name), token, comment)))

    assert shown.tags == plain.tags
    assert shown.said["h1"] == name
    assert shown.values == {"token": token, "previewId": "preview-1"}
    assert shown.said["textarea"].removeprefix("\n") == comment


def a_content(**what_matters: Any) -> PageContent:  # noqa: ANN401 - any field
    ordinary: dict[str, Any] = {
        "title": None,
        "words": "周一课程提醒\nhttps://example.com/room",
        "link": "https://example.com/room",
        "miniprogram": None,
        "has_picture": False,
        "asks_feedback": False,
        "time": "2030-06-10 18:00",
        "timezone": "Asia/Shanghai",
        "groups": 12,
        "is_current": True,
    }
    return PageContent(**(ordinary | what_matters))


def asked(**what_matters: Any) -> str:  # noqa: ANN401 - any field
    """Return the page that asks about a content."""
    content = a_content(**what_matters)
    return pages.question(CHINESE, Sheet(a_link(), "1.a&b", content=content))


def test_the_whole_content_is_shown_with_its_time_its_groups_and_the_seeds_words() -> None:
    page = Reader(asked())

    assert page.said["dd"] == "2030-06-10 18:00 (Asia/Shanghai)12"
    assert page.said["a"] == "https://example.com/room"
    assert "周一课程提醒\n" in page.said["p"]
    assert "请确认内容,回复‘确认’或‘修改’" in page.said["p"]  # noqa: RUF001 - Chinese quotes
    assert "img" not in page.tags


def test_a_card_is_shown_with_its_title_its_picture_and_where_it_leads() -> None:
    card = CardShown(appid="wx1", page_path="pages/a?x=<1>")

    shown = asked(title="开课", words=None, link=None, miniprogram=card, has_picture=True)

    assert '<img src="picture?token=1.a%26b"' in shown
    assert "开课" in Reader(shown).said["p"]
    assert "wx1 · pages/a?x=&lt;1&gt;" in shown


@pytest.mark.parametrize("link", ["javascript:alert(1)", "#小程序://课程/abc", "data:text/html,x"])
def test_what_a_browser_should_not_follow_is_shown_as_words(link: str) -> None:
    page = Reader(asked(words=link, link=link))

    assert "a" not in page.tags
    assert link in page.said["p"]


@given(texts | markup, texts | markup)
def test_a_content_is_shown_and_never_run(words_: str, title: str) -> None:
    plain = Reader(asked(title="x", words="y", link=None))

    shown = Reader(asked(title=title, words=words_, link=None))

    assert shown.tags == plain.tags
    assert title + words_ in shown.said["p"]


def test_who_sees_a_content_that_is_no_longer_the_tasks_is_told() -> None:
    assert CHINESE.outdated in asked(is_current=False)
    assert CHINESE.outdated not in asked()


@pytest.mark.parametrize("words", [CHINESE, ENGLISH], ids=lambda words: words.language)
def test_no_page_runs_or_fetches_anything(words: pages.Words) -> None:
    link = a_link()
    every = [
        pages.question(words, Sheet(link, "token")),
        pages.question(words, Sheet(link, "token", "x"), words.not_now),
        *(pages.received(words, Answer(link, choice, None)) for choice in Choice),
        pages.refusal(words, words.expired),
    ]

    for page in every:
        assert not {"script", "img", "link", "iframe"} & set(Reader(page).tags)
        assert " style=" not in page
        assert "//" not in page.replace("<!doctype html>", "")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "zh-CN"),
        ("", "zh-CN"),
        ("*", "zh-CN"),
        ("fr", "zh-CN"),
        ("zh-TW,en;q=0.9", "zh-CN"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("EN", "en"),
        ("en;q=0.2, zh-CN;q=0.3", "zh-CN"),
        ("en;q=0", "zh-CN"),
        ("de, en ; q=0.5", "en"),
        ("en;q=high", "zh-CN"),
        ("en;q=nan", "zh-CN"),
        (";;;,,,=", "zh-CN"),
    ],
)
def test_the_language_is_the_browsers(accepted: str | None, language: str) -> None:
    assert words_for(accepted).language == language


@given(st.text())
def test_no_wish_for_a_language_breaks_the_page(accepted: str) -> None:
    assert words_for(accepted) in (CHINESE, ENGLISH)
