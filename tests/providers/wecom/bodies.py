"""Callbacks as WeCom writes them; the arguments are what matters to the test at hand."""

from typing import Any, cast
from xml.sax.saxutils import escape

from providers.tencent.apps import App
from tests.providers.tencent.sealed import an_app

CORP = "ww_corp"
MEMBER = "zhangsan"

Fields = dict[str, Any]


def corp_app(agent_id: str | None = None) -> App:
    """Return an app of our company."""
    return an_app(CORP, agent_id=agent_id)


def as_xml(fields: Fields) -> str:
    """Return the fields as the provider writes them; one set to ``...`` is left out."""
    return f"<xml>{_inner(fields)}</xml>"


def _inner(fields: Fields) -> str:
    return "".join(_element(name, value) for name, value in fields.items() if value is not ...)


def _element(name: str, value: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return "".join(_element(name, item) for item in cast("list[Any]", value))
    inner = _inner(cast("Fields", value)) if isinstance(value, dict) else escape(str(value))
    return f"<{name}>{inner}</{name}>"


def a_message(**what_matters: Any) -> Fields:  # noqa: ANN401 - any field
    """Return a member's message in an app's chat: a text."""
    return {
        "ToUserName": CORP,
        "FromUserName": MEMBER,
        "CreateTime": 1348831860,
        "MsgType": "text",
        "Content": "确认",
        "MsgId": 1234567890123456,
        "AgentID": 1,
        **what_matters,
    }


def an_event(**what_matters: Any) -> Fields:  # noqa: ANN401 - any field
    """Return an event about customers: one ended the contact with a member."""
    return {
        "ToUserName": CORP,
        "FromUserName": "sys",
        "CreateTime": 1403610513,
        "MsgType": "event",
        "Event": "change_external_contact",
        "ChangeType": "del_follow_user",
        "UserID": MEMBER,
        "ExternalUserID": "woAJ2GCAAAXtWyujaWJHDDGi0mACH71w",
        **what_matters,
    }


def a_press(**what_matters: Any) -> Fields:  # noqa: ANN401 - any field
    """Return the press of a card's button."""
    return {
        "ToUserName": CORP,
        "FromUserName": MEMBER,
        "CreateTime": 1403610513,
        "MsgType": "event",
        "Event": "template_card_event",
        "EventKey": "confirm",
        "TaskId": "preview-8f2c",
        "CardType": "button_interaction",
        "ResponseCode": "RESPONSE",
        "AgentID": 1,
        **what_matters,
    }
