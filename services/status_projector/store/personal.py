"""What is kept of a person in a message's row, sealed under the person's key (SE-01, CF-32).

Each value opens in the row it was sealed for and nowhere else. What is null was forgotten.
"""

from typing import Any

import msgspec

from runtime.vault import Keyring, Person
from schemas.sealed import Personal, place_of_message
from schemas.topics.contents import Content, GroupSendContent, words_of
from schemas.topics.provider_events import MessageReceived
from schemas.topics.send_requests import SendRequested

_JSON = msgspec.json.Encoder()


def of_request(request: SendRequested) -> Personal:
    """Return what is personal in a message of ours."""
    return Personal(
        recipient=request.recipient,
        words=words_of(request.content) or None,
        content=_content(request.content),
    )


def of_received(event: MessageReceived) -> Personal:
    """Return what is personal in a message to us."""
    body = event.content.get("body")
    return Personal(
        recipient=event.author,
        user_id=event.author_user_id,
        name=event.author_name,
        words=body if isinstance(body, str) else None,
        content=_JSON.encode(event.content),
        context=None if event.context is None else _JSON.encode(event.context),
    )


def seal(keyring: Keyring, person: Person, message_id: str, personal: Personal) -> bytes:
    """Return it sealed for the column ``sealed``."""
    return keyring.seal(person, personal.packed(), place=place_of_message(message_id))


def unseal(keyring: Keyring, person: Person, message_id: str, sealed: bytes) -> Personal | None:
    """Return what the column ``sealed`` says; None when the person was forgotten."""
    plain = keyring.open(person, sealed, place=place_of_message(message_id))
    return None if plain is None else Personal.unpacked(plain)


def seal_file_name(keyring: Keyring, person: Person, message_id: str, name: str) -> bytes:
    """Return it sealed for the column ``sealed_file_name``."""
    return keyring.seal(person, name.encode(), place=place_of_file_name(message_id))


def unseal_file_name(
    keyring: Keyring, person: Person, message_id: str, sealed: bytes
) -> str | None:
    """Return what the column ``sealed_file_name`` says; None when the person was forgotten."""
    plain = keyring.open(person, sealed, place=place_of_file_name(message_id))
    return None if plain is None else plain.decode()


def place_of_file_name(message_id: str) -> str:
    """Return where a file's name is kept: it opens nowhere else."""
    return f"messages.file_name:{message_id}"


def _content(content: Content) -> bytes:
    if not isinstance(content, GroupSendContent):
        return _JSON.encode(content)
    # Its targets are people with keys of their own: each has a row in `message_participants`.
    shown: dict[str, Any] = msgspec.to_builtins(content)
    return _JSON.encode({name: value for name, value in shown.items() if name != "targets"})
