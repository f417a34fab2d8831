"""What is sealed opens for whom and where it was sealed, until the person is forgotten."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from pydantic import SecretStr, ValidationError

from runtime.vault import Keyring, Unreadable, Vault, VaultSettings, forget

pytestmark = pytest.mark.stack

OLD, NEW = "an old master key of thirty-two characters", "a new master key of thirty-two characters"
PLACE = "messages"


def a_vault(*masters: str) -> Vault:
    return Vault(
        VaultSettings(
            message_encryption_key=SecretStr(",".join(masters or (OLD,))),
            message_lookup_key=SecretStr("a lookup key of thirty-two characters"),
        )
    )


def the_key_of(engine: sa.Engine, vault: Vault, person: bytes) -> Keyring:
    with engine.begin() as connection:
        return vault.sealing(connection, [person, person])


def sealed_for(engine: sa.Engine, vault: Vault, person: bytes) -> bytes:
    return the_key_of(engine, vault, person).seal(person, b"Hello", place=PLACE)


def opened(engine: sa.Engine, vault: Vault, person: bytes, sealed: bytes) -> bytes | None:
    with engine.begin() as connection:
        return vault.keyring(connection, [person]).open(person, sealed, place=PLACE)


def test_a_person_has_one_hash_however_their_number_is_spelled() -> None:
    vault = a_vault()
    ada = vault.person("whatsapp", "+16505550001")

    assert ada == vault.person("whatsapp", "16505550001")
    assert ada == vault.person("whatsapp", "+1 (650) 555-0001")
    assert ada != vault.person("whatsapp", "+16505550002")
    assert vault.person("sms", "+16505550001") != vault.person("whatsapp", "+16505550001")
    assert "5550001" not in vault.conversation_id("whatsapp", "106", "+16505550001")


def test_what_is_sealed_opens_in_another_process(database: sa.Engine) -> None:
    person = a_vault().person("whatsapp", "+16505550001")

    sealed = sealed_for(database, a_vault(), person)

    assert b"Hello" not in sealed
    assert opened(database, a_vault(), person, sealed) == b"Hello"


def test_it_opens_nowhere_else_and_for_nobody_else(database: sa.Engine) -> None:
    vault = a_vault()
    ada, bob = vault.person("wechat", "ada"), vault.person("wechat", "bob")
    with database.begin() as connection:
        keys = vault.sealing(connection, [ada, bob])
    sealed = keys.seal(ada, b"Hello", place=PLACE)

    assert keys.open(ada, sealed, place="job_items") is None
    assert keys.open(bob, sealed, place=PLACE) is None


def test_who_is_forgotten_stays_so_after_writing_again(database: sa.Engine) -> None:
    vault = a_vault()
    person = vault.person("whatsapp", "+16505550002")
    sealed = sealed_for(database, vault, person)

    with database.begin() as connection:
        assert forget(connection, person)
        assert not forget(connection, person)
    before = opened(database, vault, person, sealed)
    sealed_for(database, vault, person)

    assert before is None
    assert opened(database, vault, person, sealed) is None


def test_a_new_master_key_takes_over_key_by_key(database: sa.Engine) -> None:
    old, both, new = a_vault(OLD), a_vault(NEW, OLD), a_vault(NEW)
    person = old.person("whatsapp", "+16505550003")
    sealed = sealed_for(database, old, person)
    with pytest.raises(Unreadable, match="MESSAGE_ENCRYPTION_KEY"):
        opened(database, new, person, sealed)

    with database.begin() as connection:
        last = b""
        while (last := both.rewrap(connection, after=last, limit=2)) is not None:
            pass

    assert opened(database, new, person, sealed) == b"Hello"


def test_a_short_key_is_refused_and_not_shown() -> None:
    with pytest.raises(ValidationError) as refused:
        a_vault("short-and-secret")

    assert "at least 32" in str(refused.value)
    assert "short-and-secret" not in str(refused.value)


def test_keys_for_many_are_made_at_once_and_those_there_were_stay(database: sa.Engine) -> None:
    vault = a_vault()
    ada = vault.person("wechat", "ada again")
    before = sealed_for(database, vault, ada)
    many = [vault.person("wechat", f"one of many {number}") for number in range(1_000)]

    with database.begin() as connection:
        keys = vault.sealing(connection, [ada, *many])
        sealed = [keys.seal(one, b"Hello", place=PLACE) for one in many]

    assert opened(database, a_vault(), ada, before) == b"Hello"
    with database.begin() as connection:
        again = a_vault().sealing(connection, [ada, *many])
    assert {again.open(*pair, place=PLACE) for pair in zip(many, sealed, strict=True)} == {b"Hello"}


def test_an_envelope_says_itself_whose_it_is(database: sa.Engine) -> None:
    vault = a_vault()
    # Nobody else's: others here are sealed under a master key that this vault has not.
    ada, bob = vault.person("wechat", "ada-9"), vault.person("wechat", "bob-9")

    with database.begin() as connection:
        letters = vault.enclose(connection, [(ada, b"to Ada"), (bob, b"to Bob")], place=PLACE)
        forget(connection, bob)
        found = vault.disclose(connection, [*letters, None], place=PLACE)
        elsewhere = vault.disclose(connection, letters, place="job_items")

    assert found == [b"to Ada", None, None]
    assert elsewhere == [None, None]


def test_what_is_a_tenants_lies_under_a_key_that_lasts(database: sa.Engine) -> None:
    vault = a_vault()
    letters = [("acme", b"Hello"), (None, b"Hi"), ("acme", b"Bye")]

    with database.begin() as connection:
        sealed = vault.enclose_for_tenants(connection, letters, place=PLACE)
    with database.begin() as connection:
        again = a_vault().enclose_for_tenants(connection, letters[:1], place=PLACE)
        found = a_vault().disclose(connection, [*sealed, *again], place=PLACE)
        names = [vault.tenant("acme"), vault.tenant(None), vault.person("wechat", "ada-9")]
        query = sa.text("SELECT person FROM person_keys WHERE lasts AND person = ANY(:names)")
        lasting = {bytes(row.person) for row in connection.execute(query, {"names": names})}

    assert found == [b"Hello", b"Hi", b"Bye", b"Hello"]
    assert lasting == set(names[:2])


def test_two_that_seal_first_for_a_tenant_share_its_key(database: sa.Engine) -> None:
    with ThreadPoolExecutor(1) as threads:
        with database.begin() as connection:
            mine = a_vault().enclose_for_tenants(connection, [("new", b"Hello")], place=PLACE)
            theirs = threads.submit(_enclosed, database)
        with database.begin() as connection:
            found = a_vault().disclose(connection, [*mine, *theirs.result()], place=PLACE)

    assert found == [b"Hello", b"Bye"]


def test_a_tenants_key_is_taken_over_by_a_new_master_key(database: sa.Engine) -> None:
    with database.begin() as connection:
        sealed = a_vault(OLD).enclose_for_tenants(connection, [("kept", b"Hi")], place=PLACE)
        connection.execute(sa.text("DELETE FROM person_keys WHERE NOT lasts"))

    with database.begin() as connection:
        last = b""
        while (last := a_vault(NEW, OLD).rewrap(connection, after=last, limit=2)) is not None:
            pass
        found = a_vault(NEW).disclose(connection, sealed, place=PLACE)

    assert found == [b"Hi"]


def _enclosed(engine: sa.Engine) -> list[bytes]:
    with engine.begin() as connection:
        return a_vault().enclose_for_tenants(connection, [("new", b"Bye")], place=PLACE)
