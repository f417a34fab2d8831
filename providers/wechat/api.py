"""Calls WeChat's API (WX 14.1). The access token stands in the address of each call.

So no address and no exception of a library, which may quote it, leaves this module: what did not
work is a `NoAnswer` or a `NoToken` of our own words.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Final, Self

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from providers.outbound import NEVER_OPENED, times
from providers.tencent.shared_tokens import Refusal, SharedTokens
from providers.tencent.tokens import FAILED_FOR, CallFailed, Given, Tokens
from providers.uploads import StoredFile
from providers.wechat.api_settings import WechatApiSettings, WechatApp
from providers.wechat.failures import TOKEN_ENDED
from providers.wechat.replies import Answer, answer_of

_TOKEN_PART: Final = 0.5
"""Of the time for a whole send, at most: the others who wait for the token have time left then."""
_REFUSED_FOR: Final = timedelta(minutes=1)


@dataclass(slots=True)
class Flight:
    """Whether a call is out and unanswered, for who breaks it off before it ends by itself."""

    is_out: bool = False


class NoAnswer(Exception):
    """A call brought no answer; ``why`` is a word or two, never an address."""

    def __init__(self, why: str, *, was_sent: bool) -> None:
        super().__init__(why)
        self.why = why
        self.was_sent = was_sent
        """Whether something may have reached WeChat."""


class NoToken(CallFailed):
    """WeChat gives no access token now."""

    def __init__(self, why: str, answer: Answer | None = None) -> None:
        is_told = answer is not None and answer.code is not None
        super().__init__(why, _REFUSED_FOR if is_told else FAILED_FOR)
        self.answer = answer
        """What WeChat said; None where nothing came."""

    @property
    def refusal(self) -> Refusal:
        """Return what whoever wants a token is told of it."""
        if self.answer is None:
            return Refusal(self.why)
        return Refusal(self.why, self.answer.code, self.answer.status, self.answer.words)

    @classmethod
    def heard(cls, refusal: Refusal) -> Self:
        """Return why there is no token."""
        if refusal.status is None:
            return cls(refusal.why)
        return cls(refusal.why, Answer(refusal.status, refusal.code, refusal.words))


class _Token(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(min_length=1)]
    expires_in: Annotated[int, msgspec.Meta(ge=1, le=86_400)]


@dataclass(frozen=True, slots=True)
class _Call:
    """A call without the token of who makes it."""

    name: str
    content: bytes | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    within: float | None = None
    """Seconds; None: as the settings say."""


class WechatApi:
    """The calls of all apps in the settings."""

    def __init__(self, settings: WechatApiSettings, shared: SharedTokens | None = None) -> None:
        """``shared``: where processes meet that use the same tokens."""
        self._base = f"{settings.wechat_api_base_url.rstrip('/')}/cgi-bin"
        self._answer_within = settings.wechat_answer_within.total_seconds()
        self._connect_within = settings.wechat_connect_within
        self._tokens = Tokens(self._base, self._get_token, NoToken, shared)
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(
                limits=httpx.Limits(max_connections=settings.wechat_connections)
            ),
            follow_redirects=False,  # it would carry the token along
        )

    async def post(self, app: WechatApp, name: str, content: bytes, flight: Flight) -> Answer:
        """Post that JSON as that app. Raises `NoToken`, `NoAnswer`."""
        return await self._called(app, _Call(name, content), flight)

    async def upload(
        self, app: WechatApp, kind: str, file: StoredFile, mime_type: str, within: timedelta
    ) -> Answer:
        """Bring a file as that app. Raises `NoToken`, `NoAnswer`."""
        call = _Call(
            "media/upload",
            query={"type": kind},
            files={"media": (file.name, file.data, mime_type)},
            within=within.total_seconds(),
        )
        return await self._called(app, call, Flight())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _called(self, app: WechatApp, call: _Call, flight: Flight) -> Answer:
        """Call; where the access token has ended, once more with a new one."""
        token = await self._tokens.of(app)
        answer = await self._exchange(call, {"access_token": token}, flight)
        if answer.code in TOKEN_ENDED:
            token = await self._tokens.of(app, but=token)
            answer = await self._exchange(call, {"access_token": token}, flight)
        return answer

    async def _get_token(self, app: WechatApp, but: str | None) -> Given:
        given = await self._ask_for_token(app, force=False)
        if given.token == but:
            # WeChat refuses a token and does not know that it does: another one has to be forced.
            given = await self._ask_for_token(app, force=True)
        return given

    async def _ask_for_token(self, app: WechatApp, *, force: bool) -> Given:
        asked = {
            "grant_type": "client_credential",
            "appid": app.app_id,
            "secret": app.secret.get_secret_value(),
            "force_refresh": force,
        }
        content = msgspec.json.encode(asked)
        call = _Call("stable_token", content, within=self._answer_within * _TOKEN_PART)
        try:
            answer = await self._exchange(call, {}, Flight())
        except NoAnswer as error:
            raise NoToken(f"token: {error.why}") from None
        try:
            told = msgspec.convert(answer.fields, _Token)
        except msgspec.ValidationError:
            raise NoToken("no access token", answer) from None
        return Given(told.access_token, timedelta(seconds=told.expires_in))

    async def _exchange(self, call: _Call, secrets: Mapping[str, str], flight: Flight) -> Answer:
        within = call.within or self._answer_within
        headers = {} if call.content is None else {"Content-Type": "application/json"}
        flight.is_out = True
        try:
            async with asyncio.timeout(within):
                response = await self._client.post(
                    f"{self._base}/{call.name}",
                    params={**call.query, **secrets},
                    content=call.content,
                    files=call.files,
                    headers=headers,
                    timeout=times(self._connect_within, timedelta(seconds=within)),
                )
        except (httpx.HTTPError, aiohttp.ClientError, TimeoutError, OSError) as error:
            cause = error.__cause__ or error
            # From None: the error may quote the address, and so the token.
            was_sent = not isinstance(cause, NEVER_OPENED)
            raise NoAnswer(type(cause).__name__, was_sent=was_sent) from None
        flight.is_out = False
        return answer_of(response.status_code, response.content)
