"""Media: upload, look-up by id, download by address, delete (section 2.1; WA 5)."""

import hmac
from urllib.parse import urlencode

import msgspec

from simulator import conduct, downloads
from simulator.forms import parts_of
from simulator.media import File, FileOrder
from simulator.whatsapp import checks
from simulator.whatsapp.call import Call
from simulator.whatsapp.refusals import Refusal
from simulator.wire import Answer
from simulator.world import World

DOWNLOAD_PATH = "/whatsapp_business/attachments/"
LARGEST_UPLOAD = 101_000_000
INBOUND_KEPT_S = 7 * 86_400.0
_ADDRESS_LIVES_S = 300
_KB, _MB = 1024, 1024 * 1024

Outcome = Answer | Refusal

# WA 5: what may be uploaded, and its largest size.
_AUDIO = ("aac", "amr", "mpeg", "mp4", "ogg")
_OFFICE = (
    "pdf",
    "msword",
    "vnd.ms-excel",
    "vnd.ms-powerpoint",
    "vnd.openxmlformats-officedocument.wordprocessingml.document",
    "vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "vnd.openxmlformats-officedocument.presentationml.presentation",
)
_LARGEST: dict[str, int] = {
    "image/jpeg": 5 * _MB,
    "image/png": 5 * _MB,
    "image/webp": 500 * _KB,
    **{f"audio/{kind}": 16 * _MB for kind in _AUDIO},
    "video/mp4": 16 * _MB,
    "video/3gpp": 16 * _MB,
    "text/plain": 100 * _MB,
    **{f"application/{kind}": 100 * _MB for kind in _OFFICE},
}


def keep(world: World, order: FileOrder, keeps_s: float | None = None) -> File:
    """Put a file on the account's shelf under an id of its own."""
    shelf = world.account.media
    # With the moment: a sandbox started again must not give an id that the product still knows.
    chance = world.chance("whatsapp.media", f"{world.clock.now()}{len(shelf)}")
    return shelf.put(chance.digits("id", 16), order, keeps_s)


def address_of(world: World, file: File, public_url: str) -> str:
    """Return where the file can be fetched for the next five minutes, with the token."""
    until = str(int(world.clock.now()) + _ADDRESS_LIVES_S)
    query = urlencode({"mid": file.id, "ext": until, "hash": _seal(world, file.id, until)})
    return f"{public_url}{DOWNLOAD_PATH}?{query}"


def _seal(world: World, media_id: str, until: str) -> str:
    return hmac.digest(world.account.app_secret, f"{media_id}{until}".encode(), "sha256").hex()


async def upload(world: World, call: Call) -> Outcome:
    """POST /{phone-number-id}/media: a form with messaging_product, type and file."""
    form = parts_of(call.content_type, call.body)
    if form is None:
        return Refusal(100, "The body must be multipart/form-data.")
    if "messaging_product" not in form or form["messaging_product"].content != b"whatsapp":
        return Refusal(100, "The parameter messaging_product is required.")
    if "file" not in form:
        return Refusal(100, "The parameter file is required.")
    announced = form["type"].content.decode(errors="replace") if "type" in form else ""
    largest = _LARGEST.get(announced.partition(";")[0].strip())
    if largest is None:
        return Refusal(100, f"Param file must be a file with one of the types {sorted(_LARGEST)}.")
    if len(form["file"].content) > largest:
        return Refusal(131053, f"The file is larger than {largest} bytes.")
    content, filename = form["file"]
    order = FileOrder(base64=content, mime_type=announced, filename=filename or None)
    return _json({"id": keep(world, order).id})


async def look_up(world: World, call: Call) -> Outcome:
    """GET /{media-id}: what it is, and an address that works for five minutes."""
    file = _file(world, call)
    if isinstance(file, Refusal):
        return file
    if file.befalls("lookup_404"):
        return Answer(404, b'{"error":{"message":"Not found","type":"OAuthException","code":1}}')
    return _json(
        {
            "url": address_of(world, file, f"http://{call.host}"),
            "mime_type": file.mime_type,
            "sha256": file.digest.hex(),
            "file_size": file.file_size,
            "id": file.id,
            "messaging_product": "whatsapp",
        }
    )


async def delete(world: World, call: Call) -> Outcome:
    """DELETE /{media-id}."""
    file = _file(world, call)
    if isinstance(file, Refusal):
        return file
    world.account.media.remove(file.id)
    return _json({"success": True})


async def download(world: World, call: Call) -> conduct.Outcome:
    """GET an address: 401 without the token, 404 once it is old."""
    media_id, until = call.query.get("mid", ""), call.query.get("ext", "")
    given = call.query.get("hash", "").encode()
    is_ours = hmac.compare_digest(_seal(world, media_id, until).encode(), given)
    is_alive = is_ours and world.clock.now() < int(until)
    file = world.account.media.find(media_id) if is_alive else None
    if not world.account.is_token(call.token):
        return conduct.Outcome(Answer(401, b"", ()), "refused")
    if file is None:
        return conduct.Outcome(Answer(404, b"", ()), "refused")
    return downloads.outcome(file, ((b"content-type", file.mime_type.encode()),))


def _file(world: World, call: Call) -> File | Refusal:
    """Return the file of the path, if it belongs to the number that may be named."""
    file = world.account.media.find(call.sender)
    number = call.query.get("phone_number_id")
    if file is None or (number is not None and number not in world.account.displays):
        return checks.no_such_object(call.sender)
    return file


def _json(body: dict[str, object]) -> Answer:
    return Answer(200, msgspec.json.encode(body))
