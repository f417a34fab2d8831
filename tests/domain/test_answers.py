"""What an answer to a preview decides, and what may be added to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.answers import LONGEST_COMMENT, BadComment, comment_of

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(texts.filter(lambda text: len(text) <= LONGEST_COMMENT))
def test_a_comment_is_kept_without_the_blanks_around_it(written: str) -> None:
    kept = comment_of(written) or ""

    assert "".join(kept.split()) == "".join(written.split())
    assert (comment_of(kept) or "") == kept


@pytest.mark.parametrize("letter", ["x", "字", "😀", "x\r\n"])
def test_a_comment_is_as_long_as_people_count(letter: str) -> None:
    longest = LONGEST_COMMENT // len(letter.replace("\r\n", "\n"))
    whole = letter * (longest - 1) + "x" * len(letter.replace("\r\n", "\n"))

    assert len(comment_of(whole) or "") == LONGEST_COMMENT
    with pytest.raises(BadComment, match="500"):
        comment_of(whole + "x")


def test_a_comment_with_nul_is_refused_without_a_word_of_it() -> None:
    with pytest.raises(BadComment) as refused:
        comment_of("noon\0")

    assert "noon" not in str(refused.value)
