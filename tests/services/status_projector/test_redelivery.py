"""Whatever comes again, too late, in another order or not at all at first: the rules' trail.

Property of the issue: any interleaving, repetition and loss-then-redelivery of messages' events
through the real projector gives the state and the history of the pure model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.identity import message_id_for_inbound
from runtime.postgres import transaction
from schemas.topics.contents import TextContent
from tests.sealed import VAULT, personal_of
from tests.services.status_projector.facts import (
    Life,
    Projector,
    Record,
    history_of,
    stored_evidence,
)
from tests.services.status_projector.model import Model

pytestmark = pytest.mark.stack

FATES = ("applied", "lost at first", "told again", "told again to a successor")
"""Of a batch: its transaction commits; fails and is tried again; commits, unknown to us."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """Some messages' lives, shuffled and cut into batches, and what happens to each batch."""

    lives: list[Life]
    received: Life
    batches: list[list[Record]]
    fates: Sequence[str]
    late: list[int]
    """Batches that are told once more when all is over."""


@st.composite
def dealt(draw: st.DrawFn) -> Dealt:
    lives, received = [Life(), Life()], Life()
    records: list[Record] = [received.inbound()] * draw(st.integers(1, 2))
    for life in lives:
        said = everything_said_of(life)
        chosen = draw(st.lists(st.sampled_from(range(len(said))), max_size=8))
        records += [request_of(life), *(said[index] for index in chosen)]
        records += [request_of(life)] * draw(st.integers(0, 1))
    shuffled = draw(st.permutations(records))
    cuts = draw(st.lists(st.integers(0, len(records)), max_size=5).map(sorted))
    batches = [shuffled[a:b] for a, b in pairwise([0, *cuts, len(records)]) if a < b]
    fates = draw(st.lists(st.sampled_from(FATES), min_size=len(batches), max_size=len(batches)))
    late = draw(st.lists(st.integers(0, len(batches) - 1), max_size=2))
    return Dealt(lives, received, [list(batch) for batch in batches], fates, late)


def request_of(life: Life) -> Record:
    return life.request(content=TextContent(body=f"Hi, this is {life.message_id}"))


def everything_said_of(life: Life) -> list[Record]:
    return [
        life.started(),
        life.accepted(),
        life.rejected(),
        life.reported("sent", 3),
        life.reported("sent", 3, named=False),
        life.reported("delivered", 5),
        life.reported("delivered", 6, named=False),
        life.reported("read", 9, named=False),
        life.reported("failed", 7),
    ]


@given(dealt())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_interleaving_repetition_and_redelivery_gives_the_state_and_history_of_the_model(
    engine: sa.Engine, projector: Projector, case: Dealt
) -> None:
    models = [Model(life.message_id) for life in case.lives]

    told = [[projector.heard(record) for record in batch] for batch in case.batches]
    for batch, heard, fate in zip(case.batches, told, case.fates, strict=True):
        if fate == "lost at first":
            with engine.connect() as connection:  # and is never committed
                projector.apply_within(connection, heard)
        projector.apply(heard)
        if fate == "told again to a successor":
            projector.take_over()
        if fate.startswith("told again"):
            assert projector.apply(heard) == []
        for model in models:
            model.hear(batch)
    for number in case.late:
        assert projector.apply(told[number]) == []

    for model in models:
        assert stored_evidence(engine, model.message_id) == model.evidence
        assert history_of(engine, model.message_id) == model.history
        assert words_of(engine, model.message_id) == f"Hi, this is {model.message_id}"
    received = message_id_for_inbound("whatsapp", case.received.provider_id)
    assert words_of(engine, received) == "Is it ready?"


def words_of(engine: sa.Engine, message_id: str) -> str | None:
    """Return what is sealed of a message that is there once."""
    with transaction(engine) as connection:
        personal = personal_of(connection, VAULT, message_id)
    assert personal is not None
    return personal.words
