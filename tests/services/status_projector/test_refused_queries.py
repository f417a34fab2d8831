"""A question that cannot be is refused by the name of what is wrong with it (CF-08)."""

from typing import Any

import pytest

from tests.services.status_projector.asking import Asker

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

SEARCH, HISTORY = "/api/v1/messages", "/api/v1/im/messages"
CONVERSATIONS = "/api/v1/im/conversations"


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        (SEARCH, {"satus": "failed"}, "satus"),
        (SEARCH, {"status": "pending"}, "status"),
        (SEARCH, {"limit": 101}, "limit"),
        (SEARCH, {"limit": 0}, "limit"),
        (SEARCH, {"cursor": "x"}, "cursor"),
        (SEARCH, {"from": "yesterday"}, "from"),
        (SEARCH, {"from": "0001-01-01T00:00:00Z"}, "from"),
        (SEARCH, {"from": "2026-03-02T12:00:00"}, "from"),
        (SEARCH, {"recipient": "\x00"}, "recipient"),
        (SEARCH, {"sort": "recipient"}, "sort"),
        (SEARCH, {"order": "up"}, "order"),
        (HISTORY, {}, "contactId"),
        (HISTORY, {"contactId": "a", "after": "x"}, "after"),
        (CONVERSATIONS, {"sort": "name"}, "sort"),
        (CONVERSATIONS, {"cursor": "x"}, "cursor"),
        (f"{SEARCH}/export", {"limit": 5}, "limit"),
    ],
)
async def test_a_wrong_parameter_is_named(
    ask: Asker, path: str, parameters: dict[str, Any], field: str
) -> None:
    answer = await ask.get(path, **parameters)

    assert answer.status_code == 400
    assert answer.json()["data"] == {"field": field}


@pytest.mark.parametrize("path", [SEARCH, "/api/v1/jobs"])
async def test_a_range_that_ends_before_it_begins_is_refused(ask: Asker, path: str) -> None:
    answer = await ask.get(path, **{"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"})

    assert answer.status_code == 400
    assert answer.json()["message"] == "to: lies before 'from'"
    assert answer.json()["data"] == {"field": "to"}
