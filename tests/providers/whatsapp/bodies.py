"""Callback bodies as Meta writes them; the arguments are what matters to the test at hand."""

import json
from typing import Any

PHONE_NUMBER_ID = "106540352242922"

Part = dict[str, Any]


def encoded(body: object) -> bytes:
    """Return the bytes of a body: compact, everything outside ASCII escaped."""
    return json.dumps(body, separators=(",", ":")).encode()


def a_status(**what_matters: Any) -> Part:  # noqa: ANN401 - any JSON
    """Return one of ``statuses[]``."""
    return {
        "id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA=",
        "status": "delivered",
        "timestamp": "1750030073",
        "recipient_id": "16505551234",
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "marketing"},
        **what_matters,
    }


def a_message(**what_matters: Any) -> Part:  # noqa: ANN401 - any JSON
    """Return one of ``messages[]``: a text."""
    return {
        "from": "16505551234",
        "id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTdCNTg5RjY1MEMyRjlGMjRGNgA=",
        "timestamp": "1749416383",
        "type": "text",
        "text": {"body": "Does it come in another color?"},
        **what_matters,
    }


def a_change(*, statuses: object = None, messages: object = None, **value: object) -> Part:
    """Return a change of the field ``messages``, of our number."""
    metadata = {"display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID}
    carried = {"statuses": statuses, "messages": messages}
    return {
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": metadata,
            **{name: parts for name, parts in carried.items() if parts is not None},
            **value,
        },
    }


def an_envelope(*changes: object) -> Part:
    """Return the Graph envelope with one entry."""
    entry = {"id": "102290129340398", "changes": list(changes)}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def a_flat_status(**what_matters: Any) -> Part:  # noqa: ANN401 - any JSON
    """Return the flat form (PC-01)."""
    return {
        "messageId": "wamid.xyz123",
        "status": "delivered",
        "timestamp": "2025-01-20T10:30:30Z",
        **what_matters,
    }
