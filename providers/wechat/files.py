"""Brings pictures of our media store to WeChat, which keeps them for three days (WX 14, WX 7)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.outcomes import Deferred
from providers.uploads import NotUploaded, StoredFile, Uploads, refused
from providers.wechat.api import NoAnswer, NoToken, WechatApi
from providers.wechat.api_settings import WechatApp
from providers.wechat.replies import (
    Answer,
    network,
    refusal_of,
    refusal_of_token,
    without_doubt,
)
from runtime.sealed_files import FileStore

KEPT_FOR: Final = timedelta(days=2.5)
LARGEST: Final = 10 * 1_024 * 1_024
"""Bytes of a picture."""
_UPLOADED_WITHIN: Final = timedelta(minutes=1)
_PICTURES: Final = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
}


def uploads_to(
    api: WechatApi,
    apps: Mapping[str, WechatApp],
    store: FileStore,
    clock: Callable[[], float],
) -> Uploads:
    """Return the uploads of the store's pictures; an account is an app's id."""

    async def upload(account: str, file: StoredFile) -> str:
        mime_type = _PICTURES.get(file.ending)
        if mime_type is None:
            raise refused("WeChat takes pictures of the types JPEG and PNG only")
        try:
            answer = await api.upload(apps[account], "image", file, mime_type, _UPLOADED_WITHIN)
        except (NoToken, NoAnswer) as error:
            if isinstance(error, NoToken) and error.answer is not None:
                raise NotUploaded(refusal_of_token(error.answer, datetime.now(UTC))) from None
            raise NotUploaded(Deferred(network(f"upload: {error.why}"))) from None
        return _id_in(answer)

    return Uploads(store, upload, kept_for=KEPT_FOR, largest=LARGEST, clock=clock)


def _id_in(answer: Answer) -> str:
    media_id = answer.fields.get("media_id")
    if isinstance(media_id, str) and media_id:
        return media_id
    # An upload that nobody names is not seen by anybody: it may be made again.
    raise NotUploaded(without_doubt(refusal_of(answer, datetime.now(UTC))))
