"""Whether a template may be sent as asked, before any call (WA-09, WA-12, IM-47)."""

from typing import Any

import msgspec
import pytest

from domain.failures import ErrorCode, Origin
from providers.whatsapp.builtin_templates import appointment_reminder, order_status_update
from providers.whatsapp.template_listing import Listed, page_of
from providers.whatsapp.template_rules import APPROVED, MISSING, Button, Template, Translation
from providers.whatsapp.template_sync import changes
from providers.whatsapp.templates import TemplateBook
from schemas.topics.templates import TemplateContent


def a_template(**what_matters: Any) -> Template:  # noqa: ANN401 - any field
    ordinary: dict[str, Any] = {
        "name": "news",
        "content": "Hi {{1}}, {{2}}",
        "language": "en",
        "category": "utility",
        "translations": {"en": a_translation()},
        "is_active": True,
    }
    return Template(**(ordinary | what_matters))


def a_translation(**what_matters: Any) -> Translation:  # noqa: ANN401 - any field
    ordinary: dict[str, Any] = {"body": ("1", "2"), "status": APPROVED}
    return Translation(**(ordinary | what_matters))


def a_use(**filled_in: object) -> TemplateContent:
    body = [{"type": "text", "text": "a secret"}, {"type": "text", "text": "a secret"}]
    asked = {"type": "template", "name": "news", "body": body, **filled_in}
    return msgspec.convert(asked, TemplateContent)


def problem_of(use: TemplateContent, *templates: Template) -> str | None:
    book = TemplateBook()
    book.fill(templates)
    failure = book.problem(use)
    if failure is None:
        return None
    assert (failure.code, failure.origin) == (ErrorCode.UNKNOWN_ERROR, Origin.LOCAL)
    assert failure.detail is not None
    assert "a secret" not in failure.detail
    return failure.detail


def named(*names: str | None) -> list[dict[str, object]]:
    return [
        {"type": "text", "text": "x", **({} if name is None else {"name": name})} for name in names
    ]


LINKED = a_template(
    translations={
        "en": a_translation(buttons=(Button("quick_reply"), Button("url", is_filled=True)))
    }
)
NAMED = a_template(translations={"en": a_translation(body=("order", "state"))})
PICTURE = a_template(translations={"en": a_translation(header="image")})

FITTING = [
    (a_template(), a_use()),
    (NAMED, a_use(body=named("state", "order"))),
    (PICTURE, a_use(header={"type": "image", "id": "1"})),
    (LINKED, a_use(buttons=[{"index": 1, "kind": "url", "value": "A-17"}])),
    (
        LINKED,
        a_use(
            buttons=[
                {"index": 0, "kind": "quick_reply", "value": "yes"},
                {"index": 1, "kind": "url", "value": "A-17"},
            ]
        ),
    ),
    # Entered by people without a word of what it takes.
    (a_template(translations={}), a_use(body=[])),
    # Never compared with Meta's list.
    (a_template(translations={"en": a_translation(status=None)}), a_use()),
]


@pytest.mark.parametrize(("template", "use"), FITTING)
def test_a_use_that_fits_has_no_problem(template: Template, use: TemplateContent) -> None:
    assert problem_of(use, template) is None


UNFIT = [
    (a_template(is_active=False), a_use(), "template news is inactive"),
    (a_template(), a_use(name="other"), "template other is not known"),
    (a_template(), a_use(language="en_US"), "template news has no language en_US; it has en"),
    (
        a_template(
            translations={"de": a_translation(), "en": a_translation(status="PAUSED")},
        ),
        a_use(),
        "template news in en is PAUSED at WhatsApp",
    ),
    (a_template(), a_use(body=named(None)), "1 body parameters, it takes 2"),
    (a_template(), a_use(body=named(None, None, None)), "3 body parameters, it takes 2"),
    (a_template(), a_use(body=named("a", "b")), "have numbers, not names"),
    (NAMED, a_use(), "body parameters without a value: order, state"),
    (NAMED, a_use(body=named("order", "other")), "body parameters without a value: state"),
    (PICTURE, a_use(), "no header, it takes one of type image"),
    (
        PICTURE,
        a_use(header={"type": "video", "id": "1"}),
        "a header of type video, it takes one of type image",
    ),
    (
        a_template(),
        a_use(header={"type": "text", "text": "x"}),
        "a header of type text, it has none to fill in",
    ),
    (LINKED, a_use(), "nothing for its button of type url at index 1"),
    (
        LINKED,
        a_use(buttons=[{"index": 0, "kind": "url", "value": "x"}]),
        "no button of type url to fill in at index 0",
    ),
    (
        a_template(),
        a_use(buttons=[{"index": 0, "kind": "quick_reply", "value": "x"}]),
        "no button of type quick_reply to fill in at index 0",
    ),
    (
        a_template(translations={"en": a_translation(buttons=(Button("url"),))}),
        a_use(buttons=[{"index": 0, "kind": "url", "value": "x"}]),
        "no button of type url to fill in at index 0",
    ),
]


@pytest.mark.parametrize(("template", "use", "reason"), UNFIT)
def test_a_use_that_does_not_fit_is_refused_with_a_clear_reason(
    template: Template, use: TemplateContent, reason: str
) -> None:
    assert reason in (problem_of(use, template) or "nothing")


def test_a_book_that_was_never_filled_refuses_nothing() -> None:
    assert TemplateBook().problem(a_use(name="of_nobody")) is None


