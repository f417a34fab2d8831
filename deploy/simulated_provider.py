"""Asks a running simulator what it saw, and tells it how to behave; over HTTP, as anybody could."""

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

WORLD = "/_sim/worlds/default"
PAGE = 10_000
ANSWERS_WITHIN = timedelta(seconds=10)
_LETTERS_AND_DIGITS = string.ascii_letters + string.digits


PREVIEW_TEMPLATE = "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc"
"""The mini-program's template of notifications for previews."""
NOTICE_TEMPLATE = "q1J7sZt0V2mXb8cHkQeRwYp4uD6nLfA9gTiKoM3xS5E"
"""Its template of notifications about tasks."""
ROBOT = "alerts"
"""The one robot's name with us; WeCom knows it by its key alone."""

_NOTICE = {
    "templateId": NOTICE_TEMPLATE,
    "data": {
        "thing1": "{taskName}",
        "phrase2": "{state}",
        "time3": "{time}",
        "thing4": "{message}",
    },
    "page": "pages/task?id={taskId}",
}
NOTICE_TEMPLATES = {"reminder": _NOTICE, "result": _NOTICE, "preview": _NOTICE}
"""How the mini-program's one template for notices is filled in."""
WECOM_CALLBACK = "/api/v1/webhooks/wecom"
WECHAT_CALLBACK = "/api/v1/webhooks/wechat"


def _aes_key() -> str:
    """Return an EncodingAESKey: 43 letters and digits, of which Base64 makes 32 bytes."""
    # The last character has two spare bits, which strict decoders want to be zero.
    drawn = (secrets.choice(_LETTERS_AND_DIGITS) for _ in range(42))
    return "".join(drawn) + secrets.choice("AEIMQUYcgkosw048")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The simulator's judgement of the system that called it."""

    accepted_messages: int
    """Different messages that it accepted."""
    sent_twice: int
    """Messages that it accepted more than once."""
    pending_callbacks: int
    """Reports it has not got rid of yet."""


@dataclass(frozen=True, slots=True)
class TrueLife:
    """What really became of one accepted message."""

    provider_message_id: str
    accepted_at: datetime
    """When it took the call."""
    status: str
    """accepted, sent, delivered, read or failed."""
    statuses: tuple[str, ...]
    """Each it has had, in order, without the acceptance."""


def openid_of(number: int) -> str:
    """Return the openid of the n-th user of its mini-program, from 1 (simulator/README.md)."""
    return f"oSimulatedUser{number:014d}"


@dataclass(frozen=True, slots=True)
class ChatAccounts:
    """A WeCom company and a WeChat mini-program; their secrets are made anew for each run."""

    corp_id: str = "ww5a1b2c3d4e5f6071"
    agent_id: int = 1000002
    wecom_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    wecom_token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    wecom_aes_key: str = field(default_factory=_aes_key, repr=False)
    robot_key: str = field(default_factory=lambda: str(uuid4()), repr=False)
    app_id: str = "wx5a1b2c3d4e5f6072"
    wechat_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    wechat_token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    wechat_aes_key: str = field(default_factory=_aes_key, repr=False)

    def simulator_environment(self, ingester_url: str | None = None) -> dict[str, str]:
        """Return what the simulator reads; with an address it calls that ingester back."""
        callbacks = {
            "SIM_WECOM_CALLBACK_URL": f"{ingester_url}{WECOM_CALLBACK}",
            "SIM_WECHAT_CALLBACK_URL": f"{ingester_url}{WECHAT_CALLBACK}",
        }
        return ({} if ingester_url is None else callbacks) | {
            "SIM_WECOM_CORP_ID": self.corp_id,
            "SIM_WECOM_AGENT_ID": str(self.agent_id),
            "SIM_WECOM_SECRET": self.wecom_secret,
            "SIM_WECOM_TOKEN": self.wecom_token,
            "SIM_WECOM_AES_KEY": self.wecom_aes_key,
            "SIM_WECOM_ROBOT_KEY": self.robot_key,
            "SIM_WECHAT_APP_ID": self.app_id,
            "SIM_WECHAT_SECRET": self.wechat_secret,
            "SIM_WECHAT_TOKEN": self.wechat_token,
            "SIM_WECHAT_AES_KEY": self.wechat_aes_key,
        }

    def service_environment(self, simulator_url: str) -> dict[str, str]:
        """Return what the services read to take their callbacks and to send through them."""
        company = {"corpId": self.corp_id, "agentId": self.agent_id, "token": self.wecom_token}
        program = {"appId": self.app_id, "token": self.wechat_token}
        caller = {
            "corpId": self.corp_id,
            "agentId": self.agent_id,
            "secret": self.wecom_secret,
            "kf": True,
            "customerContact": True,
        }
        sender = {"appId": self.app_id, "secret": self.wechat_secret}
        return {
            "WECOM_CALLBACK_APPS": json.dumps([company | {"encodingAesKey": self.wecom_aes_key}]),
            "WECHAT_CALLBACK_APPS": json.dumps([program | {"encodingAesKey": self.wechat_aes_key}]),
            "WECOM_APPS": json.dumps([caller]),
            "WECOM_ROBOTS": json.dumps([{"name": ROBOT, "key": self.robot_key}]),
            "WECOM_API_BASE_URL": f"{simulator_url}/wecom",
            "WECHAT_APPS": json.dumps([sender]),
            "WECHAT_APP_ID": self.app_id,
            "PREVIEW_TEMPLATE_ID": PREVIEW_TEMPLATE,
            "PREVIEW_TEMPLATE_DATA": json.dumps(
                {"thing1": "{taskName}:{text}", "time2": "{time}", "phrase3": "待确认"}
            ),
            "NOTICE_TEMPLATES": json.dumps(NOTICE_TEMPLATES),
            "ALERT_ROBOT": ROBOT,
            # Whatever is at fault here is over in a moment.
            "DISPATCHER_FIRST_PROBE_WITHIN": "PT1S",
            "WECHAT_API_BASE_URL": f"{simulator_url}/wechat",
        }


