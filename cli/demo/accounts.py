"""Who calls in the demo: an administrator of its own, made as `sendtrail users` makes one."""

from dataclasses import dataclass, field

from cli.users import create_administrator, made_up_password
from runtime import audit
from runtime.clock import now
from runtime.postgres import connect, transaction
from services.administration.accounts import Desk


@dataclass(frozen=True, slots=True)
class Account:
    """What the demo signs in with; its database begins empty, so nobody else has the name."""

    wechat_id: str = "demo"
    password: str = field(default_factory=made_up_password, repr=False)


def open_account(database_url: str) -> Account:
    """Make the account."""
    account = Account()
    engine = connect(database_url, pool=1)
    with transaction(engine) as connection:
        desk = Desk(connection, audit.at_the_terminal(), now())
        create_administrator(desk, account.wechat_id, account.password, None)
    engine.dispose()
    return account
