"""The check values of the fact sheets: signatures (WA 7.3), ids (2.3), escaping (3)."""

import json

import pytest

from simulator.chance import Chance
from simulator.whatsapp import ids
from simulator.whatsapp.signature import sign
from simulator.whatsapp.updates import as_sent


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"object":"whatsapp_business_account","entry":[]}',
            "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
        ),
        (
            b'{"object": "whatsapp_business_account", "entry": []}',
            "sha256=56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a",
        ),
    ],
)
def test_a_body_is_signed_as_in_the_vectors_of_the_fact_sheet(body: bytes, expected: str) -> None:
    assert sign(b"test_app_secret", body) == expected


def test_a_message_id_has_the_form_of_the_check_value() -> None:
    made = ids.wamid("16467043595", "826FD049A6947FA237")

    assert made == "wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI4MjZGRDA0OUE2OTQ3RkEyMzcA"


def test_a_long_id_has_200_characters_and_stays_unique() -> None:
    made = {ids.lengthened(ids.wamid("16467043595", ids.hex_id(place))) for place in range(100)}

    assert {len(message_id) for message_id in made} == {200}
    assert len(made) == 100


def test_other_ids_have_the_lengths_of_the_fact_sheet() -> None:
    assert len(ids.hex_id("any")) == 18
    assert ids.hex_id("any") == ids.hex_id("any").upper()
    assert 23 <= len(ids.trace_id("any", 1)) <= 27
    assert len(ids.conversation_id("wamid.x")) == 32
    country, dot, digits = ids.user_id("16505551234").partition(".")
    assert (country, dot, len(digits), digits.isdigit()) == ("US", ".", 20, True)


def test_text_beyond_ascii_and_slashes_are_escaped_so_that_a_round_trip_changes_bytes() -> None:
    body = {"text": "a/b 中 😀"}

    raw = as_sent(body)

    assert raw == rb'{"text":"a\/b \u4e2d \ud83d\ude00"}'
    assert json.loads(raw) == body
    assert json.dumps(json.loads(raw)).encode() != raw


def test_a_choice_depends_on_seed_key_and_name_alone() -> None:
    first = Chance("seed", "whatsapp", "m-1")
    again = Chance("seed", "whatsapp", "m-1")
    again.share("another choice in between")

    assert first.share("wa.dup_rate") == again.share("wa.dup_rate")
    assert first.share("wa.dup_rate") != first.share("wa.shuffle")
    assert first.share("wa.dup_rate") != Chance("other", "whatsapp", "m-1").share("wa.dup_rate")


def test_a_ratio_is_met_over_many_messages() -> None:
    happened = sum(Chance("seed", "whatsapp", f"m-{n}").happens("x", 0.2) for n in range(5000))

    assert 900 < happened < 1100


def test_delays_keep_to_their_span_and_lean_to_its_beginning() -> None:
    drawn = sorted(Chance("s", "w", f"m-{n}").delay("d", (150, 600)) for n in range(2000))

    assert drawn[0] >= 150
    assert drawn[-1] <= 600
    assert drawn[1000] < 375
