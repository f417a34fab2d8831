"""Does a broker really answer: a Kafka Metadata request over a plain socket.

Written by hand because it must cost milliseconds, block nothing and need no client library: two
dozen bytes out, one answer in (protocol guide, Metadata version 1).
"""

import socket
import struct
from dataclasses import dataclass

METADATA, VERSION, CORRELATION = 3, 1, 1
NO_CLIENT_ID, ALL_TOPICS = -1, -1
TIMEOUT_SECONDS = 2.0
LARGEST_ANSWER_BYTES = 10**7


def broker_is_ready(port: int) -> bool:
    """Whether the broker on 127.0.0.1:port takes part, and every partition has a leader."""
    try:
        answer = _ask(port)
    except OSError:
        return False
    reader = _Reader(answer)
    reader.number("i")  # the correlation id
    return _lists_a_broker(reader) and _all_are_led(reader)


def _ask(port: int) -> bytes:
    body = struct.pack(">hhihi", METADATA, VERSION, CORRELATION, NO_CLIENT_ID, ALL_TOPICS)
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        (length,) = struct.unpack(">i", _receive(connection, 4))
        if not 0 < length < LARGEST_ANSWER_BYTES:
            raise ConnectionError(f"port {port} does not speak Kafka's protocol")
        return _receive(connection, length)


def _receive(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        part = connection.recv(length - len(received))
        if not part:
            raise ConnectionError("the broker hung up")
        received += part
    return received


def _lists_a_broker(reader: "_Reader") -> bool:
    """Whether the broker lists itself, which it does once the controller lets it serve."""
    brokers = reader.number("i")
    for _ in range(brokers):
        reader.number("i")
        reader.text()
        reader.number("i")
        reader.text()
    reader.number("i")  # the controller's id
    return brokers > 0


def _all_are_led(reader: "_Reader") -> bool:
    leaders: list[int] = []
    for _ in range(reader.number("i")):
        reader.number("h")
        reader.text()
        reader.number("b")
        for _ in range(reader.number("i")):
            reader.number("h")
            reader.number("i")
            leaders.append(reader.number("i"))
            reader.numbers()
            reader.numbers()
    return all(leader >= 0 for leader in leaders)


@dataclass
class _Reader:
    """Reads big-endian numbers and length-prefixed texts one after the other."""

    content: bytes
    position: int = 0

    def number(self, kind: str) -> int:
        """Read one number; kind is struct's letter for its size."""
        (value,) = struct.unpack_from(f">{kind}", self.content, self.position)
        self.position += struct.calcsize(kind)
        return value

    def numbers(self) -> None:
        """Skip an array of 32-bit numbers."""
        count = self.number("i")
        self.position += 4 * count

    def text(self) -> None:
        """Skip a text; a missing one has the length -1."""
        length = self.number("h")
        self.position += max(length, 0)
