"""One thing done to many tasks; what fails with one of them stops no other (TP-09, CF-24)."""

from collections.abc import Callable
from typing import Final, assert_never

import sqlalchemy as sa

from runtime.errors import Conflict, NotFound, WrongFields
from schemas.http.tasks import (
    BatchAction,
    BatchBody,
    BatchDone,
    BatchUpdates,
    CopiedTask,
    FailedTask,
)
from services.scheduler.store.tasks import Task
from services.scheduler.timed import editing
from services.scheduler.timed.editing import Hand

_ONLY_OF_PAUSE: Final = "resume_at"

Step = Callable[[sa.Connection, str], Task | None]


def run(connection: sa.Connection, body: BatchBody, hand: Hand) -> BatchDone:
    """Do it to each task. Raises `WrongFields` where the batch itself makes no sense."""
    step = _step(body, hand)
    failed: dict[str, str] = {}
    copies: dict[str, str] = {}
    # In one order everywhere: two batches never wait for each other.
    for task_id in sorted(set(body.task_ids)):
        try:
            with connection.begin_nested():
                done = step(connection, task_id)
        except (Conflict, NotFound) as error:
            failed[task_id] = str(error)
        except WrongFields as error:
            failed[task_id] = "; ".join(f"{field}: {problem}" for field, problem in error.problems)
        else:
            if body.action is BatchAction.COPY and done is not None:
                copies[task_id] = done.task_id
    asked = dict.fromkeys(body.task_ids)
    return BatchDone(
        failed_tasks=[FailedTask(task_id=t, error=failed[t]) for t in asked if t in failed],
        copies=[CopiedTask(task_id=copies[t], copied_from=t) for t in asked if t in copies],
    )


def _step(body: BatchBody, hand: Hand) -> Step:
    updates = _updates(body)
    match body.action:
        case BatchAction.DELETE:
            return lambda connection, task_id: editing.delete(connection, task_id, hand)
        case BatchAction.PAUSE:
            until = None if body.updates is None else body.updates.resume_at
            return lambda connection, task_id: editing.pause(
                connection, task_id, hand, resume_at=until
            )
        case BatchAction.RESUME:
            return lambda connection, task_id: editing.resume(connection, task_id, updates, hand)
        case BatchAction.COPY:
            return lambda connection, task_id: editing.copy(connection, task_id, updates, hand)
        case BatchAction.UPDATE:
            if updates is None:
                raise WrongFields("Invalid request", [("updates", "is required")])
            return lambda connection, task_id: editing.edit(
                connection, task_id, updates, hand, version=None
            )
        case _:
            assert_never(body.action)


def _updates(body: BatchBody) -> BatchUpdates | None:
    """Return what changes of each task, None where nothing does. Raises `WrongFields`."""
    if body.updates is None:
        return None
    given = body.updates.model_fields_set
    allowed: dict[BatchAction, set[str]] = {
        BatchAction.DELETE: set(),
        BatchAction.PAUSE: {_ONLY_OF_PAUSE},
    }
    of_a_task = set(BatchUpdates.model_fields) - {_ONLY_OF_PAUSE}
    wrong = sorted(given - allowed.get(body.action, of_a_task))
    if wrong:
        told = [
            (f"updates.{BatchUpdates.model_fields[field].alias}", f"is not of {body.action}")
            for field in wrong
        ]
        raise WrongFields("Invalid request", told)
    return body.updates if given else None
