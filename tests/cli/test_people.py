"""`sendtrail people`: who is not to be written to, by hand."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from cli.app import app
from domain.consent import Reason, Scope, Statement, Wish
from services.dispatcher.store import people
from services.dispatcher.store.people import Pair
from tests.given import NOON, SENDER
from tests.vaults import the_vault

VAULT = the_vault()

pytestmark = pytest.mark.stack

ADA, EVE = "+16505550001", "+16505550002"


@pytest.fixture
def nobody(database: sa.Engine) -> sa.Engine:
    """Return a database that knows nobody."""
    with database.begin() as connection:
        connection.execute(sa.text("TRUNCATE contact_windows, opt_outs"))
    return database


def standing(database: sa.Engine, recipient: str, sender_id: str = SENDER) -> Statement | None:
    pair = Pair("whatsapp", sender_id, recipient)
    with database.begin() as connection:
        return people.facts(connection, VAULT, [pair]).opt_outs.get(pair)


def test_a_recipient_is_opted_out_of_every_sender_and_let_in_again(
    nobody: sa.Engine, database_url: str
) -> None:
    out = sendtrail(database_url, "opt-out", "whatsapp", "+1 (650) 555-0001")

    found = standing(nobody, ADA)
    assert (out.exit_code, found and found.reason) == (0, Reason.MANUAL)
    assert cells(out) == [["every sender", "", "nothing"]]

    back = sendtrail(database_url, "opt-in", "whatsapp", ADA)

    assert back.exit_code == 0
    assert standing(nobody, ADA) is None
    assert cells(back) == [["every sender", "", "everything"]]


def test_an_opt_out_may_be_of_one_sender(nobody: sa.Engine, database_url: str) -> None:
    done = sendtrail(database_url, "opt-out", "whatsapp", ADA, "--sender", SENDER)

    assert done.exit_code == 0
    assert standing(nobody, ADA) is not None
    assert standing(nobody, ADA, "2") is None


def test_one_recipient_is_shown_and_nobody_else(nobody: sa.Engine, database_url: str) -> None:
    hers, eves = Pair("whatsapp", "8", ADA), Pair("whatsapp", "8", EVE)
    offers = Statement(Wish.OPT_OUT, Scope.MARKETING, Reason.REPLY, NOON)
    with nobody.begin() as connection:
        wrote = {hers._replace(sender_id=sender): NOON for sender in (SENDER, "7")}
        people.remember_windows(connection, VAULT, {**wrote, eves: NOON + timedelta(days=300)})
        people.remember_replies(connection, VAULT, {(hers, Scope.MARKETING): offers})

    shown = sendtrail(database_url, "show", "whatsapp", ADA)
    of_one = sendtrail(database_url, "show", "whatsapp", ADA, "--sender", SENDER)

    assert cells(shown) == [
        [SENDER, "2026-03-02 12:00:00+00:00", "everything"],
        ["7", "2026-03-02 12:00:00+00:00", "everything"],
        ["8", "", "all but marketing"],
    ]
    assert "out of marketing: reply, 2026-03-02 12:00:00+00:00" in shown.output
    assert cells(of_one) == [[SENDER, "2026-03-02 12:00:00+00:00", "everything"]]
    assert "16505550" not in shown.output


def test_of_a_stranger_nothing_is_known(nobody: sa.Engine, database_url: str) -> None:
    assert nobody
    shown = sendtrail(database_url, "show", "whatsapp", ADA)

    assert shown.exit_code == 0
    assert shown.output == "nothing is known of this recipient: everything may be sent\n"


def test_an_erasure_asks_first_and_leaves_nothing_but_itself(
    nobody: sa.Engine, database_url: str
) -> None:
    with nobody.begin() as connection:
        people.remember_windows(connection, VAULT, {Pair("whatsapp", SENDER, ADA): NOON})

    refused = sendtrail(database_url, "erase", "whatsapp", ADA, answer="n\n")
    untouched = standing(nobody, ADA)
    done = sendtrail(database_url, "erase", "whatsapp", ADA, "--yes")

    assert (refused.exit_code, untouched) == (1, None)
    assert done.exit_code == 0
    found = standing(nobody, ADA)
    assert found is not None
    assert found.is_erasure
    shown = sendtrail(database_url, "show", "whatsapp", ADA)
    assert cells(shown) == [["every sender", "", "nothing"]]
    assert "erased" in shown.output


def test_people_of_other_channels_are_named_as_they_are_there(
    nobody: sa.Engine, database_url: str
) -> None:
    sendtrail(database_url, "opt-out", "wecom", "zhangsan")

    with nobody.begin() as connection:
        assert people.known(connection, VAULT, "wecom", "zhangsan").said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("whatsap", ADA), "no such channel; there are"),
        (("whatsapp", "650 555 0001"), "not a phone number with its country code"),
        (("whatsapp", "+1650"), "no such phone number"),
        (("wecom", ""), "recipient"),
        (("whatsapp", ADA, "--sender", "a b"), "no such id of a sender"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_changes_nothing(
    nobody: sa.Engine, database_url: str, arguments: tuple[str, ...], says: str
) -> None:
    told = sendtrail(database_url, "opt-out", *arguments)

    assert told.exit_code == 2
    assert says in told.output
    with nobody.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM opt_outs")).scalar() == 0


def cells(result: Result) -> list[list[str]]:
    """Return sender, last message and verdict of each row."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.split("\n")]
    return [[row[0], row[1], row[3]] for row in rows if row]


def sendtrail(database_url: str, *arguments: str, answer: str | None = None) -> Result:
    environment = {"DATABASE_URL": database_url, "COLUMNS": "160"}
    return CliRunner().invoke(app, ["people", *arguments], input=answer, env=environment)
