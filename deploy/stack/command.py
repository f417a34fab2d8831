"""The stack's command line: what `make up`, `down`, `status`, `logs` and `clean` call."""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence

from deploy.stack.errors import StackError
from deploy.stack.stack import DEV, Stack, all_names, remove_outside

LAST_LINES = 40


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code. What goes wrong is one line on stderr and a 1."""
    chosen = _parser().parse_args(arguments)
    try:
        for name in all_names() if chosen.all else [chosen.name]:
            COMMANDS[chosen.command](Stack(name))
        if chosen.all and chosen.command == "clean":
            remove_outside()
    except (StackError, OSError) as error:
        # OSError: a disk that fills up meanwhile, a directory we may not write to.
        print(f"stack: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def up(stack: Stack) -> None:
    """Start the servers and say where they are."""
    stack.up()
    status(stack)


def down(stack: Stack) -> None:
    """Stop the servers; the data stays."""
    stack.down()


def status(stack: Stack) -> None:
    """Print one line a server."""
    print(f"{stack.name} ({stack.places.state})")
    _print_line("Kafka", stack.kafka.is_ready(), stack.kafka.pid, stack.kafka.bootstrap)
    _print_line("PostgreSQL", stack.postgres.is_ready(), stack.postgres.pid, stack.postgres.dsn)


def env(stack: Stack) -> None:
    """Print shell lines that point our services at the servers."""
    if not stack.exists():
        raise StackError(f"{stack.name} was never up")
    for name, value in stack.environment.items():
        print(f"export {name}={shlex.quote(value)}")


def logs(stack: Stack) -> None:
    """Print the end of both logs and follow them."""
    files = [log for log in (stack.kafka.log, stack.postgres.log) if log.exists()]
    if not files:
        raise StackError(f"no log yet in {stack.places.logs}")
    subprocess.run(["tail", "-n", str(LAST_LINES), "-F", *files], check=False)


def clean(stack: Stack) -> None:
    """Stop the servers and delete their data."""
    stack.clean()


COMMANDS: dict[str, Callable[[Stack], None]] = {
    "up": up,
    "down": down,
    "status": status,
    "env": env,
    "logs": logs,
    "clean": clean,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.stack",
        description="A real Kafka and a real PostgreSQL on this machine.",
    )
    meanings = "; ".join(f"{name}: {_meaning(do)}" for name, do in COMMANDS.items())
    parser.add_argument("command", choices=list(COMMANDS), help=meanings)
    parser.add_argument("--name", default=DEV, help="which stack (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="every stack of this checkout")
    return parser


def _meaning(command: Callable[[Stack], None]) -> str:
    return (command.__doc__ or "").removesuffix(".").lower()


def _print_line(title: str, is_ready: bool, pid: int | None, address: str) -> None:  # noqa: FBT001
    if pid is None:
        print(f"  {title:<10} down")
    else:
        state = "up" if is_ready else "does not answer"
        print(f"  {title:<10} {state}, process {pid}, {address}")
