"""What holds for every text, also for those that neither WeCom nor WeChat would send."""

import json
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.callbacks import Callback, MalformedCallback
from providers.tencent.sealing import NotAuthentic
from providers.wechat.callbacks import open_push
from providers.wechat.callbacks import parse as parse_wechat
from providers.wecom.callbacks import open_callback
from providers.wecom.callbacks import parse as parse_wecom
from schemas.topics.provider_events import PROVIDER_EVENTS
from tests.given import NOON
from tests.providers.tencent.sealed import proof, sealed
from tests.providers.wechat.bodies import APP_ID, a_sent, a_text, plain_app, sealing_app
from tests.providers.wechat.bodies import an_event as a_wechat_event
from tests.providers.wecom.bodies import (
    CORP,
    Fields,
    a_message,
    a_press,
    an_event,
    as_xml,
    corp_app,
)
from tests.providers.whatsapp.test_callback_properties import anything, mutated

patient = settings(deadline=None)
"""A machine that is busy with something else is no failure."""

SELECTED = {"SelectedItem": [{"QuestionKey": "q", "OptionIds": {"OptionId": ["a", "b"]}}]}
RESULTS = [a_sent(), a_sent(ErrorCode="43101"), a_sent(MsgID=17)]
BODIES: dict[str, list[Fields]] = {
    "wecom": [a_message(), a_press(SelectedItems=SELECTED), an_event()],
    "wechat": [
        a_text(bizmsgmenuid="confirm"),
        a_wechat_event("subscribe_msg_sent_event", List=RESULTS),
        a_wechat_event("subscribe_msg_popup_event", List={"TemplateId": "t"}),
    ],
}
"""Bodies that use everything we read."""

PARSERS: dict[str, Callable[[str], Callback]] = {
    "wecom": partial(parse_wecom, corp_app("7")),
    "wechat": partial(parse_wechat, plain_app()),
}

each_channel = pytest.mark.parametrize("channel", sorted(PARSERS))


def read(channel: str, text: str) -> Callback | None:
    """Return what a text says, None where it is refused; anything else fails the test."""
    try:
        return PARSERS[channel](text)
    except MalformedCallback:
        return None


def assert_consumers_understand(callback: Callback | None) -> None:
    """Check each event against the contract that the consumers decode by."""
    for event in callback.events if callback else ():
        record = PROVIDER_EVENTS.record(event, source="/test", at=NOON)
        assert PROVIDER_EVENTS.decode(record.value) == event


@each_channel
@patient
@given(data=st.data())
def test_mutated_json_is_read_or_refused(channel: str, data: st.DataObject) -> None:
    body = data.draw(mutated(data.draw(st.sampled_from(BODIES[channel]))) | anything)

    assert_consumers_understand(read(channel, json.dumps(body)))


@each_channel
@patient
@given(data=st.data())
def test_mutated_xml_is_read_or_refused(channel: str, data: st.DataObject) -> None:
    text = list(as_xml(data.draw(st.sampled_from(BODIES[channel]))))
    places = st.dictionaries(st.integers(0, len(text) - 1), st.text(max_size=3), max_size=6)
    for place, words in data.draw(places).items():
        text[place] = words

    assert_consumers_understand(read(channel, "".join(text)))


@each_channel
@patient
@given(data=st.data())
def test_fields_that_are_gone_doubled_or_anything_are_read_or_refused(
    channel: str, data: st.DataObject
) -> None:
    fields = dict(data.draw(st.sampled_from(BODIES[channel])))
    words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)
    value = words | st.just(...) | st.lists(words, max_size=3) | st.integers()
    for name in data.draw(st.sets(st.sampled_from(sorted(fields)), max_size=4)):
        fields[name] = data.draw(value | st.dictionaries(st.just("List"), value, max_size=1))

    assert_consumers_understand(read(channel, as_xml(fields)))


@each_channel
@patient
@given(data=st.data())
def test_a_cut_text_is_refused(channel: str, data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(BODIES[channel]))
    text = data.draw(st.sampled_from([as_xml(body), json.dumps(body)]))
    length = data.draw(st.integers(0, len(text) - 1))

    assert read(channel, text[:length]) is None


@each_channel
@patient
@given(data=st.data())
def test_a_repeated_text_gives_equal_events_with_equal_ids(
    channel: str, data: st.DataObject
) -> None:
    body = data.draw(mutated(data.draw(st.sampled_from(BODIES[channel]))))

    first, again = read(channel, json.dumps(body)), read(channel, json.dumps(body))

    assert first == again
    if first is not None and again is not None:
        ids = [PROVIDER_EVENTS.event_id(event) for event in first.events]
        assert ids == [PROVIDER_EVENTS.event_id(event) for event in again.events]


@patient
@given(data=st.data(), count=st.integers(1, 5))
def test_one_broken_entry_never_loses_a_neighbour(data: st.DataObject, count: int) -> None:
    good = [a_sent(MsgID=str(number)) for number in range(count)]
    place = data.draw(st.integers(0, count))
    broken = data.draw(mutated(a_sent(MsgID="broken")))
    entries = [*good[:place], broken, *good[place:]]

    callback = read("wechat", json.dumps(a_wechat_event("subscribe_msg_sent_event", List=entries)))

    assert callback is not None
    assert len(callback.events) + len(callback.ignored) == count + 1
    ids = [PROVIDER_EVENTS.key(event) for event in callback.events]
    assert {f"{APP_ID}:{number}" for number in range(count)} <= set(ids)


@patient
@given(data=st.data())
def test_a_changed_envelope_is_opened_or_nobodys(data: st.DataObject) -> None:
    wecom, wechat = sealed(as_xml(a_message()), CORP), sealed(as_xml(a_text()), APP_ID)
    for secret, open_it in (
        (wecom, partial(open_callback, [corp_app()])),
        (wechat, partial(open_push, [sealing_app()])),
    ):
        body = bytearray(as_xml({"Encrypt": secret}).encode())
        places = st.dictionaries(st.integers(0, len(body) - 1), st.integers(0, 255), max_size=4)
        for place, byte in data.draw(places).items():
            body[place] = byte
        try:
            _, text = open_it(proof(secret), bytes(body))
        except NotAuthentic:
            continue
        assert text in {as_xml(a_message()), as_xml(a_text())}


@patient
@given(body=st.binary(max_size=300))
def test_any_bytes_are_nobodys(body: bytes) -> None:
    for open_it in (partial(open_callback, [corp_app()]), partial(open_push, [sealing_app()])):
        with pytest.raises(NotAuthentic):
            open_it(proof(), body)
