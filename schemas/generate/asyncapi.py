"""The topics as one AsyncAPI 3.0 document: who sends what where, with keys, headers, examples."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from schemas.generate.contracts import Contract
from schemas.generate.json_schemas import one_line, shared_schemas
from schemas.topics.dead_letters import Reason
from schemas.topics.registry import (
    DEAD_LETTER_PARTITIONS,
    DEAD_LETTER_RETENTION,
    PARTITIONS,
    REGISTRY,
    SEALED_FOR,
    Entry,
    dead_letter_topic,
)
from schemas.topics.topic import SEALED

Node = dict[str, Any]

VERSION: Final = "1.0.0"
"""Of the contracts as a whole: the second number grows with each optional field or record type."""

_KAFKA_BINDING: Final = "0.5.0"

_DESCRIPTION: Final = (
    "Commands go in (`send-requests`), facts come back (`provider-events`), and one authority turns"
    " facts into transitions (`status-changes`). Values are JSON. Metadata travels as CloudEvents"
    " 1.0 in Kafka's binary mode: the value is the bare data, the attributes are headers that begin"
    " with `ce_`. Where there is a header `sealed`, the value is sealed: a nonce of 12 bytes, then"
    " AES-256-GCM of the data with its tag, under the key that the header names, bound to topic,"
    " key and `ce_id`. Without the header it is the data. A schema changes only by optional fields;"
    " anything else is a new `ce_type` version."
)


def document(contracts: Iterable[Contract]) -> Node:
    """Return the AsyncAPI document of these contracts."""
    known = list(contracts)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sendtrail",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "defaultContentType": "application/json",
        "channels": _channels(known),
        "operations": _operations(known),
        "components": {
            "messages": _messages(known),
            "schemas": shared_schemas(
                [contract.model for contract in known], "#/components/schemas/{name}"
            )
            | {"CloudEventHeaders": _cloud_event_headers(), "DeadLetterHeaders": _dlq_headers()},
        },
    }


def _channels(contracts: Iterable[Contract]) -> Node:
    channels: Node = {}
    for entry in REGISTRY:
        topic = entry.topic
        models = [c.model.__name__ for c in contracts if c.entry is entry]
        channels[topic.name] = _channel(
            topic.name, _purpose(entry), models, (PARTITIONS, topic.retention)
        )
        letters = dead_letter_topic(topic.name)
        channels[letters] = _channel(
            letters,
            f"Records of `{topic.name}` that could not be applied: the original bytes and headers,"
            " and headers that say why, where from and when.",
            [_dead_letter_name(entry)],
            (DEAD_LETTER_PARTITIONS, DEAD_LETTER_RETENTION),
        )
    return channels


def _purpose(entry: Entry) -> str:
    topic = entry.topic
    if not topic.is_sealed:
        return topic.purpose
    return f"{topic.purpose} What our services write is sealed; others may write in the clear."


def _channel(
    address: str, purpose: str, messages: Iterable[str], size: tuple[int, timedelta]
) -> Node:
    partitions, retention = size
    return {
        "address": address,
        "description": purpose,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "topic": address,
                "partitions": partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": int(retention.total_seconds() * 1_000),
                },
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _operations(contracts: Sequence[Contract]) -> Node:
    operations: Node = {}
    for entry in REGISTRY:
        name, letters = entry.topic.name, dead_letter_topic(entry.topic.name)
        own = [contract for contract in contracts if contract.entry is entry]
        every = [contract.model.__name__ for contract in own]
        for service in entry.written_by:
            types = [c.model.__name__ for c in own if service in c.written_by]
            operations[f"{service}.send.{name}"] = _operation(service, "send", name, types)
        for service in entry.read_by:
            operations[f"{service}.receive.{name}"] = _operation(service, "receive", name, every)
        letter = [_dead_letter_name(entry)]
        for service in entry.rejected_by:
            operations[f"{service}.send.{letters}"] = _operation(service, "send", letters, letter)
        operations[f"cli.receive.{letters}"] = _operation("cli", "receive", letters, letter)
    return operations


def _operation(service: str, action: str, channel: str, messages: Iterable[str]) -> Node:
    verb = {"send": "writes", "receive": "reads"}[action]
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": f"{service} {verb} {channel}.",
        "tags": [{"name": service}],
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _messages(contracts: Iterable[Contract]) -> Node:
    messages: Node = {contract.model.__name__: _message(contract) for contract in contracts}
    for entry in REGISTRY:
        messages[_dead_letter_name(entry)] = _dead_letter(entry)
    return messages


def _message(contract: Contract) -> Node:
    record = contract.example_record
    headers = {name: value.decode() for name, value in record.headers}
    return {
        "name": contract.event_type,
        "title": contract.model.__name__,
        "summary": one_line(str(contract.model.__doc__)),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
        "payload": {"$ref": f"#/components/schemas/{contract.model.__name__}"},
        "bindings": {"kafka": _key_binding(contract.entry.topic.key_meaning)},
        "examples": [
            {
                "name": contract.name,
                "summary": f"Its key is `{record.key.decode()}`.",
                "headers": headers,
                "payload": msgspec.json.decode(record.value),
            }
        ],
    }


def _dead_letter(entry: Entry) -> Node:
    return {
        "name": dead_letter_topic(entry.topic.name),
        "title": _dead_letter_name(entry),
        "summary": f"A record of {entry.topic.name} that could not be applied.",
        "headers": {"$ref": "#/components/schemas/DeadLetterHeaders"},
        "payload": {"description": "The original bytes, whatever they are."},
        "bindings": {"kafka": _key_binding("The key of the rejected record.")},
    }


def _dead_letter_name(entry: Entry) -> str:
    return "".join(word.title() for word in entry.topic.name.split("-")) + "DeadLetter"


def _key_binding(meaning: str) -> Node:
    return {
        "key": {"type": "string", "description": meaning},
        "bindingVersion": _KAFKA_BINDING,
    }


def _cloud_event_headers() -> Node:
    required = {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": _text("The same for each repetition of the same statement."),
        "ce_type": _text("What happened, with the version of its shape."),
        "ce_source": _text("The service that wrote it."),
        "ce_time": _moment("When it was written."),
        "content-type": {"type": "string", "const": "application/json"},
        "traceparent": _text("W3C trace context: one trace a message, one span an event.")
        | {"pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
    }
    return _headers("CloudEvents 1.0, Kafka binary mode.", required)


def _sealed_header() -> Node:
    names = ", ".join(f"`{name}`" for name in SEALED_FOR)
    description = f"Which key the value is sealed with. On {names} only; absent: in the clear."
    return _text(description) | {"pattern": "^[0-9a-f]{8}$"}


def _dlq_headers() -> Node:
    required = {
        "dlq_reason": {"type": "string", "enum": [reason.value for reason in Reason]},
        "dlq_detail": _text("What exactly was wrong; names the field of a malformed record."),
        "dlq_topic": _text("The topic it stood on."),
        "dlq_partition": _number("Its partition."),
        "dlq_offset": _number("Its offset."),
        "dlq_at": _moment("When it was rejected."),
        "dlq_by": _text("The service that rejected it."),
    }
    return _headers("The record's own headers, and these.", required)


def _headers(description: str, required: Mapping[str, Node]) -> Node:
    return {
        "type": "object",
        "description": description,
        "properties": {**required, SEALED: _sealed_header()},
        "required": list(required),
    }


def _text(description: str) -> Node:
    return {"type": "string", "description": description}


def _moment(description: str) -> Node:
    return {"type": "string", "format": "date-time", "description": description}


def _number(description: str) -> Node:
    return {"type": "string", "pattern": "^[0-9]+$", "description": description}
