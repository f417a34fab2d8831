"""What the generated files hold, how they differ from what lies on the disk, and how to write them.

A file on the disk that a new schema would break is not overwritten: the contract is what was
committed, and a change that breaks somebody is a new record type (schemas/README.md).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from schemas.generate import asyncapi
from schemas.generate.compatibility import breaks
from schemas.generate.contracts import contracts
from schemas.generate.json_schemas import schema_of

GENERATED: Final = Path(__file__).parents[1] / "generated"
_LINE: Final = 100


def documents() -> dict[str, str]:
    """Return the text of each generated file by its path under `GENERATED`."""
    known = contracts()
    texts = {"asyncapi.yaml": _yaml(asyncapi.document(known))}
    for contract in known:
        file_name = f"{contract.name}.schema.json"
        texts[f"json/{file_name}"] = _json(schema_of(contract.model, file_name))
    return texts


def drifted(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Return one line for each file that is missing, differs, or belongs to no contract."""
    lines = [
        f"{name}: {'differs from the models' if (folder / name).exists() else 'is missing'}"
        for name, text in texts.items()
        if not (folder / name).exists() or (folder / name).read_text() != text
    ]
    present = {str(path.relative_to(folder)) for path in _published(folder)}
    return lines + [f"{name}: belongs to no contract" for name in sorted(present - set(texts))]


def broken(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Return one line for each promise of the files in the folder that the texts break."""
    lines: list[str] = []
    for path in sorted((folder / "json").glob("*.schema.json")):
        name = f"json/{path.name}"
        if name not in texts:
            lines.append(f"{name}: the record type is gone")
        else:
            found = breaks(json.loads(path.read_text()), json.loads(texts[name]))
            lines += [f"{name}: {line}" for line in found]
    return lines


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write every file."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _published(folder: Path) -> list[Path]:
    return [*folder.glob("json/*"), *folder.glob("asyncapi.yaml")]


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's signature
        return True


def _yaml(document: Mapping[str, Any]) -> str:
    text = yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=_LINE)
    return "# Made by `python -m schemas.generate`.\n" + text
