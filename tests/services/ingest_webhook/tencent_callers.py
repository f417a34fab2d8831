"""How WeCom and WeChat speak to an ingester: rightly signed, now, unless told otherwise."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.providers.tencent.sealed import ENCODING_AES_KEY, OTHER_KEY, TOKEN, key_of, proof, sealed
from tests.providers.wecom.bodies import as_xml
from tests.services.ingest_webhook.ingesters import RunningIngester

WECOM = "/api/v1/webhooks/wecom"
WECHAT = "/api/v1/webhooks/wechat"

CORP, OTHER_CORP = "ww_corp", "ww_other"
SEALING_APP, PLAIN_APP = "wx_sealing", "wx_plain"

KEYS = {
    CORP: key_of(ENCODING_AES_KEY),
    OTHER_CORP: key_of(OTHER_KEY),
    SEALING_APP: key_of(ENCODING_AES_KEY),
}
TOKENS = {CORP: TOKEN, OTHER_CORP: "other", SEALING_APP: TOKEN, PLAIN_APP: "plain"}

APPS = {
    "WECOM_CALLBACK_APPS": json.dumps(
        [
            {"corpId": CORP, "token": TOKEN, "encodingAesKey": ENCODING_AES_KEY},
            {"corpId": OTHER_CORP, "agentId": 7, "token": "other", "encodingAesKey": OTHER_KEY},
        ]
    ),
    "WECHAT_CALLBACK_APPS": json.dumps(
        [
            {"appId": SEALING_APP, "token": TOKEN, "encodingAesKey": ENCODING_AES_KEY},
            {"appId": PLAIN_APP, "token": "plain"},
        ]
    ),
}
"""The settings of an ingester that hears them."""

FORBIDDEN = '{"code": 403, "message": "Forbidden", "data": null}'

Fields = Mapping[str, Any]


def query(
    *signed: str, token: str = TOKEN, name: str = "msg_signature", ago: timedelta = timedelta()
) -> dict[str, str]:
    """Return a query that signs the texts."""
    signing = proof(*signed, token=token, at=datetime.now(UTC) - ago)
    return {name: signing.signature, "timestamp": signing.timestamp, "nonce": signing.nonce}


def a_msg_id() -> int:
    """Return an id that no other test uses."""
    return uuid4().int % 2**63


async def wecom_says(
    ingester: RunningIngester,
    fields: Fields,
    *,
    corp: str = CORP,
    ago: timedelta = timedelta(),
) -> httpx.Response:
    """Post a callback as WeCom does."""
    return await post_sealed(ingester, sealed(as_xml(dict(fields)), corp, KEYS[corp]), corp, ago)


async def post_sealed(
    ingester: RunningIngester, secret: str, corp: str = CORP, ago: timedelta = timedelta()
) -> httpx.Response:
    """Post any ciphertext under a right signature."""
    signed = query(secret, token=TOKENS[corp], ago=ago)
    body = as_xml({"ToUserName": corp, "Encrypt": secret})
    return await ingester.client.post(WECOM, params=signed, content=body.encode())


async def wechat_says(
    ingester: RunningIngester,
    fields: Fields,
    *,
    app_id: str = PLAIN_APP,
    ago: timedelta = timedelta(),
) -> httpx.Response:
    """Post a push as WeChat does: encrypted where the app has a key."""
    body, token = as_xml(dict(fields)), TOKENS[app_id]
    signed = query(token=token, name="signature", ago=ago)
    if app_id in KEYS:
        secret = sealed(body, app_id, KEYS[app_id])
        signed |= query(secret, token=token, ago=ago) | {"encrypt_type": "aes", "openid": "o"}
        body = as_xml({"ToUserName": "gh_1", "Encrypt": secret})
    return await ingester.client.post(WECHAT, params=signed, content=body.encode())