def test_a_table_that_was_never_compared_need_not_hold_all() -> None:
    built_in = a_template(translations={"en": a_translation(status=None)}, is_active=False)

    assert problem_of(a_use(name="of_nobody"), built_in) is None
    assert problem_of(a_use(), built_in) == "template news is inactive"


def listed(name: str, language: str = "en", status: str = APPROVED, **more: Any) -> Listed:  # noqa: ANN401 - any field
    return Listed(name, language, "marketing", "Hi {{1}}", a_translation(status=status, **more))


def after(known: Template | None, *told: Listed) -> dict[str, Template]:
    before = {} if known is None else {known.name: known}
    return before | {template.name: template for template in changes(before, told)}


def test_a_template_that_is_new_at_meta_is_entered() -> None:
    (entered,) = changes({}, [listed("news", "de"), listed("news", "en_US", "PENDING")])

    assert entered == Template(
        name="news",
        content="Hi {{1}}",
        language="de",
        category="marketing",
        translations={"de": a_translation(), "en_US": a_translation(status="PENDING")},
        is_active=True,
    )


def test_what_is_as_before_is_not_written_again() -> None:
    known = after(None, listed("news"))

    assert changes(known, [listed("news")]) == []


def test_a_known_template_keeps_its_own_words_for_its_category() -> None:
    known = a_template(category="order_update", translations={"en": a_translation(status=None)})

    assert after(known, listed("news"))["news"].category == "order_update"


@pytest.mark.parametrize("status", ["PENDING", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL"])
def test_what_meta_does_not_approve_is_inactive_until_it_does(status: str) -> None:
    paused = after(a_template(), listed("news", status=status))["news"]
    back = after(paused, listed("news"))["news"]

    assert (paused.is_active, back.is_active) == (False, True)


def test_a_template_is_active_while_one_of_its_languages_is() -> None:
    both = after(a_template(), listed("news", status="PAUSED"), listed("news", "de"))["news"]

    assert both.is_active
    assert problem_of(a_use(), both) == "template news in en is PAUSED at WhatsApp"
    assert problem_of(a_use(language="de"), both) is None


def test_what_people_have_switched_off_stays_off() -> None:
    switched_off = a_template(is_active=False)
    never_compared = a_template(is_active=False, translations={"en": a_translation(status=None)})

    assert not after(switched_off, listed("news"))["news"].is_active
    assert not after(never_compared, listed("news"))["news"].is_active


def test_what_meta_does_not_have_any_more_is_inactive_and_not_forgotten() -> None:
    gone = after(a_template(), listed("other"))["news"]

    assert not gone.is_active
    assert gone.translations["en"].status == MISSING
    assert after(gone, listed("news"))["news"].is_active


def test_what_the_table_has_no_room_for_is_left_out() -> None:
    assert changes({}, [listed("n" * 101), listed("news", "much_too_long")]) == []


def a_listed_template(**fields: object) -> bytes:
    template = {"name": "news", "language": "en", "status": "APPROVED", **fields}
    return msgspec.json.encode({"data": [template]})


def translation_in(content: bytes) -> Translation:
    page = page_of(content)
    assert page is not None
    return page.listed[0].translation


COMPONENTS: list[tuple[list[dict[str, object]], Translation]] = [
    ([], a_translation(body=())),
    ([{"type": "BODY", "text": "Hi {{2}}, {{1}} {{1}}"}], a_translation(body=("2", "1"))),
    ([{"type": "BODY", "text": "Hi {{ name }}"}], a_translation(body=("name",))),
    ([{"type": "BODY", "text": None}], a_translation(body=())),
    ([{"type": "HEADER", "format": "TEXT", "text": "News"}], a_translation(body=())),
    (
        [{"type": "HEADER", "format": "TEXT", "text": "For {{1}}"}],
        a_translation(body=(), header="text"),
    ),
    ([{"type": "HEADER", "format": "DOCUMENT"}], a_translation(body=(), header="document")),
    ([{"type": "HEADER", "format": "HOLOGRAM"}], a_translation(body=())),
    (
        [{"type": "FOOTER", "text": "{{1}}"}, {"type": "CAROUSEL", "cards": []}],
        a_translation(body=()),
    ),
    (
        [
            {
                "type": "BUTTONS",
                "buttons": [
                    {"type": "QUICK_REPLY", "text": "Yes"},
                    {"type": "URL", "text": "Shop", "url": "https://example.com"},
                    {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}"},
                    {"type": "COPY_CODE", "text": "Copy"},
                    {"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"},
                    {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+1650"},
                ],
            }
        ],
        a_translation(
            body=(),
            buttons=(
                Button("quick_reply"),
                Button("url"),
                Button("url", is_filled=True),
                Button("copy_code", is_filled=True),
                Button("url", is_filled=True),
                Button("other"),
            ),
        ),
    ),
]


@pytest.mark.parametrize(("components", "translation"), COMPONENTS)
def test_what_is_to_be_filled_in_is_read_off_the_list(
    components: list[dict[str, object]], translation: Translation
) -> None:
    assert translation_in(a_listed_template(components=components)) == translation


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b"{}", b'{"data": [{"name": 7}]}', b'{"error": {"code": 4}}']
)
def test_what_is_no_page_of_the_list_is_none(content: bytes) -> None:
    assert page_of(content) is None


@pytest.mark.parametrize(
    "use", [order_status_update("A-17", "ready"), appointment_reminder("1 May", "Phone 4")]
)
def test_the_built_in_templates_fit_their_own_rows(use: TemplateContent) -> None:
    assert problem_of(use, a_template(name=use.name)) is None
