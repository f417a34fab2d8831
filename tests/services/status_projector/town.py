"""Something in each read model, for tests that compare all of them: a town and all its messages."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, Final, cast
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from runtime.clock import now
from schemas.topics.contents import DocumentContent
from schemas.topics.provider_events import (
    MediaStored,
    MessageReceived,
    NoticeReceived,
    Pricing,
    StatusReported,
)
from schemas.topics.task_changes import (
    GroupSendChanged,
    GroupSendStatus,
    JobChanged,
    JobStatus,
    PushChanged,
    PushStatus,
    TaskChanged,
    TaskStatus,
)
from tests.given import NOON
from tests.services.status_projector.facts import Life, Record
from tests.services.status_projector.group_sends import GroupSend

PRICED: Final = Pricing(model="PMP", kind="regular", category="utility", billable=True)


class Town:
    """People who are written to, and write; whom a job, a group send and a push is for."""

    def __init__(self) -> None:
        self.job, self.task, self.push = (str(uuid4()) for _ in range(3))
        self.people = [f"+1650{uuid4().int % 10**7:07}" for _ in range(6)]
        self.lives = [Life() for _ in self.people]
        self.refused, self.again, self.waiting, self.letter = (Life() for _ in range(4))
        self.unheard = [Life() for _ in range(3)]
        self.group_send = GroupSend(customers=4)
        self.group_send.targets = [f"wm{uuid4().hex}" for _ in range(4)]
        self.inbound = [self._inbound(number) for number in range(3)]
        self.notices = [self._notice(number) for number in range(2)]

    def requests(self) -> list[Record]:
        """Return what is asked for, which is known before anything is said of it."""
        told = {"tenant_id": "acme", "contact_id": "ada", "order_id": "A-17", "case_id": "C-1"}
        asked: list[Record] = [
            life.request(
                recipient=person,
                job_id=self.job,
                requested_at=NOON + timedelta(seconds=10 * number),
                **told,
            )
            for number, (life, person) in enumerate(zip(self.lives, self.people, strict=True))
        ]
        first, second = self.people[:2]
        late = NOON + timedelta(hours=1)
        asked.append(self.refused.request(recipient=first, requested_at=late, job_id=self.job))
        asked.append(
            self.again.request(
                recipient=first,
                requested_at=late + timedelta(seconds=1),
                original_message_id=self.refused.message_id,
            )
        )
        asked.append(self.waiting.request(recipient=second, requested_at=late))
        file = DocumentContent(key="files/a.pdf", file_name="Ada Lovelace.pdf")
        asked.append(self.letter.request(recipient=second, requested_at=NOON, content=file))
        asked += [life.request(recipient=second, requested_at=now()) for life in self.unheard]
        return [*asked, self.group_send.request()]

    def told(self) -> list[Record]:
        """Return what is said of all of it, and what comes in."""
        heard: list[Record] = []
        for number, life in enumerate(self.lives):
            steps = [life.started(), life.held(2), life.accepted(3)]
            steps += [self._priced(life.reported("delivered", 5)), life.reported("read", 9)]
            heard += steps[: 3 + number % 3] + steps[:1]
        heard += [self.refused.started(), self.refused.rejected(), self.again.started()]
        heard += [self.letter.started(), self.letter.accepted()]
        for life in self.unheard:
            at = now()
            heard.append(msgspec.structs.replace(life.started(), at=at))
            heard.append(msgspec.structs.replace(life.accepted(), at=at))
        heard.append(_sent_at(self.unheard[0].reported("sent", 3)))
        send = self.group_send
        heard += [send.accepted(), send.reported()]
        heard += [send.result(0, "read", 9), send.result(1, "failed"), send.result(2, "sent")]
        heard += [*self.inbound, self._file(), *self.notices, *self._changes()]
        return heard

    def _changes(self) -> list[Record]:
        steps = (TaskStatus.DRAFT, TaskStatus.SCHEDULED, TaskStatus.RUNNING)
        tasks = [
            TaskChanged(
                task_id=self.task,
                tenant_id="acme",
                to_status=status,
                sequence=number,
                name="Spring",
                updated_at=NOON,
            )
            for number, status in enumerate(steps, start=1)
        ]
        pushes = [
            PushChanged(
                push_id=self.push,
                task_id=self.task,
                tenant_id="acme",
                to_status=status,
                sequence=number,
                due_at=NOON,
                groups=2,
                updated_at=NOON,
            )
            for number, status in enumerate((PushStatus.RUNNING, PushStatus.COMPLETED), start=1)
        ]
        group_send = GroupSendChanged(
            group_send_id=self.group_send.id,
            to_status=GroupSendStatus.PROCESSING,
            sequence=1,
            targets=4,
            updated_at=NOON,
        )
        job = JobChanged(
            job_id=self.job, to_status=JobStatus.RUNNING, sequence=1, total=7, updated_at=NOON
        )
        return [*tasks, *pushes, group_send, job]

    def _inbound(self, number: int) -> MessageReceived:
        at = NOON + timedelta(minutes=number + 1)
        life, author = Life(), self.people[2 + number // 2].removeprefix("+")
        return msgspec.structs.replace(life.inbound(), author=author, occurred_at=at)

    def _notice(self, number: int) -> NoticeReceived:
        return NoticeReceived(
            channel="whatsapp",
            notice_id=uuid4().hex,
            kind="message_echoes",
            account_id="1",
            content={"message_echoes": [{"to": self.people[4 + number]}]},
            occurred_at=NOON,
        )

    def _file(self) -> MediaStored:
        return MediaStored(
            channel="whatsapp",
            provider_message_id=self.inbound[0].provider_message_id,
            media_id="1",
            key="a/b.pdf",
            mime_type="application/pdf",
            size=1,
            sha256="0" * 64,
            file_name="Ada.pdf",
            at=NOON,
        )

    def _priced(self, report: StatusReported) -> StatusReported:
        return msgspec.structs.replace(report, pricing=PRICED)


def _sent_at(report: StatusReported) -> StatusReported:
    return msgspec.structs.replace(report, occurred_at=now())


_ENTERED: Final = frozenset({"created_at", "recorded_at", "received_at", "create_time", "id"})
_HEARD: Final = frozenset({"source_topic", "source_partition", "source_offset", "parked_at"})
_KEPT_APART: Final = frozenset({"result_id", "recent", "recent_since", "recent_at"})
_MOVED: Final = frozenset({"updated_at", "update_time"})
_TOLD: Final = frozenset(
    {"task_states", "push_states", "group_send_states", "task_status_history"}
    | {"message_status_history"}
)
"""Here `updated_at` is what somebody told, and not when the row was changed."""
_SEALED: Final = frozenset({"sealed", "sealed_file_name", "change"})
"""No two are alike: only whether there is something is compared."""

TABLES: Final[Mapping[str, str]] = {
    "messages": "message_id = ANY(:ids)",
    "message_status_history": "message_id = ANY(:ids)",
    "message_facts": "message_id = ANY(:ids)",
    "message_participants": "message_id = ANY(:ids)",
    "group_send_members": "message_id = ANY(:ids)",
    "t_group_send_result": "task_id = ANY(CAST(:sends AS bigint[]))",
    "group_send_progress": "task_id = ANY(CAST(:sends AS bigint[]))",
    "group_send_states": "task_id = ANY(CAST(:sends AS bigint[]))",
    "conversations": "conversation_id = ANY(:conversations)",
    "provider_notices": "notice_id = ANY(:notices)",
    "job_progress": "job_id = ANY(:jobs)",
    "message_tallies": "true",
    # Older ones are forgotten, sooner or later.
    "unheard_sends": "message_id = ANY(:ids) AND accepted_at > now() - interval '1 day'",
    "sends_by_time": "true",
    "task_states": "task_id = ANY(:tasks)",
    "push_states": "task_id = ANY(:tasks)",
    "task_status_history": "id = ANY(:changed)",
}
"""Every read model, and which of its rows are a town's."""

