"""What the tables of people keep, whatever is entered and in whatever order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.consent import Reason, Scope, Statement, Wish, overrules
from services.administration.store.erasure import forget_everywhere
from services.dispatcher.store import people
from services.dispatcher.store.people import EVERY_SENDER, Pair
from tests.given import NOON, SENDER
from tests.vaults import the_vault

VAULT = the_vault()

pytestmark = pytest.mark.stack

ALL, MARKETING = Scope.ALL, Scope.MARKETING

Told = Callable[..., None]


def a_pair(sender_id: str = SENDER) -> Pair:
    """Return a sender and a recipient that no other test knows."""
    return Pair("whatsapp", sender_id, f"US.{uuid4().hex}")


def said(wish: Wish, minutes: int = 0, scope: Scope = ALL) -> Statement:
    return Statement(wish, scope, Reason.REPLY, NOON + timedelta(minutes=minutes))


@pytest.fixture(scope="module")
def reply(database: sa.Engine) -> Callable[[Pair, Statement], None]:
    """Return what enters one reply, as a batch of its own."""

    def enter(pair: Pair, statement: Statement) -> None:
        with database.begin() as connection:
            people.remember_replies(connection, VAULT, {(pair, statement.scope): statement})

    return enter


@pytest.fixture(scope="module")
def standing(database: sa.Engine) -> Callable[[Pair], Statement | None]:
    """Return what tells the opt-out that is in force."""

    def ask(pair: Pair) -> Statement | None:
        with database.begin() as connection:
            return people.facts(connection, VAULT, [pair]).opt_outs.get(pair)

    return ask


def test_of_a_batch_everything_is_known_at_once(database: sa.Engine) -> None:
    wrote, out, both, nobody = (a_pair() for _ in range(4))

    with database.begin() as connection:
        people.remember_windows(connection, VAULT, {wrote: NOON, both: NOON + timedelta(hours=1)})
        replies = {(out, ALL): said(Wish.OPT_OUT), (both, ALL): said(Wish.OPT_OUT, 5)}
        people.remember_replies(connection, VAULT, replies)
        found = people.facts(connection, VAULT, [nobody, both, wrote, out, both])

    assert found.last_inbound == {wrote: NOON, both: NOON + timedelta(hours=1)}
    assert found.opt_outs == {out: said(Wish.OPT_OUT), both: said(Wish.OPT_OUT, 5)}


def test_of_nobody_nothing_is_asked_and_entered(database: sa.Engine) -> None:
    with database.begin() as connection:
        people.remember_windows(connection, VAULT, {})
        people.remember_replies(connection, VAULT, {})
        found = people.facts(connection, VAULT, [])

    assert (found.last_inbound, found.opt_outs) == ({}, {})


def test_who_shares_a_name_on_another_channel_or_wrote_to_another_number_is_another(
    database: sa.Engine,
) -> None:
    pair = a_pair()
    elsewhere = [pair._replace(channel="wechat"), pair._replace(sender_id="2")]

    with database.begin() as connection:
        people.remember_windows(connection, VAULT, {pair: NOON})
        people.remember_replies(connection, VAULT, {(pair, ALL): said(Wish.OPT_OUT)})
        found = people.facts(connection, VAULT, elsewhere)

    assert (found.last_inbound, found.opt_outs) == ({}, {})


@given(minutes=st.lists(st.integers(0, 5), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_a_window_keeps_the_latest_time(database: sa.Engine, minutes: list[int]) -> None:
    pair = a_pair()
    times = [NOON + timedelta(minutes=minute) for minute in minutes]

    for at in times:
        with database.begin() as connection:
            people.remember_windows(connection, VAULT, {pair: at})

    with database.begin() as connection:
        assert people.facts(connection, VAULT, [pair]).last_inbound == {pair: max(times)}


replies = st.builds(
    Statement,
    st.sampled_from(Wish),
    st.just(ALL),
    st.just(Reason.REPLY),
    st.integers(0, 3).map(lambda minutes: NOON + timedelta(minutes=minutes)),
)


@given(heard=st.lists(replies, min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_the_table_keeps_the_reply_that_the_rule_says(
    database: sa.Engine, reply: Told, heard: list[Statement]
) -> None:
    pair = a_pair()
    expected, *later = heard
    for one in later:
        expected = one if overrules(one, expected) else expected

    for one in heard:
        reply(pair, one)

    with database.begin() as connection:
        known = people.known(connection, VAULT, pair.channel, pair.recipient)
    assert known.said == {(pair.sender_id, ALL): expected}


def test_what_is_said_to_every_sender_holds_for_each(
    reply: Told, standing: Callable[[Pair], Statement | None]
) -> None:
    pair = a_pair()
    reply(pair._replace(sender_id=EVERY_SENDER), said(Wish.OPT_OUT))

    assert standing(pair) == said(Wish.OPT_OUT)

    reply(pair, said(Wish.OPT_IN, 1))

    assert standing(pair) is None
    assert standing(pair._replace(sender_id="2")) == said(Wish.OPT_OUT)


def test_offers_and_everything_are_kept_apart(
    reply: Told, standing: Callable[[Pair], Statement | None]
) -> None:
    pair = a_pair()
    reply(pair, said(Wish.OPT_OUT, 1, MARKETING))

    assert standing(pair) == said(Wish.OPT_OUT, 1, MARKETING)

    reply(pair, said(Wish.OPT_OUT))
    reply(pair, said(Wish.OPT_IN, 2, MARKETING))

    assert standing(pair) == said(Wish.OPT_OUT)


def test_what_somebody_of_ours_enters_counts_at_once_and_a_later_reply_after_it(
    database: sa.Engine, reply: Told, standing: Callable[[Pair], Statement | None]
) -> None:
    pair = a_pair()
    reply(pair, said(Wish.OPT_IN, 10))

    with database.begin() as connection:
        people.enter(connection, VAULT, pair, Wish.OPT_OUT, now=NOON)

    manual = Statement(Wish.OPT_OUT, ALL, Reason.MANUAL, NOON + timedelta(minutes=10))
    assert standing(pair) == manual

    reply(pair, said(Wish.OPT_IN, 11))

    assert standing(pair) is None


def test_who_was_erased_stays_so_until_somebody_of_ours_takes_it_back(
    database: sa.Engine, reply: Told, standing: Callable[[Pair], Statement | None]
) -> None:
    pair = a_pair()
    with database.begin() as connection:
        people.remember_windows(connection, VAULT, {pair: NOON})
    reply(pair, said(Wish.OPT_IN, 5))

    with database.begin() as connection:
        person = VAULT.person(*pair[::2])
        forget_everywhere(connection, person, pair.channel, pair.recipient, now=NOON)
        known = people.known(connection, VAULT, pair.channel, pair.recipient)

    erased = Statement(Wish.OPT_OUT, ALL, Reason.ERASED, NOON)
    assert known == people.Known({}, {(EVERY_SENDER, ALL): erased})

    everyone = pair._replace(sender_id=EVERY_SENDER)
    reply(pair, said(Wish.OPT_IN, 9))
    reply(everyone, said(Wish.OPT_IN, 9))
    with database.begin() as connection:
        people.enter(connection, VAULT, everyone, Wish.OPT_OUT, now=NOON + timedelta(hours=1))
    assert standing(pair) == erased

    with database.begin() as connection:
        people.enter(connection, VAULT, everyone, Wish.OPT_IN, now=NOON + timedelta(hours=2))
    assert standing(pair) is None


def test_two_processes_that_enter_the_same_people_do_not_wait_for_each_other_for_ever(
    database: sa.Engine,
) -> None:
    pairs = [a_pair() for _ in range(50)]
    later: list[datetime] = [NOON + timedelta(minutes=minute) for minute in range(20)]

    def enter(order: list[Pair]) -> None:
        for at in later:
            with database.begin() as connection:
                people.remember_windows(connection, VAULT, dict.fromkeys(order, at))

    with ThreadPoolExecutor() as threads:
        for done in [threads.submit(enter, pairs), threads.submit(enter, pairs[::-1])]:
            done.result()

    with database.begin() as connection:
        assert people.facts(connection, VAULT, pairs).last_inbound == dict.fromkeys(
            pairs, later[-1]
        )
