import doctest
import importlib
import pkgutil

import pytest

import domain
import schemas

MODULES = sorted(
    module.name
    for package in (domain, schemas)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_its_docstrings_are_true(name: str) -> None:
    module = importlib.import_module(name)

    result = doctest.testmod(module)

    assert result.failed == 0