Snapshot = Mapping[str, list[tuple[Any, ...]]]


class Looker:
    """Looks at the rows of a town, whoever else there is."""

    def __init__(self, engine: sa.Engine, town: Town) -> None:
        self._engine = engine
        lives = (*town.lives, town.refused, town.again, town.waiting, town.letter, *town.unheard)
        ids = {life.message_id for life in (*lives, town.group_send.life)}
        with engine.connect() as connection:
            names = {"names": [one.provider_message_id for one in town.inbound]}
            came = "SELECT message_id FROM messages WHERE whatsapp_message_id = ANY(:names)"
            ids |= set(connection.execute(sa.text(came), names).scalars())
            theirs = "SELECT conversation_id FROM messages WHERE message_id = ANY(:ids)"
            conversations = connection.execute(sa.text(theirs), {"ids": list(ids)}).scalars()
            self._values = {
                "ids": list(ids),
                "sends": [town.group_send.id],
                "conversations": list(set(conversations)),
                "notices": [notice.notice_id for notice in town.notices],
                "jobs": [town.job, str(town.group_send.id)],
                "tasks": [town.task],
                "changed": [town.task, town.push, town.job, str(town.group_send.id)],
            }

    def look(self) -> Snapshot:
        """Return the town's rows of all read models but of those that count everybody."""
        counted = {"message_tallies", "sends_by_time"}
        return {table: self._rows(table) for table in TABLES if table not in counted}

    def changed(self, before: Snapshot) -> dict[str, list[Any]]:
        """Return what is not as it was: the cells of rows that were, or are."""
        after = self.look()
        return {
            table: _apart(before[table], after[table])
            for table in before
            if before[table] != after[table]
        }

    def _rows(self, table: str) -> list[tuple[Any, ...]]:
        query = sa.text(f"SELECT * FROM {table} WHERE {TABLES[table]}")  # noqa: S608 - our own words only
        with self._engine.connect() as connection:
            rows = connection.execute(query, self._values).mappings().all()
        return sorted((_shown(table, {**row}) for row in rows), key=repr)


def _shown(table: str, row: Mapping[Any, Any]) -> tuple[Any, ...]:
    passed_over = _ENTERED | _HEARD | _KEPT_APART
    if table not in _TOLD:
        passed_over |= _MOVED
    return tuple(
        (name, value is not None if name in _SEALED else _plain(value))
        for name, value in row.items()
        if name not in passed_over or (table, name) == ("task_status_history", "id")
    )


def _apart(before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
    """Return rows by what they do not share with the one at the same place."""
    pairs = zip_longest(before, after, fillvalue=())
    return [(set(a) - set(b), set(b) - set(a)) for a, b in pairs if a != b]


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell
    if isinstance(value, memoryview):
        return bytes(cast("memoryview[int]", value))
    if isinstance(value, dict):
        return repr(cast("dict[str, Any]", value))
    return value.isoformat() if isinstance(value, datetime) else value
