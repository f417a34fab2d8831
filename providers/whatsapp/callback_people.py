"""Who the contacts beside the parts of a WhatsApp callback are: ``value.contacts[]`` (WA 9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.whatsapp.callback_parts import Object, list_of, object_of, text_of


@dataclass(frozen=True, slots=True)
class People:
    """The contacts of one change."""

    by_id: Mapping[str, Object]
    """By phone number and by business-scoped user id."""
    alone: Object
    """The only one, else empty."""

    def of(self, *ids: object) -> Object:
        """Return who has one of the ids; an empty contact where nobody has."""
        nobody: Object = {}
        known = (id_ for id_ in ids if isinstance(id_, str) and id_ in self.by_id)
        return next((self.by_id[id_] for id_ in known), nobody)


def people_of(value: Mapping[str, Any]) -> People:
    """Return the contacts of a change's value."""
    contacts = [object_of(contact) for contact in list_of(value.get("contacts"))]
    by_id = {
        id_: contact
        for contact in contacts
        for name in ("user_id", "wa_id")
        if (id_ := text_of(contact.get(name)))
    }
    return People(by_id, contacts[0] if len(contacts) == 1 else {})
