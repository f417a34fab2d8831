"""What the recipient of a message may tap, and what a tap says (WA 9: button, interactive)."""

from simulator.ledger import Choice
from simulator.whatsapp.bodies import Component, Interactive, SendBody
from simulator.whatsapp.templates import Template
from simulator.whatsapp.updates import Json

_QUICK_REPLY = "quick_reply"


def offered(send: SendBody, template: Template | None) -> tuple[Choice, ...]:
    """Return the buttons and rows that come with an accepted message."""
    if send.template is not None and template is not None:
        payloads = _payloads(send.template.components)
        return tuple(
            Choice("button", payloads.get(place, text), text)
            for place, text in enumerate(template.buttons)
        )
    return _of_interactive(send.interactive) if send.interactive is not None else ()


def _payloads(components: list[Component]) -> dict[int, str]:
    """Return the payloads that the send gave to the template's buttons, by their place."""
    return {
        int(part.index or 0): part.parameters[0].payload or ""
        for part in components
        if part.type == "button" and part.sub_type == _QUICK_REPLY and part.parameters
    }


def _of_interactive(held: Interactive) -> tuple[Choice, ...]:
    buttons = [
        Choice("button_reply", button.reply.id, button.reply.title)
        for button in held.action.buttons or []
    ]
    rows = [
        Choice("list_reply", row.id, row.title, row.description or "")
        for section in held.action.sections or []
        for row in section.rows
    ]
    return (*buttons, *rows)


def chosen(choices: tuple[Choice, ...], wanted: str) -> Choice | None:
    """Return the choice of this title or id."""
    return next((made for made in choices if wanted in {made.title, made.id}), None)


def tap(choice: Choice) -> tuple[str, Json]:
    """Return the type and the content of the message that a tap sends."""
    if choice.kind == "button":
        return "button", {"payload": choice.id, "text": choice.title}
    reply: Json = {"id": choice.id, "title": choice.title}
    if choice.description:
        reply["description"] = choice.description
    return "interactive", {"type": choice.kind, choice.kind: reply}
