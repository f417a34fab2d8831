"""What is fuzzed: one row a reader of bytes from outside."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from providers.callbacks import Callback, MalformedCallback
from providers.tencent.sealing import NotAuthentic, unseal
from providers.wechat import callbacks as wechat
from providers.wecom import callbacks as wecom
from providers.whatsapp import callbacks as whatsapp
from runtime.errors import InvalidInput
from runtime.signed_links import token_for
from schemas.http.previews import PreviewLink
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.topic import MalformedRecord
from services.ingest_webhook.fields import fields_of_form, fields_of_json
from services.ingest_webhook.previews.answers import Desk, Fields, answer_of
from services.ingest_webhook.refusals import Refused
from tests.providers.tencent.sealed import encrypted, packed, padded, proof, sealed
from tests.providers.wechat import bodies as wechat_bodies
from tests.providers.wechat.bodies import plain_app
from tests.providers.wecom import bodies as wecom_bodies
from tests.providers.wecom.bodies import corp_app
from tests.providers.whatsapp import bodies

AT: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NUL: Final = "contains the character NUL"
"""The one thing that a reader may pass on and the topic refuses: it is dead-lettered."""


@dataclass(frozen=True, slots=True)
class Target:
    """A reader of bytes."""

    name: str
    seeds: tuple[bytes, ...]
    """Good bodies, from which bad ones are made."""
    read: Callable[[bytes], object]
    """Reads a body, and raises `AssertionError` where what came of it is wrong."""
    refusals: tuple[type[Exception], ...]
    """How it may say no. Anything else that it raises would be a 500."""


def _understood(parse: Callable[[bytes], Callback]) -> Callable[[bytes], None]:
    """Return a reader whose events must be records that consumers can read, each time equal."""

    def read(body: bytes) -> None:
        told = parse(body)
        records = PROVIDER_EVENTS.records(told.events, source="/fuzz", at=AT)
        assert records == PROVIDER_EVENTS.records(parse(body).events, source="/fuzz", at=AT)
        for event, record in zip(told.events, records, strict=True):
            assert record.key, "a record without a key keeps no order"
            try:
                assert PROVIDER_EVENTS.decode(record.value) == event
            except MalformedRecord as error:
                if error.problem != NUL:
                    raise

    return read


def _whatsapp_seeds() -> tuple[bytes, ...]:
    failed = {"code": 131026, "title": "Undeliverable", "error_data": {"details": "x"}}
    contacts = [{"profile": {"name": "Ada"}, "wa_id": "16505551234"}]
    change = bodies.a_change
    statuses = [
        bodies.a_status(biz_opaque_callback_data="msg_1"),
        bodies.a_status(status="failed", errors=[failed]),
        bodies.a_status(status="sent", conversation={"id": "c", "origin": {"type": "utility"}}),
    ]
    messages = [
        bodies.a_message(),
        bodies.a_message(type="image", image={"id": "1", "mime_type": "image/jpeg", "sha256": "x"}),
        bodies.a_message(type="button", button={"payload": "p", "text": "Yes"}),
        bodies.a_message(context={"from": "16505551234", "id": "wamid.x"}),
    ]
    notice = {"field": "account_update", "value": {"event": "VERIFIED_ACCOUNT"}}
    return tuple(
        map(
            bodies.encoded,
            (
                bodies.an_envelope(change(statuses=statuses)),
                bodies.an_envelope(change(messages=messages, contacts=contacts), notice),
                bodies.an_envelope(change(statuses=statuses[:1]), change(messages=messages[:1])),
                bodies.a_flat_status(),
                bodies.a_flat_status(status="failed", error={"code": 1, "title": "x"}),
            ),
        )
    )


def _wecom(body: bytes) -> Callback:
    return wecom.parse(corp_app("7"), body.decode(errors="replace"))


def _wechat(body: bytes) -> Callback:
    return wechat.parse(plain_app(), body.decode(errors="replace"))


def _both_forms(*fields: wecom_bodies.Fields) -> tuple[bytes, ...]:
    forms = [(wecom_bodies.as_xml(each), json.dumps(each)) for each in fields]
    return tuple(form.encode() for pair in forms for form in pair)


_SECRET: Final = sealed(wecom_bodies.as_xml(wecom_bodies.a_message()))
_PROOF: Final = proof(_SECRET)


def _envelope(body: bytes) -> None:
    """Open an envelope; whatever is changed in it, what is under the seal is not."""
    _, text = wecom.open_callback([corp_app()], _PROOF, body)
    assert text == wecom_bodies.as_xml(wecom_bodies.a_message())


def _under_the_seal(body: bytes) -> None:
    """Decrypt whole blocks that somebody who knows token and key has encrypted."""
    secret = encrypted(body[: len(body) // 16 * 16])
    unseal([corp_app()], proof(secret), secret)


_PICKED: Final = {"SelectedItem": [{"QuestionKey": "q", "OptionIds": {"OptionId": ["a", "b"]}}]}

_WECOM_SEEDS: Final = _both_forms(
    wecom_bodies.a_message(),
    wecom_bodies.a_message(MsgType="voice", Content=None, MediaId="m", Format="amr"),
    wecom_bodies.a_press(SelectedItems=_PICKED),
    wecom_bodies.an_event(),
)
_WECHAT_SEEDS: Final = _both_forms(
    wechat_bodies.a_text(bizmsgmenuid="confirm"),
    wechat_bodies.an_event(
        "subscribe_msg_sent_event",
        SubscribeMsgSentEvent={
            "List": [wechat_bodies.a_sent(), wechat_bodies.a_sent(ErrorCode="43101")]
        },
    ),
    wechat_bodies.an_event("subscribe_msg_popup_event", List={"TemplateId": "t"}),
)
_PLAIN_SEEDS: Final = tuple(
    padded(content, 32 - len(content) % 32)
    for content in (packed(b"hello"), packed("确认".encode() * 20), packed(b""))
)

_LINK: Final = PreviewLink("p", "t", "三月", "wechat", "wx_app", "openid")
_LINK_KEY: Final = b"fuzz" * 8
_DESK: Final = Desk((_LINK_KEY,), lambda: AT)
_BODY: Final = {
    "previewId": _LINK.preview_id,
    "response": "modify",
    "comment": "三点 <b>",
    "token": token_for(_LINK, until=AT + timedelta(days=1), key=_LINK_KEY),
}


def _answer(fields_of: Callable[[bytes], Fields]) -> Callable[[bytes], None]:
    """Return a reader that must find the one link there is, and make a readable record of it."""

    def read(body: bytes) -> None:
        fields = fields_of(body)
        link = _DESK.opened(fields.get("token"))
        assert link == _LINK, "a link was forged"
        event = answer_of(link, fields).as_event(AT)
        record = PROVIDER_EVENTS.record(event, source="/fuzz", at=AT)
        assert PROVIDER_EVENTS.decode(record.value) == event

    return read


TARGETS: Final = (
    Target(
        "whatsapp-callbacks", _whatsapp_seeds(), _understood(whatsapp.parse), (MalformedCallback,)
    ),
    Target("wecom-callbacks", _WECOM_SEEDS, _understood(_wecom), (MalformedCallback,)),
    Target("wechat-pushes", _WECHAT_SEEDS, _understood(_wechat), (MalformedCallback,)),
    Target(
        "wecom-envelopes",
        _both_forms({"ToUserName": "ww_corp", "Encrypt": _SECRET}, {"Encrypt": _SECRET}),
        _envelope,
        (NotAuthentic,),
    ),
    Target("wecom-decryption", _PLAIN_SEEDS, _under_the_seal, (NotAuthentic,)),
    Target(
        "preview-answers",
        (json.dumps(_BODY).encode(), json.dumps(_BODY, ensure_ascii=False).encode()),
        _answer(fields_of_json),
        (InvalidInput, Refused),
    ),
    Target(
        "preview-forms",
        (urlencode(_BODY).encode(),),
        _answer(fields_of_form),
        (InvalidInput, Refused),
    ),
)
