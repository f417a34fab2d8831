"""What the person at the terminal is told when a command fails: one line, and what to look at."""

import httpx
from aiokafka.errors import KafkaConnectionError, KafkaError
from sqlalchemy.exc import SQLAlchemyError

from runtime.errors import BrokerAway, DatabaseAway, SendtrailError

EXPECTED = (
    SendtrailError,
    KafkaError,
    SQLAlchemyError,
    httpx.HTTPError,
    OSError,
)
"""What may go wrong without being a mistake of this program."""


def complaint(error: BaseException) -> str:
    """Return the one line."""
    match error:
        case KafkaConnectionError() | BrokerAway():
            return "Kafka does not answer; KAFKA_BOOTSTRAP_SERVERS says where it is expected"
        case DatabaseAway():
            return "PostgreSQL does not answer; DATABASE_URL says where it is expected"
        case SQLAlchemyError():
            return f"PostgreSQL: {_first_line(error)}"
        case httpx.HTTPError():
            return f"a service does not answer as it should: {_first_line(error)}"
        case _:
            return _first_line(error)


def _first_line(error: BaseException | None) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
