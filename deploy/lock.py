"""Pin requirements/*.in by hash into requirements/*.txt, with uv from a place of its own.

uv resolves for Python 3.11, the oldest we run on, whatever runs it.
"""

import subprocess
import sys
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
HOME = CHECKOUT / ".cache" / "uv"
UV_VERSION = "0.13.8"


def main() -> int:
    """Lock runtime first: dev may add to it, but never change it."""
    uv = HOME / UV_VERSION / "bin" / "uv"
    if not uv.exists():
        print(f"lock: installing uv {UV_VERSION} into .cache ...", flush=True)
        venv.create(HOME / UV_VERSION, with_pip=True, clear=True)
        pip = [uv.with_name("python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--disable-pip-version-check", f"uv=={UV_VERSION}"], check=True)
    compiling = [uv, "pip", "compile", "--quiet", "--upgrade", "--generate-hashes"]
    compiling += ["--python-version", "3.11"]
    constraint = ["-c", "requirements/runtime.txt"]
    for name, more in (("runtime", []), ("dev", constraint)):
        files = [f"requirements/{name}.in", "-o", f"requirements/{name}.txt"]
        ran = subprocess.run([*compiling, *more, *files], check=False, cwd=CHECKOUT)
        if ran.returncode != 0:
            print(f"lock: uv could not resolve requirements/{name}.in", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