class SimulatedProvider:
    """One simulator, by its address. Every call may raise httpx.HTTPError."""

    def __init__(self, url: str) -> None:
        self.url = url

    def verdict(self) -> Verdict:
        """Return what it makes of us so far."""
        said = self._get("/verify")
        sends = said["no_double_send"]
        return Verdict(sends["accepted_messages"], sends["doubles"], said["callbacks"]["pending"])

    def token_discipline(self) -> dict[str, dict[str, int]]:
        """Return by provider how often it gave access tokens, and how often it met ended ones."""
        return self._get("/verify")["token_discipline"]

    def accepted(self) -> dict[str, int]:
        """Return how often it accepted each of our message ids."""
        counts: dict[str, int] = {}
        while True:
            said = self._get("/ledger/accepted", limit=PAGE, offset=len(counts))
            counts.update(said["accepted"])
            if len(counts) >= said["total"] or not said["accepted"]:
                return counts

    def lives(self) -> dict[str, TrueLife]:
        """Return the true life of each message it accepted, by our message id.

        Empty where its ledger only counts (profile `bench`).
        """
        # What has no id of ours is no message: alerts to the robot.
        return {item["opaque"]: _life(item) for item in self._messages() if item["opaque"]}

    def reached(self) -> dict[str, datetime]:
        """Return when it accepted the last message to each recipient, also those without our id."""
        return {item["recipient"]: _life(item).accepted_at for item in self._messages()}

    def set_knobs(self, knobs: Mapping[str, object]) -> None:
        """Change how it behaves from now on: dotted names to values (simulator/README.md)."""
        self._call("PATCH", "/knobs", json=dict(knobs))

    def order(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Let people or providers do something: `/inbound`, `/wecom/clicks`, `/wechat/events`."""
        return self._call("POST", path, json=dict(body))

    def put_template(self, template: Mapping[str, object]) -> None:
        """Let the WhatsApp account have a template, in the place of the one of its name."""
        self._call("PUT", "/templates", json=dict(template))

    def callbacks(self, **wanted: str) -> list[dict[str, Any]]:
        """Return what it told us, with every try: by provider, state, kind or message_id."""
        return self._get("/ledger/callbacks", limit=PAGE, **wanted)["items"]

    def _messages(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        while True:
            said = self._get("/ledger/messages", limit=PAGE, offset=len(items))
            items += said["items"]
            if len(items) >= said["total"] or not said["items"]:
                return items

    def counts(self) -> dict[str, Any]:
        """Return its ledger's counts as it shows them."""
        return self._get("/ledger")

    def _get(self, path: str, **query: int | str) -> dict[str, Any]:
        return self._call("GET", path, params=query)

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's
        # A proxy from the environment cannot reach this machine's own addresses.
        with httpx.Client(trust_env=False, timeout=ANSWERS_WITHIN.total_seconds()) as client:
            answer = client.request(method, self.url + WORLD + path, **more)
            answer.raise_for_status()
            return answer.json()


def _life(item: Mapping[str, Any]) -> TrueLife:
    accepted_at = datetime.fromtimestamp(item["accepted_at"], UTC)
    statuses = tuple(step["status"] for step in item["life"])
    return TrueLife(item["id"], accepted_at, item["status"], statuses)
