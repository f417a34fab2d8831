"""The recipe for systems upstream: what it seals, our services open."""

import pytest
from pydantic import SecretStr

from examples.sealing.seal import seal
from runtime.kafka.sealing import TopicKeys, TopicKeySettings
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.topic import Outgoing
from tests.given import NOON, a_send_request

SECRET = "a key that services and upstream share"
KEYS = TopicKeys(TopicKeySettings(topic_encryption_key=SecretStr(SECRET)))


@pytest.mark.parametrize("event_id", ["", "order-17-ready"])
def test_what_upstream_seals_our_services_open(event_id: str) -> None:
    request = a_send_request()
    clear = SEND_REQUESTS.record(request, source="/test", at=NOON)

    sealed = seal(SEND_REQUESTS.name, clear.key, clear.value, SECRET, event_id=event_id)
    record = Outgoing(SEND_REQUESTS.name, clear.key, sealed.value, tuple(sealed.headers))

    assert b"content" not in sealed.value
    assert KEYS.decode(SEND_REQUESTS, record) == request
