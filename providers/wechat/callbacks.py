"""What a push of a WeChat mini-program or service account tells us (PC-11, CF-27, WX 14).

People write to the app, press entries of its menus, and consent to subscribe messages or no longer
do; and WeChat tells what became of a subscribe message. Everything else becomes a notice, whether
we know its words or not.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

from domain.answers import choice_of
from providers.callbacks import Callback, Ignored, MalformedCallback, Reason
from providers.tencent import parts
from providers.tencent.apps import App
from providers.tencent.bodies import Fields, read
from providers.tencent.sealing import NotAuthentic, Proof, unseal
from providers.wechat.entries import LONGEST_ENTRY, parts_of
from providers.wechat.failures import LONGEST_CODE, SUCCESS, failure_of, reason_of
from schemas.topics.provider_events import (
    CallbackEvent,
    MessageReceived,
    NoticeReceived,
    ProviderError,
    StatusReported,
)

_SENT: Final = "subscribe_msg_sent_event"
_LISTS: Final = {
    _SENT: "SubscribeMsgSentEvent",
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
}
"""Events with an entry a template, and the element around them; in JSON ``List`` stands alone."""


def open_push(signing: Sequence[App], proof: Proof | None, body: bytes) -> tuple[App, str]:
    """Return whose push a body is, and its text; raise `NotAuthentic` where it is nobody's.

    ``signing`` are the apps whose token signs the query, ``proof`` is the one over what is
    encrypted. An app with a key is heard only encrypted: the plain signature does not cover the
    body, so who overheard one could write anything under it. While encryption is being introduced
    the app is listed with and without its key, and what claims to be encrypted has to be.
    """
    if proof is not None and any(app.key is not None for app in signing):
        return _unsealed(signing, proof, body)
    for app in signing:
        if app.key is None:
            # One byte that is no UTF-8 does not cost what else the person wrote.
            return app, body.decode(errors="replace")
    raise NotAuthentic


def parse(app: App, text: str) -> Callback:
    """Return what an authentic push says.

    The same text gives equal events with equal ids, so a repeated push changes nothing (IM-04).
    Raises `MalformedCallback` where it is neither an event nor a message that can be told apart;
    of several entries in one event, a broken one never costs its neighbours.
    """
    fields = read(text)
    # In the compatible mode both forms come at once, and this one differs in each repetition.
    fields.pop("Encrypt", None)
    if parts.kind_of(fields) != parts.EVENT:
        return Callback((_message(app, fields),))
    event = parts.text_of(fields, "Event")
    if event in _LISTS and (entries := _entries(fields, _LISTS[event])):
        return _of_entries(app, fields, event, entries)
    return Callback((_notice(app, fields),))


def _unsealed(signing: Sequence[App], proof: Proof, body: bytes) -> tuple[App, str]:
    try:
        sealed = read(body.decode()).get("Encrypt")
    except ValueError as error:
        raise NotAuthentic from error
    if not isinstance(sealed, str):
        raise NotAuthentic
    return unseal(signing, proof, sealed.strip())


def _message(app: App, fields: Fields) -> MessageReceived:
    """Return what somebody wrote; a pressed menu entry comes as a text with the entry's id."""
    entry = parts.text_of(fields, "bizmsgmenuid", LONGEST_ENTRY)
    key, about = (None, "") if entry is None else parts_of(entry)
    words = parts.text_of(fields, "Content")
    choices = (choice_of(each) for each in (key, words) if each is not None)
    return parts.message(
        "wechat",
        app,
        fields,
        sender_id=app.account_id,
        choice=next(filter(None, choices), None),
        about=about if 0 < len(about) <= parts.LONGEST_ABOUT else None,
    )


def _notice(app: App, fields: Fields) -> NoticeReceived:
    person = parts.text_of(fields, "FromUserName")
    return parts.notice("wechat", app, fields, kind=parts.event_kind(fields), about=person)


def _entries(fields: Fields, holder: str) -> list[object]:
    """Return an event's entries; one alone is no list in either form."""
    around: object = fields.get(holder, fields)
    found = cast("Fields", around).get("List") if isinstance(around, dict) else None
    if found is None:
        return []
    return cast("list[object]", found) if isinstance(found, list) else [found]


def _of_entries(app: App, fields: Fields, event: str, entries: list[object]) -> Callback:
    events: list[CallbackEvent] = []
    ignored: list[Ignored] = []
    for place, entry in enumerate(entries):
        try:
            events.append(_of_entry(app, fields, event, entry))
        except MalformedCallback as broken:
            where = f"List[{place}].{broken.field}"
            ignored.append(Ignored(Reason.MALFORMED, where, broken.problem))
    return Callback(tuple(events), tuple(ignored))


def _of_entry(app: App, fields: Fields, event: str, entry: object) -> CallbackEvent:
    if not isinstance(entry, dict):
        raise MalformedCallback("entry", "must be an object")
    own = cast("Fields", entry)
    if event == _SENT:
        return _sent(app, fields, own)
    told = dict(_told_by_all(fields)) | {"List": own}
    return _notice(app, told)


def _told_by_all(fields: Fields) -> Iterator[tuple[str, Any]]:
    """Yield what holds for each entry; short, since each of them repeats it."""
    for name in ("FromUserName", "CreateTime", "Event"):
        text = parts.text_of(fields, name)
        if text is not None:
            yield name, text


def _sent(app: App, fields: Fields, entry: Fields) -> StatusReported:
    """Return what became of one subscribe message. Nothing later than this is ever told."""
    code = parts.required(entry, "ErrorCode", LONGEST_CODE)
    words = parts.text_of(entry, "ErrorStatus")
    failure = None if code == SUCCESS else reason_of(failure_of(code, words))
    return StatusReported(
        channel="wechat",
        provider_message_id=f"{app.account_id}:{parts.required(entry, 'MsgID', 64)}",
        status="sent" if failure is None else "failed",
        occurred_at=parts.required_moment(fields),
        sender_id=app.account_id,
        account_id=app.account_id,
        failure=failure,
        errors=() if failure is None else (ProviderError(code=code, title=words),),
    )
