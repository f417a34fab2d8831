"""Pushes as WeChat writes them; the arguments are what matters to the test at hand."""

from typing import Any

from providers.tencent.apps import App
from tests.providers.tencent.sealed import KEY, an_app

APP_ID = "wx8bd80126147df384"
OPENID = "o26Qh0RJrGOQkJ6yqEKRUIdaF0Oo"

Fields = dict[str, Any]


def plain_app() -> App:
    """Return a mini-program that sends its pushes in plain."""
    return an_app(APP_ID, key=None)


def sealing_app() -> App:
    """Return one that encrypts them."""
    return an_app(APP_ID, key=KEY)


def a_text(**what_matters: Any) -> Fields:  # noqa: ANN401 - any field
    """Return what a person wrote to a mini-program."""
    return {
        "ToUserName": "gh_bb7bff7fd6bd",
        "FromUserName": OPENID,
        "CreateTime": 1646222724,
        "MsgType": "text",
        "Content": "666",
        "MsgId": 23568243490745350,
        **what_matters,
    }


def an_event(event: str, **what_matters: Any) -> Fields:  # noqa: ANN401 - any field
    """Return an event."""
    return {
        "ToUserName": "gh_123456789abc",
        "FromUserName": OPENID,
        "CreateTime": 1620973045,
        "MsgType": "event",
        "Event": event,
        **what_matters,
    }


def a_sent(**what_matters: Any) -> Fields:  # noqa: ANN401 - any field
    """Return an entry: what became of one subscribe message."""
    return {
        "TemplateId": "TEMPLATE_ID",
        "MsgID": "1700827132819554304",
        "ErrorCode": "0",
        "ErrorStatus": "success",
        **what_matters,
    }
