"""A dispatcher's admission beside a database, and a channel for several at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import sqlalchemy as sa

from domain.consent import Reason, Scope, Statement, Wish
from domain.failures import Failure
from providers.contract import Message
from runtime.postgres import transaction
from schemas.topics.contents import Content, TextContent
from schemas.topics.send_requests import SendRequested
from services.dispatcher.desk import Admission
from services.dispatcher.store import people, senders
from services.dispatcher.store.people import EVERY_SENDER, Pair
from services.dispatcher.work import Claimed
from tests.given import NOON
from tests.services.dispatcher.gazette import GAZETTE, Gazette, from_the_stream
from tests.vaults import the_vault

VAULT = the_vault()
OFFER = TextContent(body="Half price!")


@dataclass
class Rotary(Gazette):
    """A newspaper for several at once, which breaks over some of its messages."""

    torn: set[str] = field(default_factory=set[str])
    """The recipients whose messages cannot be looked at."""
    misprinted: set[str] = field(default_factory=set[str])
    """Those whose names cannot be read."""

    def address(self, recipient: str) -> str:
        if recipient in self.misprinted:
            raise RuntimeError("no letters left")
        return recipient

    def problem(self, message: Message) -> Failure | None:
        if message.recipient in self.torn:
            raise KeyError("page 3")
        return None

    def participants(self, message: Message) -> Sequence[str]:
        names = message.recipient.split("+")
        return names if len(names) > 1 else ()

    def without(self, message: Message, unwanted: Collection[str]) -> Message:
        left = (name for name in message.recipient.split("+") if name not in unwanted)
        return replace(message, recipient="+".join(left))

    def is_marketing(self, content: Content) -> bool:
        return content == OFFER


@dataclass
class Office:
    """A dispatcher's admission beside a database."""

    engine: sa.Engine
    admission: Admission

    def claim(self, *requests: SendRequested) -> Mapping[str, Claimed]:
        """Claim requests at noon; return what became of them, by message id."""
        asked = [from_the_stream(one) for one in requests]
        with transaction(self.engine) as connection:
            return self.admission.claim(connection, asked, owner="test", now=NOON).ours

    def claim_due(self, *, after: timedelta) -> Mapping[str, Claimed]:
        """Claim what is due so long after noon."""
        now = NOON + after
        with transaction(self.engine) as connection:
            known = senders.everyone(connection)
            rooms = self.admission.rooms(known, {one.sender: 8 for one in known}, now)
            ours = self.admission.claim_due(connection, rooms, owner="test/due", now=now).ours
        return {one.request.message_id: one for one in ours}

    def put_down(self, *requests: SendRequested) -> None:
        """Let requests wait in the ledger."""
        asked = [from_the_stream(one) for one in requests]
        with transaction(self.engine) as connection:
            self.admission.put_down(connection, asked, owner="test", now=NOON)

    def opts_out(self, who: str, scope: Scope = Scope.ALL) -> None:
        """Let somebody say so to every sender."""
        said = Statement(Wish.OPT_OUT, scope, Reason.REPLY, NOON)
        with transaction(self.engine) as connection:
            pair = Pair(GAZETTE, EVERY_SENDER, who)
            people.remember_replies(connection, VAULT, {(pair, scope): said})
