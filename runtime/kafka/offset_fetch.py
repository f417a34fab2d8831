"""Keeps aiokafka from taking "I cannot say yet" for "nothing was ever committed".

From version 2 of OffsetFetch on, the broker answers an error for the whole request, and aiokafka
(0.14, `GroupCoordinator._do_fetch_commit_offsets`) looks for errors of single partitions only, of
which such an answer has none. So while a broker that was just started loads the group, a consumer
hears that no offset was committed: it begins at the start of its partitions, commits from there,
and whoever decides by the committed offset what was published publishes everything again. In
version 1 each partition carries the error, and aiokafka asks until there is an answer.

Importing `runtime.kafka` applies it, for the consumers of faust-streaming as well.
"""

from aiokafka.protocol.commit import OffsetFetchRequest, OffsetFetchRequest_v1


def ask_until_answered() -> None:
    """Have every consumer of this process ask in version 1, the oldest that Kafka 4 answers."""
    OffsetFetchRequest._CLASSES = (OffsetFetchRequest_v1,)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - it offers no other way to choose the version
