"""Registering a callback: the verification GET, at once (section 2.1; WA 7.1 and 7.2)."""

from http import HTTPStatus
from http.client import responses
from typing import NamedTuple

import aiohttp
import msgspec
from msgspec import Struct

from simulator.whatsapp.call import Call
from simulator.whatsapp.refusals import Refusal
from simulator.wire import Answer
from simulator.world import World

_SUCCESS = Answer(200, b'{"success":true}')
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_NOT_SUBSCRIBED = (
    "Before override the current callback uri, your app must be subscribed to receive messages"
    " for WhatsApp Business Account"
)
Outcome = Answer | Refusal


class _Override(Struct):
    override_callback_uri: str | None = None
    callback_url: str | None = None
    verify_token: str | None = None
    object: str | None = None
    fields: str | list[str] | None = None


class _NumberBody(Struct):
    webhook_configuration: _Override


class _Wish(NamedTuple):
    url: str
    verify_token: str


async def subscribe_app(world: World, call: Call) -> Outcome:
    """POST /{app-id}/subscriptions: the app-wide callback."""
    asked = _read(call)
    if asked.object != "whatsapp_business_account":
        return Refusal(100, "Parameter object must be whatsapp_business_account.")
    if not asked.callback_url or not asked.verify_token:
        return Refusal(100, "Parameters callback_url and verify_token are required.")
    problem = await _verify(world, _Wish(asked.callback_url, asked.verify_token))
    if problem is None:
        world.account.subscriptions.app = asked.callback_url
    return problem or _SUCCESS


async def subscribe_account(world: World, call: Call) -> Outcome:
    """POST /{waba-id}/subscribed_apps: subscribe, or set another URL for the account."""
    subscriptions = world.account.subscriptions
    asked = _read(call)
    if not asked.override_callback_uri:
        subscriptions.account = None
        return _SUCCESS
    if not subscriptions.app:
        return Refusal(100, _NOT_SUBSCRIBED, is_graph=True)
    problem = await _verify(world, _Wish(asked.override_callback_uri, asked.verify_token or ""))
    if problem is None:
        subscriptions.account = asked.override_callback_uri
    return problem or _SUCCESS


async def subscribe_number(world: World, call: Call) -> Outcome:
    """POST /{phone-number-id} with `webhook_configuration`: another URL for one number."""
    try:
        asked = msgspec.json.decode(call.body, type=_NumberBody).webhook_configuration
    except msgspec.MsgspecError as error:
        return Refusal(100, str(error))
    if not asked.override_callback_uri:
        world.account.subscriptions.by_number.pop(call.sender, None)
        return _SUCCESS
    problem = await _verify(world, _Wish(asked.override_callback_uri, asked.verify_token or ""))
    if problem is None:
        world.account.subscriptions.by_number[call.sender] = asked.override_callback_uri
    return problem or _SUCCESS


def _read(call: Call) -> _Override:
    given: dict[str, object] = dict(call.query)
    try:
        given |= msgspec.json.decode(call.body or b"{}", type=dict[str, object])
        return msgspec.convert(given, _Override)
    except msgspec.MsgspecError:
        return _Override()


async def _verify(world: World, wish: _Wish) -> Refusal | None:
    """Ask the callback to return a random integer; anything but it is a failure (2200)."""
    challenge = world.chance("whatsapp.verify", wish.url).digits("challenge", 10)
    query = {
        "hub.mode": "subscribe",
        "hub.challenge": challenge,
        "hub.verify_token": wish.verify_token,
    }
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(wish.url, params=query, allow_redirects=False) as response,
        ):
            body = await response.text()
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return _failed("The URL couldn't be validated. No response was received.")
    if status != HTTPStatus.OK:
        return _failed(f"HTTP Status Code = {status}; HTTP Message = {responses.get(status, '')}")
    if body != challenge:
        return _failed("The response does not match the challenge.")
    return None


def _failed(reason: str) -> Refusal:
    return Refusal(2200, f"Callback verification failed with the following errors: {reason}")
