"""Who a batch speaks of, and the keys under which it is stored of them: one look for all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runtime.vault import Keyring, Person, Vault
from schemas.topics.provider_events import MessageReceived
from services.status_projector import addresses
from services.status_projector.addresses import Address
from services.status_projector.projection import Changes


@dataclass(frozen=True, slots=True)
class People:
    """The people of a batch. Nobody of them is forgotten before its transaction ends."""

    vault: Vault
    keyring: Keyring
    _persons: Mapping[Address, Person]

    def of(self, channel: str, address: str) -> Person:
        """Return who has this address; of those whom the batch concerns, each has a key."""
        known = self._persons.get((channel, address))
        return self.vault.person(channel, address) if known is None else known

    def conversation_of(self, event: MessageReceived) -> str:
        """Return the conversation that a message to us belongs to."""
        channel, address = addresses.of_conversation(event)
        return self.vault.conversation_id(channel, event.sender_id, address)


def people_of(connection: sa.Connection, vault: Vault, changes: Changes, now: datetime) -> People:
    """Return the people whom a batch's changes concern; who has no key gets one."""
    persons = {address: vault.person(*address) for address in set(_addresses(changes, now))}
    return People(vault, vault.sealing(connection, persons.values()), persons)


def _addresses(changes: Changes, now: datetime) -> Iterator[Address]:
    for request in changes.created.values():
        yield request.channel, request.recipient
    for received in changes.received.values():
        yield received.channel, received.author
    for one in changes.participants:
        yield one.channel, one.address
    for heard in changes.to_park.values():
        yield addresses.of_parked(heard, now)
    for notice in changes.notices:
        yield addresses.of_notice(notice)
