"""Brings files of our store to WeCom: as uploads, which last three days, or inside a call (WX 7).

An upload belongs to who made it and to a kind, so the account of an upload is
``<sender>/<kind>``, a robot's ``robot:<name>/<kind>``.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Final

import msgspec

from domain.outcomes import Deferred, Scope
from providers.uploads import NotUploaded, StoredFile, Uploads, refused
from providers.wecom.api import WecomApi
from providers.wecom.api_settings import WecomApp, WecomRobot, WecomSendSettings
from providers.wecom.carrying import PICTURE, Wanted
from providers.wecom.forms import form_of
from providers.wecom.media import LARGEST
from providers.wecom.replies import network, reply_of, without_doubt
from providers.wecom.robot_messages import LARGEST_PICTURE
from providers.wecom.tokens import CallFailed
from runtime.errors import NotFound
from runtime.media import StoreAway
from runtime.sealed_files import FileStore

_KEPT_FOR: Final = timedelta(days=2.5)
"""WeCom keeps an upload for three days."""
_UPLOADED_WITHIN: Final = timedelta(minutes=2)
"""20 MB at 170 kB a second."""


class _Uploaded(msgspec.Struct):
    media_id: Annotated[str, msgspec.Meta(min_length=1)]


class Files:
    """The files of one process' sends."""

    def __init__(
        self,
        api: WecomApi,
        settings: WecomSendSettings,
        store: FileStore,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._store = store
        self._apps = {app.sender_id: app for app in settings.wecom_apps}
        self._robots = {f"robot:{robot.name}": robot for robot in settings.wecom_robots}
        self._uploads = Uploads(
            store,
            self._upload,
            kept_for=_KEPT_FOR,
            largest=max(LARGEST.values()),
            clock=clock,
        )

    async def ids_of(
        self, by: WecomApp | WecomRobot, wanted: Sequence[Wanted]
    ) -> dict[Wanted, str]:
        """Return what stands for each file in a call. Raises `NotUploaded`."""
        ids: dict[Wanted, str] = {}
        for each in wanted:
            if each.kind == PICTURE:
                ids[each] = await self._picture(each.key)
            else:
                account = _account(by, each.kind)
                ids[each] = await self._uploads.media_id(account, each.key, name=each.name)
        return ids

    def forget(self, by: WecomApp | WecomRobot, ids: Mapping[Wanted, str]) -> bool:
        """Do not use these ids again; return whether other uploads may help."""
        kept = [
            self._uploads.forget(_account(by, each.kind), each.key, media_id, name=each.name)
            for each, media_id in ids.items()
            if each.kind != PICTURE
        ]
        return any(kept)

    async def close(self) -> None:
        """Break off what is on its way."""
        await self._uploads.close()

    async def _upload(self, account: str, file: StoredFile) -> str:
        """Bring one file to WeCom and return its media id. Raises `NotUploaded`."""
        owner, _, kind = account.rpartition("/")
        largest = LARGEST[kind]
        if len(file.data) > largest:
            raise refused(f"the file has {len(file.data)} bytes; WeCom takes {largest}")
        form = form_of(file.name, file.ending, file.data)
        robot = self._robots.get(owner)
        try:
            async with asyncio.timeout(_UPLOADED_WITHIN.total_seconds()):
                if robot is not None:
                    answer = await self._api.robot_upload(robot, kind, form)
                else:
                    answer = await self._api.upload(self._apps[owner], kind, form)
            return msgspec.json.decode(answer, type=_Uploaded).media_id
        except CallFailed as error:
            scope = Scope.SENDER if robot is None else Scope.RECIPIENT
            raise NotUploaded(without_doubt(reply_of(error, scope))) from None
        except TimeoutError:
            raise NotUploaded(Deferred(network("upload: TimeoutError"))) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise NotUploaded(Deferred(network("upload: answer without an id"))) from None

    async def _picture(self, key: str) -> str:
        """Return a picture of our store in Base64. Raises `NotUploaded`."""
        data = bytearray()
        try:
            async for piece in await self._store.get(key):
                data += piece
                if len(data) > LARGEST_PICTURE:
                    raise refused(f"a robot's picture may have {LARGEST_PICTURE} bytes")
        except NotFound:
            raise refused("the media store has no file of this key") from None
        except StoreAway:
            raise NotUploaded(Deferred(network("media store away"))) from None
        return b64encode(data).decode()


def _account(by: WecomApp | WecomRobot, kind: str) -> str:
    owner = by.sender_id if isinstance(by, WecomApp) else f"robot:{by.name}"
    return f"{owner}/{kind}"
