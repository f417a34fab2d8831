"""Whose callback an envelope of WeCom holds, and what is none (WX 8)."""

import json
from typing import Any

import pytest

from providers.tencent.sealing import NotAuthentic
from providers.wecom.callbacks import open_callback, parse
from schemas.topics.provider_events import MessageReceived
from tests.providers.tencent.sealed import proof, sealed
from tests.providers.wecom.bodies import CORP, a_message, as_xml, corp_app

TEXT = as_xml(a_message())


@pytest.mark.parametrize(
    "form",
    [
        "<xml><ToUserName>ww_corp</ToUserName><Encrypt><![CDATA[{}]]></Encrypt></xml>",
        "<xml>\n<Encrypt>\n{}\n</Encrypt>\n</xml>\n",
        '{{"tousername":"ww_corp","encrypt":"{}","agentid":"1"}}',
        '{{"encrypt":"{}"}}',
    ],
)
def test_both_forms_of_the_envelope_are_opened(form: str) -> None:
    secret = sealed(TEXT)

    app, text = open_callback([corp_app()], proof(secret), form.format(secret).encode())

    assert app == corp_app()
    assert text == TEXT


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"<xml/>",
        b"<xml><Encrypt/></xml>",
        b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>',
        b"{}",
        b'{"encrypt":17}',
        b'{"encrypt":null}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_envelope_is_nobodys(body: bytes) -> None:
    with pytest.raises(NotAuthentic):
        open_callback([corp_app()], proof(""), body)


def test_what_stands_outside_the_seal_is_not_believed() -> None:
    secret = sealed(TEXT)
    body: dict[str, Any] = {"tousername": "ww_other", "encrypt": secret, "agentid": "99"}

    app, text = open_callback([corp_app()], proof(secret), json.dumps(body).encode())

    (event,) = parse(app, text).events
    assert isinstance(event, MessageReceived)
    assert event.sender_id == f"{CORP}.1"
