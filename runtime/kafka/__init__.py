"""Kafka, as every process of ours uses it."""

from runtime.kafka.offset_fetch import ask_until_answered

ask_until_answered()
