"""Which group sends there are, how far they are, what became of each customer (GS-07, GS-08)."""

from typing import Annotated, Any, Final

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse

from runtime import exports
from runtime.audit import Action
from runtime.auth import Caller, Permission
from runtime.csv_answers import AT_ONCE, IS_FILE, csv_answer, wants_csv
from runtime.errors import NotFound
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.asking import Order
from schemas.http.envelope import Envelope
from schemas.http.group_sends import (
    CustomerResult,
    CustomerResultPage,
    GroupResultsExport,
    GroupResultsQuery,
    GroupSendDetail,
    GroupSendPage,
    GroupSendRow,
    GroupSendsExport,
    GroupSendsQuery,
    ResultWord,
    SenderAccount,
)
from schemas.http.runs import Step
from schemas.topics.task_changes import GroupSendStatus
from services.status_projector.group_content import content_shown
from services.status_projector.group_sends import ResultStatus
from services.status_projector.routes.parts import Parts
from services.status_projector.store import group_results, runs
from services.status_projector.store.group_results import First, GroupSend, Outcome, SendsWish
from services.status_projector.store.personal import unseal

FIRST_RESULTS: Final = 1_000
COLUMNS: Final = tuple(field.alias or name for name, field in GroupSendRow.model_fields.items())
RESULT_COLUMNS: Final = tuple(
    field.alias or name for name, field in CustomerResult.model_fields.items()
)


def routes(parts: Parts) -> APIRouter:
    """Return the endpoints that ask about group sends."""
    router = APIRouter(prefix="/api/v1/workbench/group-send/tasks", tags=["group sends"])
    may_list = Depends(parts.guard.needs(Permission.GROUP_SEND_TASKS_VIEW))

    @router.get(
        "",
        summary="Which group sends are there? (GS-07)",
        response_model=Envelope[GroupSendPage],
        responses=IS_FILE,
    )
    async def group_sends(
        request: Request,
        asked: Annotated[GroupSendsQuery, Query()],
        caller: Annotated[Caller, may_list],
    ) -> Response | Envelope[GroupSendPage]:
        """Return a page; with ``Accept: text/csv`` all of them, as a file."""
        wish = _wish(asked, caller)
        if wants_csv(request):
            await exports.note(parts.engine, caller, Action.LIST_EXPORT, "group sends", asked)
            return _file(parts, wish)
        return Envelope(data=await in_thread(parts.engine, lambda c: _page(c, wish, asked)))

    _add_details(router, parts)
    return router


def _add_details(router: APIRouter, parts: Parts) -> None:
    may_view = Depends(parts.guard.needs(Permission.GROUP_SEND_TASK_VIEW))
    engine = parts.engine

    @router.get("/{groupSendTaskId}", summary="One group send, and its customers (GS-08)")
    async def group_send(
        task_id: Annotated[int, Path(alias="groupSendTaskId", ge=1, lt=2**63)],
        caller: Annotated[Caller, may_view],
    ) -> Envelope[GroupSendDetail]:
        def look(connection: sa.Connection) -> GroupSendDetail:
            found = _visible(connection, task_id, caller)
            return _detail(connection, parts.vault, found)

        return Envelope(data=await in_thread(engine, look))

    @router.get("/{groupSendTaskId}/history", summary="How did this group send get there?")
    async def group_send_history(
        task_id: Annotated[int, Path(alias="groupSendTaskId", ge=1, lt=2**63)],
        caller: Annotated[Caller, may_view],
    ) -> Envelope[list[Step]]:
        def look(connection: sa.Connection) -> list[Step]:
            _visible(connection, task_id, caller)
            steps = runs.history(connection, "group_send", str(task_id))
            return [Step.model_validate(step) for step in steps]

        return Envelope(data=await in_thread(engine, look))

    @router.get("/{groupSendTaskId}/results", summary="What became of each customer? (GS-10)")
    async def group_send_results(
        task_id: Annotated[int, Path(alias="groupSendTaskId", ge=1, lt=2**63)],
        asked: Annotated[GroupResultsQuery, Query()],
        caller: Annotated[Caller, may_view],
    ) -> Envelope[CustomerResultPage]:
        def look(connection: sa.Connection) -> CustomerResultPage:
            _visible(connection, task_id, caller)
            items, behind = _results(connection, task_id, asked.status, asked.cursor, asked.limit)
            return CustomerResultPage(items=items, next_cursor=_word(behind))

        return Envelope(data=await in_thread(engine, look))

    @router.get(
        "/{groupSendTaskId}/results/export",
        summary="The same as a CSV file",
        response_class=StreamingResponse,
        responses=IS_FILE,
    )
    async def export_results(
        task_id: Annotated[int, Path(alias="groupSendTaskId", ge=1, lt=2**63)],
        asked: Annotated[GroupResultsExport, Query()],
        caller: Annotated[Caller, may_view],
    ) -> StreamingResponse:
        await in_thread(engine, lambda c: _visible(c, task_id, caller))
        await exports.note(engine, caller, Action.LIST_EXPORT, f"group send {task_id}", asked)
        return csv_answer(
            "results",
            RESULT_COLUMNS,
            engine,
            lambda c, behind: _results(c, task_id, asked.status, behind or 0, AT_ONCE),
        )


