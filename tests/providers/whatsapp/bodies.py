"""Callback bodies as Meta writes them; the arguments are what matters to the test at hand."""

import json
from typing import Any

PHONE_NUMBER_ID = "106540352242922"
DISPLAY_PHONE_NUMBER = "15550783881"
ACCOUNT_ID = "102290129340398"
METADATA = {"display_phone_number": DISPLAY_PHONE_NUMBER, "phone_number_id": PHONE_NUMBER_ID}

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
    carried = {"statuses": statuses, "messages": messages}
    return {
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": METADATA,
            **{name: parts for name, parts in carried.items() if parts is not None},
            **value,
        },
    }


def an_envelope(*changes: object) -> Part:
    """Return the Graph envelope with one entry."""
    return enveloped({"id": ACCOUNT_ID, "changes": list(changes)})


def enveloped(*entries: object) -> Part:
    """Return the Graph envelope."""
    return {"object": "whatsapp_business_account", "entry": list(entries)}


def a_notice(field: str, value: object, *, time: object = 1751247548) -> Part:
    """Return the Graph envelope with an event of an account."""
    changes = [{"field": field, "value": value}]
    return enveloped({"id": ACCOUNT_ID, "time": time, "changes": changes})


def an_echo(**what_matters: Any) -> Part:  # noqa: ANN401 - any JSON
    """Return one of ``message_echoes[]``: what a colleague wrote in the app."""
    return {
        "from": DISPLAY_PHONE_NUMBER,
        "to": "16505551234",
        "id": "wamid.HBgLMTY0NjcwNDM1OTUVAgARGBIyNDlBOEI5QUQ4NDc0N0FCNjMA",
        "timestamp": "1739321024",
        "type": "text",
        "text": {"body": "Here is the info you requested!"},
        **what_matters,
    }


def a_value(**members: object) -> Part:
    """Return the value of a change of one of our numbers."""
    return {"messaging_product": "whatsapp", "metadata": METADATA, **members}


def a_flat_status(**what_matters: Any) -> Part:  # noqa: ANN401 - any JSON
    """Return the flat form (PC-01)."""
    return {
        "messageId": "wamid.xyz123",
        "status": "delivered",
        "timestamp": "2025-01-20T10:30:30Z",
        **what_matters,
    }
