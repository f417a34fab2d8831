"""The check values of WX 8, and what must not open (simulator-behaviour 4.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.tencent.crypto import Crypto, CryptoError, pad, unpad

CRYPTO = Crypto(
    token="QDG6eK",
    aes_key="jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
    receive_id="wx5823bf96d3bd56c7",
)
TIMESTAMP, NONCE = "1409659813", "1372623149"
SALT = b"0123456789abcdef"
OFFICIAL_SAMPLE = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3Qczc"
    "dCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLj"
    "vd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMn"
    "vw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k"
    "22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2Yoy"
    "yH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="
)
ECHO = "sKqRbbiSUnDhFHOvPjtUMWzf2R8PrpMiTTPaicBgqZlYW/WsF6SiFd2z9CriX2YpWYzF1yrNNQ0SomM3ovdnfA=="


def test_the_official_sample_opens() -> None:
    message = CRYPTO.decrypt(OFFICIAL_SAMPLE)

    assert CRYPTO.sign(TIMESTAMP, NONCE, OFFICIAL_SAMPLE) == (
        "477715d11cdb4164915debcba66cb864d751f3e6"
    )
    assert len(message) == 284
    assert b"<Content><![CDATA[hello]]></Content>" in message
    assert b"<MsgId>4561255354251345929</MsgId>" in message


def test_a_message_is_sealed_as_in_the_vector_of_the_url_verification() -> None:
    sealed = CRYPTO.encrypt(b"1616140317555161061", SALT)

    assert sealed == ECHO
    assert CRYPTO.sign(TIMESTAMP, NONCE, sealed) == "a8498dda3672bf27adfc6a4a85e7a9ffa9243566"


@given(st.binary(max_size=200), st.binary(min_size=16, max_size=16))
def test_what_was_sealed_opens_to_the_same_bytes(message: bytes, salt: bytes) -> None:
    assert CRYPTO.decrypt(CRYPTO.encrypt(message, salt)) == message


def test_paddings_have_every_length_from_1_to_32() -> None:
    padded = [pad(bytes(length)) for length in range(32)]

    assert sorted(text[-1] for text in padded) == list(range(1, 33))
    assert {len(text) % 32 for text in padded} == {0}
    assert [unpad(text) for text in padded] == [bytes(length) for length in range(32)]


@pytest.mark.parametrize("value", [0, 33])
def test_a_padding_that_cannot_be_does_not_open(value: int) -> None:
    sealed = CRYPTO.encrypt_padded(pad(CRYPTO.framed(b"hello", SALT), value))

    with pytest.raises(CryptoError, match=f"padding {value}"):
        CRYPTO.decrypt(sealed)


def test_what_is_meant_for_somebody_else_does_not_open() -> None:
    other = Crypto(CRYPTO.token, "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "ww_somebody_else")

    with pytest.raises(CryptoError, match="another receiver"):
        CRYPTO.decrypt(other.encrypt(b"hello", SALT))
