"""Which commands there are, and how what goes wrong in them is told."""

import logging
import sys
from importlib.util import find_spec

import typer

from cli import (
    check,
    database,
    dlq,
    explain,
    fence,
    groups,
    people,
    privacy,
    rebuild,
    senders,
    topics,
    users,
    wecom,
    whatsapp,
)
from cli.complaints import EXPECTED, complaint

app = typer.Typer(
    name="sendtrail",
    help="Sendtrail's tools: set up, look, repair, and try the whole system.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(database.migrate)
app.command()(topics.topics)
app.command()(check.check)
app.command()(explain.explain)
app.command()(rebuild.rebuild)
app.add_typer(dlq.app, name="dlq")
app.add_typer(fence.app, name="fence")
app.add_typer(groups.app, name="groups")
app.add_typer(senders.app, name="senders")
app.add_typer(people.app, name="people")
app.add_typer(privacy.keys, name="keys")
app.command()(privacy.retention)
app.add_typer(users.app, name="users")
app.add_typer(wecom.app, name="wecom")
app.add_typer(whatsapp.app, name="whatsapp")
if find_spec("deploy") is not None:  # the image of the services holds nothing to start a demo with
    from cli.demo import command as demo

    app.command()(demo.demo)


def main() -> int:
    """Run the command of the command line; what goes wrong is one line on stderr, and a 1."""
    # Each failed connection would be a line of its own; what it means for us is told once, below.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        app()
    except EXPECTED as error:
        print(f"sendtrail: {complaint(error)}", file=sys.stderr)
        return 1
    return 0
