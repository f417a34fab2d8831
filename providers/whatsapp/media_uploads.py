"""Brings files of our media store to a number's files at Meta (WA 5)."""

from datetime import timedelta
from typing import Final

from domain.outcomes import Deferred
from providers.uploads import NotUploaded, StoredFile, Uploads, refused
from providers.whatsapp.answers import network_error, object_of, reply_to_error
from providers.whatsapp.files import LARGEST, TYPES
from providers.whatsapp.graph import GraphApi, Unanswered
from runtime.sealed_files import FileStore

KEPT_FOR: Final = timedelta(days=25)
"""Meta keeps an upload for 30 days."""


def uploads_to(api: GraphApi, store: FileStore, within: timedelta) -> Uploads:
    """Return the uploads of the store's files; ``within``: for bringing one of them."""

    async def upload(account: str, file: StoredFile) -> str:
        return await _upload(api, account, file, within)

    return Uploads(store, upload, kept_for=KEPT_FOR, largest=LARGEST)


async def _upload(api: GraphApi, account: str, file: StoredFile, within: timedelta) -> str:
    kind = TYPES.get(file.ending)
    if kind is None:
        raise refused("WhatsApp takes no files of this type")
    if len(file.data) > kind.largest:
        raise refused(f"a file of type {kind.mime_type} may have {kind.largest} bytes")
    try:
        response = await api.upload(account, file, kind.mime_type, within=within)
    except Unanswered as error:
        # An upload that nobody names is not seen by anybody: it may be made again.
        raise NotUploaded(Deferred(error.failure)) from error
    body = object_of(response)
    media_id = body.get("id")
    if response.is_success and isinstance(media_id, str) and media_id:
        return media_id
    if "error" in body or not response.is_success:
        raise NotUploaded(reply_to_error(response))
    raise NotUploaded(Deferred(network_error("upload: answer without an id")))
