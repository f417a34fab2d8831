# ruff: noqa: S608 - statements are joined from our own words only
"""What is compared of each read model, and what of it is not on the topics and stays as it is."""

from typing import Final

from services.status_projector.store.rebuilding.rows import FORGOTTEN, Rows, same

TOLD: Final = "(SELECT message_id FROM rebuild.messages WHERE sent_at >= :messages)"
"""The messages of which the topics tell everything."""

# Who was erased is nobody in the live row, whatever the topics still say.
_KNOWN: Final = "f.person IS NULL AND l.person IS DISTINCT FROM CAST('' AS bytea)"


def _personal(column: str, otherwise: str = "NULL") -> str:
    """Return a person's value; of who is forgotten, what the live row says, or nothing."""
    return f"CASE WHEN {_KNOWN} THEN s.{column} ELSE coalesce(l.{column}, {otherwise}) END"


def _sealed(column: str) -> str:
    """Return what is sealed: what is there stays, since no two seals are alike."""
    return f"CASE WHEN {_KNOWN} THEN coalesce(l.{column}, s.{column}) ELSE l.{column} END"


# What came in belongs where our last message before it belonged: that may be older than the topics.
_OWN_LINK: Final = "(s.message_direction = 'outbound' OR l.message_id IS NULL)"

# While a message was lost, what was said of it was parked. The shadow knows of it.
_UNPARK: Final = """
    DELETE FROM public.parked_events p
    USING rebuild.found_messages x JOIN rebuild.messages s USING (message_id)
    WHERE x.what = 'missing'
        AND (p.message_id = s.message_id OR p.whatsapp_message_id = s.whatsapp_message_id)
"""

MESSAGES: Final = Rows(
    table="messages",
    key=("message_id",),
    shown=("message_id",),
    join=FORGOTTEN,
    told="s.sent_at >= :messages",
    columns={
        **same("delivery_status", "started_at", "accepted_at", "delivered_at", "read_at"),
        **same("failed_at", "error_code", "error_message", "failures", "pricing", "category"),
        **same("channel", "sender_id", "message_type", "message_direction", "sent_at"),
        **same("queue_id", "agent_id", "wa_account_type", "wa_account_id", "job_id"),
        **same("original_message_id", "retried", "file_type", "file_error"),
        "tenant_id": f"CASE WHEN {_OWN_LINK} THEN s.tenant_id ELSE l.tenant_id END",
        "contact_id": (
            f"CASE WHEN {_OWN_LINK} THEN {_personal('contact_id')} ELSE l.contact_id END"
        ),
        "order_id": f"CASE WHEN {_OWN_LINK} THEN {_personal('order_id')} ELSE l.order_id END",
        "person": _personal("person", "CAST('' AS bytea)"),
        "conversation_id": _personal("conversation_id", "''"),
        "whatsapp_message_id": _personal("whatsapp_message_id"),
        "case_id": _personal("case_id"),
        "file_url": _personal("file_url"),
        "sealed": _sealed("sealed"),
        "sealed_file_name": _sealed("sealed_file_name"),
    },
    entered={**same("sequence", "created_at"), "updated_at": ":now"},
    stamp="updated_at",
    unknown="l.sent_at >= :messages",
    afterwards=[_UNPARK],
)
"""Their numbers follow from their histories (store/rebuilding/trails.py)."""

PARTICIPANTS: Final = Rows(
    table="message_participants",
    key=("message_id", "person"),
    shown=("message_id",),
    join=FORGOTTEN,
    told=f"f.person IS NULL AND s.message_id IN {TOLD}",
    columns={
        **same("status", "at", "error_code", "error_message"),
        **same("sent_at", "delivered_at", "read_at", "failures"),
    },
    entered={**same("sealed"), "updated_at": ":now"},
    stamp="updated_at",
    # Those without an address were erased: nobody can tell whose they were.
    unknown=f"l.sealed <> '' AND l.message_id IN {TOLD}",
)


def _newest(moment: str, column: str) -> str:
    """Return what follows from the newest message, which may be older than the topics."""
    newer = f"s.{moment} >= :messages OR l.conversation_id IS NULL"
    return f"CASE WHEN {newer} THEN s.{column} ELSE l.{column} END"


