"""A budget broken twice is a missing module: files of 400 lines, functions of 60."""

import pytest

from tests.architecture.tree import OURS, files, functions, where

LONGEST_FILE = 400
MEDIAN_FILE = 150
LONGEST_FUNCTION = 60
NINE_IN_TEN_FUNCTIONS = 30


@pytest.mark.parametrize("folder", OURS)
def test_no_file_is_longer_than_its_budget(folder: str) -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in files(folder)}

    assert [f"{where(p)}: {n} lines" for p, n in lengths.items() if n > LONGEST_FILE] == []


@pytest.mark.parametrize("folder", OURS)
def test_no_function_is_longer_than_its_budget(folder: str) -> None:
    wrong = [
        f"{where(path, line)} {name}: {length} lines"
        for path in files(folder)
        if "migrations" not in path.parts
        for name, line, length in functions(path)
        if length > LONGEST_FUNCTION
    ]

    assert wrong == []


def test_most_files_and_functions_are_short() -> None:
    own = [path for path in files() if "migrations" not in path.parts]
    lines = sorted(len(path.read_text().splitlines()) for path in own)
    lengths = sorted(length for path in own for _, _, length in functions(path))

    assert lines[len(lines) // 2] <= MEDIAN_FILE
    assert lengths[len(lengths) * 9 // 10] <= NINE_IN_TEN_FUNCTIONS
