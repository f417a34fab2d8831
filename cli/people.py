"""`sendtrail people opt-out|opt-in|show|erase`: who is not to be written to (IM-21)."""

from datetime import datetime
from importlib.metadata import entry_points
from typing import Annotated

import msgspec
import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from domain.consent import Scope, Statement, Wish, in_force
from domain.recipients import InvalidRecipient
from providers.channels import GROUP
from providers.whatsapp.people import recipient_of
from runtime.audit import at_the_terminal
from runtime.clock import now
from runtime.media import MediaSettings, open_store
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read
from runtime.vault import Vault, VaultSettings
from schemas.topics import send_requests as requests
from schemas.topics.records import SenderIdField
from services.administration.erasing import Eraser
from services.dispatcher.store import people
from services.dispatcher.store.people import EVERY_SENDER, Known, Pair

OURS = ("whatsapp", "wecom", "wechat")

app = typer.Typer(
    help="Recipients who are not to be written to: enter, take back, look, forget.",
    no_args_is_help=True,
)


def _channel(name: str) -> str:
    channels = sorted({*OURS, *(point.name for point in entry_points(group=GROUP))})
    if name not in channels:
        raise typer.BadParameter(f"no such channel; there are {', '.join(channels)}")
    return name


def _sender(name: str) -> str:
    try:
        return name and msgspec.convert(name, SenderIdField)
    except msgspec.ValidationError as error:
        raise typer.BadParameter("no such id of a sender") from error


Channel = Annotated[
    str, typer.Argument(callback=_channel, help="`whatsapp`, `wecom`, `wechat`, or one plugged in.")
]
Recipient = Annotated[
    str,
    typer.Argument(
        help="As in a send request. WhatsApp: a number with its country code, or a user id."
    ),
]
Sender = Annotated[
    str,
    typer.Option(
        "--sender", callback=_sender, help="Only for this sending account; default: every one."
    ),
]


@app.command("opt-out")
def opt_out(channel: Channel, recipient: Recipient, sender: Sender = EVERY_SENDER) -> None:
    """Let nothing more be sent to a recipient who asked for it in other words."""
    _enter(Pair(channel, sender, _spelled(channel, recipient)), Wish.OPT_OUT)


@app.command("opt-in")
def opt_in(channel: Channel, recipient: Recipient, sender: Sender = EVERY_SENDER) -> None:
    """Take an opt-out or an erasure back; only with the recipient's consent."""
    _enter(Pair(channel, sender, _spelled(channel, recipient)), Wish.OPT_IN)


@app.command()
def show(channel: Channel, recipient: Recipient, sender: Sender = EVERY_SENDER) -> None:
    """Show what is known of one recipient: when they last wrote, and what they want."""
    pair = Pair(channel, sender, _spelled(channel, recipient))
    engine = _engine()
    with transaction(engine) as connection:
        known = people.known(connection, _vault(), pair.channel, pair.recipient)
    engine.dispose()
    _tell(known, sender)


@app.command()
def erase(
    channel: Channel,
    recipient: Recipient,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> None:
    """Forget everything about a recipient, and never write to them again."""
    named = _spelled(channel, recipient)
    if not yes:
        typer.confirm("forget this recipient?", abort=True)
    engine = _engine()
    eraser = Eraser(engine, _vault(), open_store(read(MediaSettings)), now)
    report = eraser.erase(channel, named, at_the_terminal())
    engine.dispose()
    for what, count in sorted(report.counts.items()):
        print(f"{what}: {count}")
    print(f"erasure {report.erasure}: nothing is sent to this recipient any more")


def _enter(pair: Pair, wish: Wish) -> None:
    engine, vault = _engine(), _vault()
    with transaction(engine) as connection:
        people.enter(connection, vault, pair, wish, now=now())
        known = people.known(connection, vault, pair.channel, pair.recipient)
    engine.dispose()
    _tell(known, pair.sender_id)


def _tell(known: Known, sender: str) -> None:
    """Print a row a sender; of one sender what concerns it. The recipient is not repeated."""
    senders = {*known.last_inbound, *(said_to for said_to, _ in known.said)}
    if sender != EVERY_SENDER:
        senders &= {sender, EVERY_SENDER}
    if not senders:
        print("nothing is known of this recipient: everything may be sent")
        return
    table = Table("sender", "last wrote", "said", "may be sent")
    for one in sorted(senders):
        wrote = known.last_inbound.get(one)
        said = (
            _words(statement) for (said_to, _), statement in known.said.items() if said_to == one
        )
        table.add_row(
            one or "every sender",
            "" if wrote is None else _moment(wrote),
            "\n".join(said),
            _may_be_sent(known, one),
        )
    Console(soft_wrap=True).print(table)


def _may_be_sent(known: Known, sender: str) -> str:
    said = (one for (said_to, _), one in known.said.items() if said_to in {sender, EVERY_SENDER})
    opt_out = in_force(said)
    if opt_out is None:
        return "everything"
    return "nothing" if opt_out.scope is Scope.ALL else "all but marketing"


def _words(said: Statement) -> str:
    return f"{said.wish} of {said.scope}: {said.reason}, {_moment(said.since)}"


def _moment(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")


def _spelled(channel: str, recipient: str) -> str:
    try:
        return recipient_of(recipient) if channel == "whatsapp" else _as_written(recipient)
    except (InvalidRecipient, msgspec.ValidationError) as error:
        raise typer.BadParameter(str(error), param_hint="recipient") from error


def _as_written(recipient: str) -> str:
    return msgspec.convert(recipient, requests.Recipient)


def _engine() -> sa.Engine:
    return connect(read(DatabaseSettings).database_url.get_secret_value(), pool=1)


def _vault() -> Vault:
    return Vault(read(VaultSettings))
