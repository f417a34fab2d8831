"""The keys of the topics, of the tests and of the processes that they start."""

from typing import Final

from runtime.kafka.sealing import TopicKeys, TopicKeySettings

TOPIC_KEYS: Final = TopicKeys(TopicKeySettings())  # pyright: ignore[reportCallIssue] - from the environment tests/conftest.py has made
