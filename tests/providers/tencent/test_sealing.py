"""What is taken for authentic: the official vectors, and nothing that is not whole (WX 8)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.tencent.apps import App
from providers.tencent.sealing import NotAuthentic, Proof, signature_of, signers, unseal
from tests.given import NOON
from tests.providers.tencent.sealed import (
    KEY,
    NONCE,
    OTHER_KEY,
    TOKEN,
    an_app,
    encrypted,
    key_of,
    packed,
    padded,
    proof,
    sealed,
)

OFFICIAL = an_app("wx5823bf96d3bd56c7")
TIMESTAMP = "1409659813"

MESSAGE = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj9"
    "11L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DO"
    "dnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03"
    "v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpN"
    "elZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q"
    "=="
)
MESSAGE_SIGNATURE = "477715d11cdb4164915debcba66cb864d751f3e6"
ECHO = "sKqRbbiSUnDhFHOvPjtUMWzf2R8PrpMiTTPaicBgqZlYW/WsF6SiFd2z9CriX2YpWYzF1yrNNQ0SomM3ovdnfA=="
ECHO_SIGNATURE = "a8498dda3672bf27adfc6a4a85e7a9ffa9243566"

SEALED = encrypted(padded(packed(b"hello"), 32 - len(packed(b"hello"))))

patient = settings(deadline=None)


def opened(text: str, *apps: App) -> tuple[App, str]:
    """Open what is rightly signed."""
    return unseal(apps or [an_app()], proof(text), text)


def is_refused(text: str, *apps: App) -> bool:
    """Return whether something rightly signed is taken for nobody's; other errors fail the test."""
    try:
        opened(text, *apps)
    except NotAuthentic:
        return True
    return False


class TestOfficialVectors:
    def test_the_sample_message_is_opened(self) -> None:
        app, text = unseal([OFFICIAL], Proof(MESSAGE_SIGNATURE, TIMESTAMP, NONCE), MESSAGE)

        assert app is OFFICIAL
        assert len(text.encode()) == 284
        for part in ("<FromUserName><![CDATA[mycreate]]>", "hello", "4561255354251345929"):
            assert part in text

    def test_the_sample_of_a_verification_is_opened(self) -> None:
        _, text = unseal([OFFICIAL], Proof(ECHO_SIGNATURE, TIMESTAMP, NONCE), ECHO)

        assert text == "1616140317555161061"

    @pytest.mark.parametrize("place", range(40))
    def test_one_changed_digit_of_the_signature_is_noticed(self, place: int) -> None:
        digit = "0" if ECHO_SIGNATURE[place] != "0" else "1"
        changed = ECHO_SIGNATURE[:place] + digit + ECHO_SIGNATURE[place + 1 :]

        with pytest.raises(NotAuthentic):
            unseal([OFFICIAL], Proof(changed, TIMESTAMP, NONCE), ECHO)

    @pytest.mark.parametrize(
        "signature",
        ["", ECHO_SIGNATURE.upper(), ECHO_SIGNATURE + "0", ECHO_SIGNATURE[:-1], "ü" * 40, "\ud800"],
    )
    def test_what_is_no_signature_does_not_fit(self, signature: str) -> None:
        with pytest.raises(NotAuthentic):
            unseal([OFFICIAL], Proof(signature, TIMESTAMP, NONCE), ECHO)

    def test_a_text_changed_under_a_right_signature_is_noticed(self) -> None:
        with pytest.raises(NotAuthentic):
            unseal([OFFICIAL], Proof(ECHO_SIGNATURE, TIMESTAMP, NONCE), ECHO.replace("s", "t", 1))

    @pytest.mark.parametrize(("timestamp", "nonce"), [("1409659814", NONCE), (TIMESTAMP, "1")])
    def test_time_and_nonce_are_signed_too(self, timestamp: str, nonce: str) -> None:
        with pytest.raises(NotAuthentic):
            unseal([OFFICIAL], Proof(ECHO_SIGNATURE, timestamp, nonce), ECHO)


