import pytest

from providers.whatsapp.signature import sign, verify

SECRET = b"test_app_secret"
COMPACT = b'{"object":"whatsapp_business_account","entry":[]}'
SPACED = b'{"object": "whatsapp_business_account", "entry": []}'
SIGNED = {
    COMPACT: "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
    SPACED: "sha256=56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a",
}


@pytest.mark.parametrize("body", SIGNED)
def test_the_published_vectors_are_signed_and_verified(body: bytes) -> None:
    header = SIGNED[body]

    signed = sign(body, SECRET)

    assert signed == header
    assert verify(body, header, [SECRET])


def test_the_same_json_in_other_bytes_does_not_fit() -> None:
    assert not verify(SPACED, SIGNED[COMPACT], [SECRET])


@pytest.mark.parametrize("place", range(len(COMPACT)))
@pytest.mark.parametrize("bit", [0, 5])
def test_one_changed_byte_of_the_body_is_noticed(place: int, bit: int) -> None:
    changed = bytearray(COMPACT)
    changed[place] ^= 1 << bit

    fits = verify(bytes(changed), SIGNED[COMPACT], [SECRET])

    assert not fits


@pytest.mark.parametrize("place", range(len(SIGNED[COMPACT])))
def test_one_changed_character_of_the_signature_is_noticed(place: int) -> None:
    good = SIGNED[COMPACT]
    changed = good[:place] + ("0" if good[place] != "0" else "1") + good[place + 1 :]

    fits = verify(COMPACT, changed, [SECRET])

    assert not fits


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        SIGNED[COMPACT].removeprefix("sha256="),
        SIGNED[COMPACT].upper(),
        SIGNED[COMPACT].replace("sha256", "sha1"),
        SIGNED[COMPACT] + "0",
        SIGNED[COMPACT] + ", " + SIGNED[COMPACT],
        "sha256=äöü",
        "sha256=\ud800",
    ],
)
def test_what_is_no_signature_does_not_fit(header: str | None) -> None:
    assert not verify(COMPACT, header, [SECRET])


def test_while_a_secret_is_changed_both_fit() -> None:
    by_the_old = sign(COMPACT, b"old")
    by_the_new = sign(COMPACT, b"new")

    assert verify(COMPACT, by_the_old, [b"new", b"old"])
    assert verify(COMPACT, by_the_new, [b"new", b"old"])
    assert not verify(COMPACT, by_the_old, [b"new"])
