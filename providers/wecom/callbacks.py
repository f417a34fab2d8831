"""What a WeCom callback tells us (PC-11, CF-27, WX 9, WX 10).

Members of the company write in an app's chat and press the buttons of its cards; both may answer a
preview. Everything else is an event about customers, groups, tags, apps or the customer service,
and becomes a notice, whether we know its words or not. No callback tells what became of a group
send: that has to be asked for (`providers.wecom.results`).
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, cast

from domain.answers import choice_of
from providers.callbacks import Callback, MalformedCallback
from providers.tencent import parts
from providers.tencent.apps import App
from providers.tencent.bodies import Fields, read
from providers.tencent.sealing import NotAuthentic, Proof, unseal
from schemas.topics.provider_events import CallbackEvent, MessageReceived

_CARDS: Final = frozenset({"template_card_event", "template_card_menu_event"})
"""A button of a card, and an entry of the menu in its corner."""

_ABOUT: Final = ("ExternalUserID", "ChatId", "Id", "OpenKfId")
"""The one customer, group, tag or customer-service account that an event speaks of."""

_AGENT: Final = re.compile(r"[0-9]{1,20}")


def open_callback(apps: Sequence[App], proof: Proof, body: bytes) -> tuple[App, str]:
    """Return whose callback a body is, and its text; raise `NotAuthentic` in every other case."""
    try:
        envelope = read(body.decode())
    except ValueError as error:
        raise NotAuthentic from error
    # The XML form has a capital.
    sealed = envelope.get("Encrypt", envelope.get("encrypt"))
    if not isinstance(sealed, str):
        raise NotAuthentic
    return unseal(apps, proof, sealed.strip())


def parse(app: App, text: str) -> Callback:
    """Return what an authentic callback's text says.

    The same text gives equal events with equal ids, so a repeated callback changes nothing (IM-04).
    Raises `MalformedCallback` where it is neither an event nor a message that can be told apart.
    """
    fields = read(text)
    return Callback((_event(app, fields),))


def _event(app: App, fields: Fields) -> CallbackEvent:
    if parts.kind_of(fields) != parts.EVENT:
        words = parts.text_of(fields, "Content")
        return parts.message(
            "wecom",
            app,
            fields,
            sender_id=_sender_of(app, fields),
            choice=None if words is None else choice_of(words),
        )
    if parts.text_of(fields, "Event") in _CARDS:
        # Where nobody can tell who pressed what, what came is kept all the same.
        with suppress(MalformedCallback):
            return _pressed(app, fields)
    about = next(filter(None, (parts.text_of(fields, name) for name in _ABOUT)), None)
    return parts.notice("wecom", app, fields, kind=parts.event_kind(fields), about=about)


def _pressed(app: App, fields: Fields) -> MessageReceived:
    """Return the press of a card's button, as the message that it is to us."""
    key = parts.required(fields, "EventKey", 1_024)
    author = parts.required(fields, "FromUserName")
    moment = parts.required_moment(fields)
    task = parts.text_of(fields, "TaskId", parts.LONGEST_ABOUT)
    content: dict[str, Any] = {"payload": key}
    if selected := _selected(fields):
        content["selected"] = selected
    for name, word in (("card_type", "CardType"), ("response_code", "ResponseCode")):
        if (value := parts.text_of(fields, word, 1_024)) is not None:
            content[name] = value
    return MessageReceived(
        channel="wecom",
        provider_message_id=press_id(app.account_id, author, moment, task, key),
        sender_id=_sender_of(app, fields),
        author=author,
        message_type="button",
        content=content,
        occurred_at=moment,
        account_id=app.account_id,
        choice=choice_of(key),
        about=task,
    )


def press_id(corp_id: str, author: str, at: datetime, task: str | None, key: str) -> str:
    """Return the id of a pressed button, which has none of its own (IM-04, WX 8).

    Company: user ids are its own. Author, time and card: each press is another message. Key: two
    buttons pressed within a second are two answers.
    """
    pressed = "\x00".join((author, at.isoformat(), task or "", key)).encode()
    return f"{corp_id}:press_{blake2b(pressed, digest_size=16).hexdigest()}"


def _sender_of(app: App, fields: Fields) -> str:
    """Return which of our apps was written to."""
    agent = parts.text_of(fields, "AgentID", 20)
    if agent is None or not _AGENT.fullmatch(agent):
        agent = app.agent_id
    return app.account_id if agent is None else f"{app.account_id}.{agent}"


def _selected(fields: Fields) -> dict[str, list[str]]:
    """Return the chosen options by question; XML shows a list of one as the one."""
    items = _listed(_part(fields.get("SelectedItems"), "SelectedItem"))
    questions = ((_part(item, "QuestionKey"), item) for item in items)
    return {
        question: [
            option
            for option in _listed(_part(_part(item, "OptionIds"), "OptionId"))
            if isinstance(option, str)
        ]
        for question, item in questions
        if isinstance(question, str)
    }


def _part(holder: object, name: str) -> object:
    return cast("Mapping[str, object]", holder).get(name) if isinstance(holder, dict) else None


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return cast("list[object]", value) if isinstance(value, list) else [value]
