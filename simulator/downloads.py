"""How the bytes of a file reach whoever fetches it, or do not."""

from simulator import faults
from simulator.conduct import Outcome
from simulator.media import Fault, File
from simulator.wire import Answer, Headers

_ENDLESS_CHUNK = bytes(1024 * 1024)
_ENDLESS_CHUNKS = 256


async def _pour(exchange: faults.Exchange, answer: Answer) -> None:
    """Send far more than was announced, until the client has had enough."""
    start = {"type": "http.response.start", "status": 200, "headers": list(answer.headers)}
    await exchange.send(start)
    await exchange.send({"type": "http.response.body", "body": answer.body, "more_body": True})
    for _ in range(_ENDLESS_CHUNKS):
        if faults.is_cut(exchange):
            return
        part = {"type": "http.response.body", "body": _ENDLESS_CHUNK, "more_body": True}
        await exchange.send(part)
    await exchange.send({"type": "http.response.body", "body": b""})


async def _redirect(exchange: faults.Exchange, answer: Answer) -> None:
    del answer
    await faults.redirect(exchange)


async def _tamper(exchange: faults.Exchange, answer: Answer) -> None:
    other = answer.body[:-1] + bytes([answer.body[-1] ^ 1])
    await faults.answer(exchange, Answer(200, other, answer.headers))


# Fault -> what is answered in the file's place, and how an answer is given.
_ANSWERS: dict[Fault, Answer] = {
    "download_404": Answer(404, b"", ()),
    "download_500": Answer(500, b"", ()),
    "redirect": Answer(302, b"", ()),
}
_WAYS: dict[Fault, faults.After] = {
    "slow": faults.drip,
    "too_large": _pour,
    "redirect": _redirect,
    "tampered": _tamper,
}


def outcome(file: File, headers: Headers) -> Outcome:
    """Return how a download of this file ends."""
    answer = Answer(200, file.data, headers)
    fault = file.befalls(*_ANSWERS, *_WAYS)
    if fault is None:
        return Outcome(answer, "answered")
    answer = _ANSWERS.get(fault, answer)
    return Outcome(answer, "answered", fault=f"media.{fault}", give=_WAYS.get(fault))
