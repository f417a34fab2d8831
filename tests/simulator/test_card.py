"""The card tells the truth: every knob, default and magic recipient (simulator/README.md)."""

import re
from pathlib import Path

import pytest

from simulator.knobs import Knobs, as_dict
from simulator.wecom.magic import CUSTOMERS, MEMBERS, Tail
from simulator.whatsapp import magic

ROOT = Path(__file__).parents[2]
CARD = (ROOT / "simulator" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("knob", "default"), as_dict(Knobs()).items())
def test_every_knob_stands_on_the_card_with_its_default(knob: str, default: object) -> None:
    [row] = [line for line in CARD.splitlines() if re.match(rf"\| [^|]*`{knob}`[^|]* \|", line)]

    shown = row.split("|")[2]
    plain = str(default).replace("(", "[").replace(")", "]").replace(".0", "").lower()
    assert plain in shown.lower()


@pytest.mark.parametrize("row", magic.TABLE, ids=lambda row: str(row.first))
def test_every_magic_recipient_stands_on_the_card(row: magic.Magic) -> None:
    digits = f"{row.first:04d}" if row.first == row.last else f"{row.first:04d} to {row.last:04d}"

    assert f"| {digits} | {row.outcome} |" in CARD


@pytest.mark.parametrize(("tail", "outcome"), CUSTOMERS.items())
def test_every_magic_tail_stands_on_the_card(tail: Tail, outcome: str) -> None:
    assert f"| `{tail}` | {outcome} | {MEMBERS.get(tail, 'as ever')} |" in CARD
