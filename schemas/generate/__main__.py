"""``python -m schemas.generate`` writes the documents; ``--check`` says what has drifted."""

import sys
from collections.abc import Sequence

from schemas.generate.files import GENERATED, broken, documents, drifted, write


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 1 with one line a file that drifted or a promise that broke."""
    texts = documents()
    problems = drifted(GENERATED, texts) if "--check" in arguments else []
    problems += broken(GENERATED, texts)
    if problems:
        sys.stderr.writelines(f"schemas/generated/{line}\n" for line in problems)
        return 1
    write(GENERATED, texts)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