_LAST_KEPT: Final = """
    l.last_at = s.last_at AND EXISTS (
        SELECT FROM public.messages m WHERE m.message_id = l.last_message_id
            AND m.conversation_id = l.conversation_id AND m.sent_at = l.last_at
            AND m.message_direction = l.last_direction)
"""
"""Of two messages of one moment, either may have been the last to come."""


def _last(column: str) -> str:
    return f"CASE WHEN {_LAST_KEPT} THEN l.{column} ELSE {_newest('last_at', column)} END"


_LATER: Final = """
    (l.read_to IS NULL OR (SELECT m.sent_at > r.sent_at FROM public.messages r
                           WHERE r.message_id = l.read_to))
"""
# What was read is on no topic: the live count stays, unless there cannot be so many or so few, or
# the row was lost.
# Within one second nobody knows what came first.
_UNREAD: Final = f"""
    (
        SELECT CASE
            WHEN l.unread BETWEEN count(*) FILTER (WHERE m.sent_at > o.at AND {_LATER})
                AND count(*) FILTER (WHERE m.sent_at >= date_trunc('second', o.at))
            THEN l.unread
            ELSE count(*) FILTER (WHERE m.sent_at >= date_trunc('second', o.at) AND {_LATER}) END
        FROM (SELECT coalesce({_newest("outbound_at", "outbound_at")}, '-infinity') AS at) o
        LEFT JOIN public.messages m
            ON m.conversation_id = s.conversation_id AND m.message_direction = 'inbound'
    )
"""

CONVERSATIONS: Final = Rows(
    table="conversations",
    key=("conversation_id",),
    shown=("conversation_id",),
    join=FORGOTTEN,
    told="f.person IS NULL",
    columns={
        **same("channel", "sender_id", "person"),
        **{name: _newest("outbound_at", name) for name in ("tenant_id", "contact_id", "order_id")},
        "outbound_at": _newest("outbound_at", "outbound_at"),
        "inbound_at": _newest("inbound_at", "inbound_at"),
        "last_at": _newest("last_at", "last_at"),
        "last_message_id": _last("last_message_id"),
        "last_direction": _last("last_direction"),
        "unread": _UNREAD,
    },
    entered={"updated_at": ":now"},
    stamp="updated_at",
    unknown="l.last_at >= :messages",
)

NOTICES: Final = Rows(
    table="provider_notices",
    key=("channel", "notice_id"),
    shown=("channel", "notice_id"),
    join=FORGOTTEN,
    told="f.person IS NULL",
    columns=same("kind", "account_id", "person", "occurred_at"),
    entered=same("sealed", "received_at"),
    unknown="l.occurred_at >= :messages",
)

UNHEARD: Final = Rows(
    table="unheard_sends",
    key=("message_id",),
    shown=("message_id",),
    told=f"s.accepted_at >= :callbacks AND s.message_id IN {TOLD}",
    columns=same("sender", "tenant_id", "accepted_at"),
    entered={},
    surplus=f"l.message_id IN {TOLD}",
)

# A thing's changes lie in one partition: of whatever the topic has one, it has the last.
TASKS: Final = Rows(
    table="task_states",
    key=("task_id",),
    shown=("task_id",),
    columns={
        **same("tenant_id", "name", "status", "sequence", "next_at", "reason", "deleted"),
        **same("changed_by", "updated_at"),
    },
    entered={},
    unknown="l.updated_at >= :tasks",
)
PUSHES: Final = Rows(
    table="push_states",
    key=("push_id",),
    shown=("push_id",),
    columns={
        **same("task_id", "tenant_id", "status", "sequence", "occurrence_at", "due_at"),
        **same("groups", "reason", "changed_by", "updated_at"),
    },
    entered={},
    unknown="l.updated_at >= :tasks",
)
GROUP_SENDS: Final = Rows(
    table="group_send_states",
    key=("task_id",),
    shown=("task_id",),
    columns={
        **same("tenant_id", "status", "sequence", "targets", "due_at", "reason"),
        **same("changed_by", "updated_at"),
    },
    entered={},
    unknown="l.updated_at >= :tasks",
)
TASK_HISTORY: Final = Rows(
    table="task_status_history",
    key=("kind", "id", "sequence"),
    shown=("kind", "id", "sequence"),
    columns=same("from_status", "to_status", "reason", "changed_by", "updated_at"),
    entered=same("recorded_at"),
    unknown="l.updated_at >= :tasks",
)
