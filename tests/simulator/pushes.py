"""What WeCom and WeChat push, opened as a product would."""

import json
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from simulator.tencent.crypto import Crypto, signature

Json = dict[str, Any]

WECOM_PATH = "/api/v1/webhooks/wecom"
WECHAT_PATH = "/api/v1/webhooks/wechat"
CORP_ID = "ww5a1b2c3d4e5f6071"
APP_ID = "wx5a1b2c3d4e5f6072"
ORIGINAL_ID = "gh_123456789abc"
WECOM_SECRET = "secret-of-the-app"
ROBOT_KEY = "key-of-the-robot"
WECOM = Crypto("wecomtoken", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", CORP_ID)
WECHAT = Crypto("wechattoken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", APP_ID)


def settings(address: str) -> Json:
    """Return the settings of a simulator that calls back below an address."""
    return {
        "wecom_corp_id": CORP_ID,
        "wecom_secret": WECOM_SECRET,
        "wecom_robot_key": ROBOT_KEY,
        "wecom_token": WECOM.token,
        "wecom_aes_key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        "wecom_callback_url": address + WECOM_PATH,
        "wechat_app_id": APP_ID,
        "wechat_original_id": ORIGINAL_ID,
        "wechat_token": WECHAT.token,
        "wechat_aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "wechat_callback_url": address + WECHAT_PATH,
    }


def opened(crypto: Crypto, query: dict[str, str], raw: bytes) -> Json:
    """Return what a push says. Its signatures and its receiver must be right."""
    if "msg_signature" not in query:
        assert query["signature"] == signature(crypto.token, query["timestamp"], query["nonce"])
        return parsed(raw)
    envelope = {name.lower(): value for name, value in parsed(raw).items()}
    encrypted = envelope["encrypt"]
    assert query["msg_signature"] == crypto.sign(query["timestamp"], query["nonce"], encrypted)
    return parsed(crypto.decrypt(encrypted))


def parsed(raw: bytes) -> Json:
    """Return JSON or XML as one dictionary."""
    if raw.startswith(b"{"):
        return json.loads(raw)
    found: Json = _value(fromstring(raw.decode()))
    return found or {}


def _value(element: Element) -> Any:  # noqa: ANN401 - a tree
    if len(element) == 0:
        return element.text or ""
    tree: Json = {}
    for child in element:
        value = _value(child)
        if child.tag in tree:
            before = tree[child.tag]
            tree[child.tag] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            tree[child.tag] = value
    return tree
