"""Files of our media store at a provider: uploaded once, used while it keeps them (WA 5, IM-28).

A content may name a file by its key in our store (`schemas.topics.files.File.key`). A provider
wants an id of its own instead, which it gives for an upload and forgets after a while: WhatsApp
after 30 days, WeCom after 3.

    uploads = Uploads(store, upload, kept_for=timedelta(days=25), largest=100_000_000)
    try:
        media_id = await uploads.media_id(account, key)
    except NotUploaded as error:
        return error.reply

``upload(account, file)`` makes one call and returns the provider's id, or raises `NotUploaded`.
When a send is refused because the provider does not have the id any more: `forget` it, and where
that says True ask `media_id` again and repeat the send, once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from domain.failures import ErrorCode, Failure, Origin
from domain.outcomes import Deferred, Rejected, Reply
from runtime.errors import NotFound
from runtime.media import StoreAway
from runtime.sealed_files import FileStore

AT_ONCE: Final = 4
"""FileStore held in memory at the same time, each on its way."""
REFUSED_FOR: Final = timedelta(minutes=1)
"""A file that the provider refused is not brought to it again so soon: a campaign may name it ten
thousand times."""
NEW_FOR: Final = timedelta(minutes=10)
"""No provider forgets an upload so soon."""
MOST: Final = 10_000
"""Ids that are kept; beyond it the oldest go, and are uploaded again when they are named."""


class NotUploaded(Exception):
    """There is no id for the file; ``reply`` is what the send ends in. Nothing was sent."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(type(reply).__name__)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on its way from our store to a provider."""

    key: str
    """Ends with a dot and what kind of file it is: ``whatsapp/2026/03/0a1b2c.jpg``."""
    name: str
    """What people see; of a file without a name the last part of the key."""
    data: bytes = field(repr=False)

    @property
    def ending(self) -> str:
        """What follows the last dot of the key: ``jpg``."""
        return self.key.rpartition(".")[2]


Upload = Callable[[str, StoredFile], Awaitable[str]]
"""Brings a file to one of our accounts and returns the provider's id. Raises `NotUploaded`."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Which upload: the provider's id is good for one account and shows one name."""

    account: str
    key: str
    name: str | None


@dataclass(frozen=True, slots=True)
class _Kept:
    outcome: str | Reply
    """The provider's id, or its refusal."""
    since: float
    until: float


class Uploads:
    """The uploads of this process to one provider; each file is brought to an account by one."""

    def __init__(
        self,
        store: FileStore,
        upload: Upload,
        *,
        kept_for: timedelta,
        largest: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``kept_for``: well below the time after which the provider forgets an id."""
        self._store = store
        self._upload = upload
        self._kept_for = kept_for
        self._largest = largest
        self._clock = clock
        self._kept: dict[_Place, _Kept] = {}
        self._running: dict[_Place, asyncio.Task[str | Reply]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    async def media_id(self, account: str, key: str, *, name: str | None = None) -> str:
        """Return the provider's id of the file of that key; upload it where there is none.

        Whoever asks meanwhile waits for the same upload. It goes on when its caller is cancelled:
        a file that takes longer than one attempt is there for the next. Raises `NotUploaded`.
        """
        place = _Place(account, key, name)
        kept = self._kept.get(place)
        if kept is not None and self._clock() < kept.until:
            outcome = kept.outcome
        else:
            outcome = await asyncio.shield(self._started(place))
        if isinstance(outcome, str):
            return outcome
        raise NotUploaded(outcome)

    def forget(self, account: str, key: str, media_id: str, *, name: str | None = None) -> bool:
        """Do not use this id again: the provider says that it does not have it any more.

        Returns whether another upload may help. It does not where the id is new: what the provider
        refuses then is the file itself, and a campaign would upload it once a message.
        Where somebody else has uploaded it anew meanwhile, the new id stays.
        """
        place = _Place(account, key, name)
        kept = self._kept.get(place)
        if kept is not None and kept.outcome == media_id:
            if self._clock() < kept.since + NEW_FOR.total_seconds():
                return False
            del self._kept[place]
        return True

    async def close(self) -> None:
        """Break off what is on its way."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _started(self, place: _Place) -> asyncio.Task[str | Reply]:
        task = self._running.get(place)
        if task is None:
            task = asyncio.create_task(self._bring(place))
            self._running[place] = task
            task.add_done_callback(lambda _: self._running.pop(place))
        return task

    async def _bring(self, place: _Place) -> str | Reply:
        async with self._room:
            try:
                file = await self._read(place)
            except NotUploaded as error:
                return error.reply  # not kept: the file may come yet
            try:
                media_id = await self._upload(place.account, file)
            except NotUploaded as error:
                if isinstance(error.reply, Rejected):
                    self._keep(place, error.reply, REFUSED_FOR)
                return error.reply
        self._keep(place, media_id, self._kept_for)
        return media_id

    def _keep(self, place: _Place, outcome: str | Reply, time: timedelta) -> None:
        self._kept.pop(place, None)
        now = self._clock()
        self._kept[place] = _Kept(outcome, now, now + time.total_seconds())
        if len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]

    async def _read(self, place: _Place) -> StoredFile:
        data = bytearray()
        try:
            async for piece in await self._store.get(place.key):
                data += piece
                if len(data) > self._largest:
                    raise refused(f"the file has more than {self._largest} bytes")
        except NotFound as error:
            raise refused("the media store has no file of this key") from error
        except StoreAway as error:
            away = Failure(ErrorCode.NETWORK_ERROR, Origin.LOCAL, detail="media store away")
            raise NotUploaded(Deferred(away)) from error
        if not data:
            raise refused("the file is empty")
        return StoredFile(place.key, place.name or place.key.rpartition("/")[2], bytes(data))


def refused(detail: str) -> NotUploaded:
    """Return what is raised for a file that cannot be sent, in our own plain words."""
    return NotUploaded(Rejected(Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail=detail)))