def _visible(connection: sa.Connection, task_id: int, caller: Caller) -> GroupSend:
    found = group_results.group_send(connection, task_id)
    if found is None or not caller.may_see(found.tenant_id):
        raise NotFound("Group send not found")
    return found


def _wish(asked: GroupSendsExport, caller: Caller) -> SendsWish:
    return SendsWish(
        tenant_id=caller.tenant_id,
        status=asked.status,
        name=asked.task_name,
        since=asked.start_time,
        until=asked.end_time,
        newest_first=asked.order is Order.DESC,
    )


def _page(connection: sa.Connection, wish: SendsWish, asked: GroupSendsQuery) -> GroupSendPage:
    total, skip = group_results.count(connection, wish), (asked.page - 1) * asked.size
    found = group_results.page(connection, wish, skip=skip, limit=asked.size)
    return GroupSendPage(
        records=[_row(one) for one in found],
        total=total,
        size=asked.size,
        current=asked.page,
        pages=-(-total // asked.size),
    )


def _file(parts: Parts, wish: SendsWish) -> StreamingResponse:
    def read(connection: sa.Connection, skip: int | None) -> tuple[list[GroupSendRow], int | None]:
        found = group_results.page(connection, wish, skip=skip or 0, limit=AT_ONCE)
        more = (skip or 0) + AT_ONCE if len(found) == AT_ONCE else None
        return [_row(one) for one in found], more

    return csv_answer("group-sends", COLUMNS, parts.engine, read)


def _counts(send: GroupSend) -> dict[str, Any]:
    done = send.success + send.failed
    return {
        "target_count": send.targets,
        "success_count": send.success,
        "failed_count": send.failed,
        "pending_count": max(0, send.targets - done),
        "percent": round(100 * done / send.targets, 1) if send.targets else 100.0,
    }


def _row(send: GroupSend) -> GroupSendRow:
    return GroupSendRow(
        group_send_task_id=send.task_id,
        task_name=None,
        sender_account_name=None,
        status=GroupSendStatus(send.status),
        scheduled_time=send.scheduled_at,
        create_time=send.created_at,
        **_counts(send),
    )


def _detail(connection: sa.Connection, vault: Vault, send: GroupSend) -> GroupSendDetail:
    first = group_results.first_message(connection, send.task_id)
    results, behind = _results(connection, send.task_id, None, 0, FIRST_RESULTS)
    return GroupSendDetail(
        group_send_task_id=send.task_id,
        task_name=None,
        sender_account=None
        if first is None
        else SenderAccount(account_id=first.sender_id, account_name=None),
        message_content=None if first is None else _content(connection, vault, first),
        target=None,
        status=GroupSendStatus(send.status),
        reason=send.reason,
        scheduled_time=send.scheduled_at,
        create_time=send.created_at,
        update_time=send.updated_at,
        results=results,
        next_cursor=_word(behind),
        **_counts(send),
    )


def _content(connection: sa.Connection, vault: Vault, first: First) -> Any:  # noqa: ANN401 - as asked
    if first.sealed is None:
        return None
    keyring = vault.keyring(connection, [first.person])
    personal = unseal(keyring, first.person, first.message_id, first.sealed)
    if personal is None or personal.content is None:
        return None
    return content_shown(msgspec.json.decode(personal.content))


def _results(
    connection: sa.Connection, task_id: int, status: ResultWord | None, behind: int, limit: int
) -> tuple[list[CustomerResult], int | None]:
    found = group_results.outcomes(connection, task_id, status, after=behind, limit=limit + 1)
    shown = found[:limit]
    return [_result(one) for one in shown], shown[-1].id if len(found) > limit else None


def _result(outcome: Outcome) -> CustomerResult:
    status = ResultStatus.PENDING if outcome.status == ResultStatus.PROCESSING else outcome.status
    return CustomerResult(
        customer_id=outcome.customer_id,
        customer_name=None,
        status=status.value,
        error_message=outcome.error,
    )


def _word(behind: int | None) -> str | None:
    return None if behind is None else str(behind)
