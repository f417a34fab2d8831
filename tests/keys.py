"""The keys of all services that tests start."""

from typing import Final

from tests.callers import SIGNING_KEY

KEYS: Final = {
    "MESSAGE_ENCRYPTION_KEY": "the tests' own master key and nobody else's",
    "MESSAGE_LOOKUP_KEY": "the tests' own lookup key and nobody else's",
    "TOPIC_ENCRYPTION_KEY": "the tests' own key of the topics and nobody else's",
    "AUTH_SIGNING_KEYS": SIGNING_KEY,
}
"""Environment variables; of no use anywhere else."""
