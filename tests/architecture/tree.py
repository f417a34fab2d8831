"""The Python files of the tree and what can be read off them without running them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

OURS = (
    "domain",
    "schemas",
    "runtime",
    "providers",
    "services",
    "simulator",
    "deploy",
    "cli",
    "bench",
    "tests",
)

SERVICES = tuple(sorted(path.parent.name for path in (ROOT / "services").glob("*/__init__.py")))


@cache
def files(*folders: str) -> tuple[Path, ...]:
    """Return the Python files under the folders; of the whole tree where none is named."""
    return tuple(
        sorted(
            path
            for folder in folders or OURS
            for path in (ROOT / folder).rglob("*.py")
            if "__pycache__" not in path.parts
        )
    )


def where(path: Path, line: int | None = None) -> str:
    """Return the place as people write it."""
    place = str(path.relative_to(ROOT))
    return place if line is None else f"{place}:{line}"


@cache
def parsed(path: Path) -> ast.Module:
    """Return the file's syntax tree."""
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each module the file imports, with its line; relative ones with the full name."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=module, level=level, names=names):
                base = ".".join(package[: len(package) - level + 1]) if level else ""
                full = ".".join(part for part in (base, module) if part)
                # `from services import dispatcher` names a module too.
                yield from ((f"{full}.{alias.name}", node.lineno) for alias in names)
            case _:
                pass


def functions(path: Path) -> Iterator[tuple[str, int, int]]:
    """Yield each function's name, line and length in lines, its docstring not counted."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node) is not None:
                docstring = node.body[0]
                length -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
            yield node.name, node.lineno, length


@cache
def texts(path: Path) -> tuple[tuple[str, int], ...]:
    """Return each string of the file with its line, docstrings left out."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return tuple(
        (node.value, node.lineno)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant)
        and id(node) not in docstrings
        and isinstance(node.value, str)
    )
