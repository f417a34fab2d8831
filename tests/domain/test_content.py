import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.content import Json, MissingVariable, fill, render, texts_of, variables_of

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)


def test_every_placeholder_is_filled_in_wherever_and_however_often_it_stands() -> None:
    text = "{name}, {name}: order {order_1} is ready."

    rendered = render(text, {"name": "Ada", "order_1": "1017", "unused": "x"})

    assert rendered == "Ada, Ada: order 1017 is ready."


def test_a_value_is_taken_as_it_is_even_if_it_looks_like_a_placeholder() -> None:
    rendered = render("Hi {name}", {"name": "{order} \\1"})

    assert rendered == "Hi {order} \\1"


@pytest.mark.parametrize("text", ["100 {", "{}", "{ name }", "{1st}", "}{", '{"a": 1}', "{ä}"])
def test_braces_that_hold_no_name_are_text(text: str) -> None:
    assert variables_of(text) == frozenset()
    assert render(text, {}) == text


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(MissingVariable) as caught:
        render("Hi {name}, {order}", {"name": "Ada"})

    assert caught.value.args == ("order",)


@given(st.dictionaries(names, st.text(max_size=20)), st.text(max_size=50))
def test_a_text_with_all_its_variables_can_be_filled_in(
    variables: dict[str, str], words: str
) -> None:
    text = words.replace("{", "") + "".join(f"{{{name}}}" for name in variables)

    rendered = render(text, variables)

    assert variables_of(text) == frozenset(variables)
    assert rendered == words.replace("{", "") + "".join(variables.values())


@given(json_values)
def test_what_holds_no_placeholder_is_left_as_it_is(value: Json) -> None:
    if not any(variables_of(text) for _, text in texts_of(value)):
        assert fill(value, {}) == value


@given(json_values, names, st.text(max_size=20))
def test_every_text_is_filled_in_and_nothing_else(value: Json, name: str, word: str) -> None:
    draft: Json = {"type": "x", "inner": [value, f"Hi {{{name}}}"]}
    variables = {one: word for _, text in texts_of(draft) for one in variables_of(text)}

    filled = fill(draft, variables)

    assert [(place, render(text, variables)) for place, text in texts_of(draft)] == list(
        texts_of(filled)
    )
    assert ("inner[1]", f"Hi {word}") in texts_of(filled)