class TestWhatIsUnderTheSeal:
    @pytest.mark.parametrize("text", ["", "x", "确认", "😀" * 1_000])
    def test_what_the_library_seals_is_opened(self, text: str) -> None:
        assert opened(sealed(text))[1] == text

    @pytest.mark.parametrize("padding", range(1, 33))
    def test_each_padding_up_to_a_block_of_32_is_right(self, padding: int) -> None:
        content = packed(b"x" * (37 - padding))

        assert opened(encrypted(padded(content, padding)))[1] == "x" * (37 - padding)

    @pytest.mark.parametrize(
        "plain",
        [
            packed(b"x" * 5) + b"\x00" * 32,
            packed(b"x" * 4) + bytes([33]) * 33,
            packed(b"x" * 5) + b"\xff" * 32,
            packed(b"x" * 5) + b"\x1f" + b"\x20" * 31,
            padded(packed(b"x" * 5), 16),
            packed(b"x" * 5),
            b"\x20" * 32,
            b"\x10" * 16,
            b"\x01" * 32,
        ],
        ids=[
            "padding 0",
            "padding 33",
            "padding 255",
            "one byte of the padding differs",
            "padded to 16 only",
            "no padding",
            "nothing but padding",
            "one block of AES",
            "no room for a length",
        ],
    )
    def test_a_wrong_padding_is_nobodys(self, plain: bytes) -> None:
        assert is_refused(encrypted(plain))

    @pytest.mark.parametrize(
        "content",
        [
            packed(b"hello", receiver=b"ww_foreign"),
            packed(b"hello", receiver=b""),
            packed(b"hello", receiver=b"ww_corp2"),
            packed(b"hello", length=4),
            packed(b"hello", length=6),
            packed(b"hello", length=2**32 - 1),
            packed(b"\xff\xfe hello"),
        ],
        ids=[
            "foreign receiver",
            "no receiver",
            "a receiver that begins like ours",
            "length too small",
            "length too large",
            "length far too large",
            "not UTF-8",
        ],
    )
    def test_a_message_that_is_not_whole_or_not_for_us_is_nobodys(self, content: bytes) -> None:
        assert is_refused(encrypted(padded(content, 32 - len(content) % 32)))

    @pytest.mark.parametrize(
        "text",
        ["", "=", "a", "abc", "====", "!" * 44, "确认", SEALED[:-1], SEALED[:-4]],
    )
    def test_what_is_no_whole_base64_is_nobodys(self, text: str) -> None:
        assert is_refused(text)

    def test_characters_between_those_of_base64_are_not_passed_over(self) -> None:
        whole = sealed("hello")

        assert is_refused(whole[:20] + "!" + whole[20:])
        assert is_refused(whole[:20] + "\n" + whole[20:])

    def test_another_key_opens_nothing(self) -> None:
        assert is_refused(sealed("hello", key=key_of(OTHER_KEY)))

    @patient
    @given(data=st.data())
    def test_changed_ciphertext_is_opened_or_nobodys(self, data: st.DataObject) -> None:
        whole = bytearray(sealed("hello" * 20).encode())
        places = st.dictionaries(st.integers(0, len(whole) - 1), st.integers(0, 255), min_size=1)
        for place, byte in data.draw(places).items():
            whole[place] = byte

        is_refused(whole.decode(errors="replace"))

    @patient
    @given(plain=st.binary(min_size=32, max_size=160).map(lambda b: b[: len(b) // 16 * 16]))
    def test_any_plain_text_is_opened_or_nobodys(self, plain: bytes) -> None:
        is_refused(encrypted(plain))

    @patient
    @given(text=st.text(max_size=80))
    def test_any_text_is_opened_or_nobodys(self, text: str) -> None:
        is_refused(text)


class TestSeveralApps:
    def test_the_app_whose_token_signs_is_the_one(self) -> None:
        mine, other = an_app(token="mine"), an_app("ww_other", token="other", key=key_of(OTHER_KEY))
        text = sealed("hello", "ww_other", key_of(OTHER_KEY))

        app, _ = unseal([mine, other], proof(text, token="other"), text)

        assert app is other

    def test_while_a_token_is_changed_both_sign(self) -> None:
        apps = [an_app(token="new"), an_app(token="old")]
        text = sealed("hello")

        found = [unseal(apps, proof(text, token=token), text)[0] for token in ("new", "old")]

        assert found == apps

    def test_while_a_key_is_changed_both_open(self) -> None:
        new, old = an_app(key=key_of(OTHER_KEY)), an_app(key=KEY)

        assert opened(sealed("hello", key=key_of(OTHER_KEY)), new, old)[0] is new
        assert opened(sealed("hello", key=KEY), new, old)[0] is old

    def test_one_apps_token_does_not_open_the_doors_of_another(self) -> None:
        mine, other = an_app(token="mine"), an_app("ww_other", token="other", key=key_of(OTHER_KEY))
        text = sealed("hello", "ww_other", key_of(OTHER_KEY))

        with pytest.raises(NotAuthentic):
            unseal([mine, other], proof(text, token="mine"), text)

    def test_without_apps_nobody_is_heard(self) -> None:
        text = sealed("hello")

        with pytest.raises(NotAuthentic):
            unseal([], proof(text), text)

    def test_an_app_without_a_key_opens_nothing(self) -> None:
        assert is_refused(sealed("hello"), an_app(key=None))

    def test_all_whose_token_signs_are_named(self) -> None:
        apps = [an_app("a"), an_app("b", token="other"), an_app("c")]

        assert signers(apps, proof()) == [apps[0], apps[2]]


class TestAge:
    @pytest.mark.parametrize(
        ("seconds", "fresh"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)]
    )
    def test_what_was_signed_within_the_window_is_fresh(self, seconds: int, *, fresh: bool) -> None:
        signed = proof(at=NOON + timedelta(seconds=seconds))

        assert signed.is_fresh(NOON, timedelta(minutes=5)) is fresh

    @pytest.mark.parametrize(
        "timestamp", ["", "x", "-1", "1e9", "٣", "1" * 13, "9" * 400, "9" * 5_000, " 1"]
    )
    def test_what_is_no_time_is_not_fresh(self, timestamp: str) -> None:
        signed = replace(proof(), timestamp=timestamp)

        assert not signed.is_fresh(NOON, timedelta(days=365_000))


def test_nothing_secret_is_shown_of_an_app() -> None:
    shown = repr(an_app())

    assert TOKEN not in shown
    assert repr(KEY) not in shown


def test_a_signature_is_over_the_sorted_texts() -> None:
    assert signature_of(b"b", "c", "a") == signature_of(b"a", "b", "c")
