"""Which outcome the last four digits of +1 650 555 xxxx choose (section 6, second way)."""

from bisect import bisect_right
from typing import NamedTuple

from simulator.knobs import Changes

_PREFIX = "1650555"
_NUMBER_LENGTH = 11

# What nearly all magic recipients share: nothing is left to chance.
_CERTAIN: Changes = {
    "wa.lost_ratio": 0,
    "wa.delivered_ratio": 1,
    "wa.read_ratio": 1,
    "wa.skip_delivered": 0,
    "wa.receipts_off": 0,
    "wa.fail_async": 0,
    "wa.dup_rate": 0,
    "wa.shuffle": 0,
}


class Magic(NamedTuple):
    """One row: the first and last of the four digits, what happens, and for how long."""

    first: int
    last: int
    outcome: str
    knobs: Changes
    calls: int | None = None
    """Only the first calls for a message; afterwards it is an ordinary one."""
    span_s: float | None = None
    """Only this long after the first call for the recipient."""


def _fails(first: int, code: int, after_sent: float, outcome: str) -> Magic:
    knobs = {"wa.fail_async": 1, "wa.fail_code": code, "wa.fail_after_sent": after_sent}
    return Magic(first, first, outcome, knobs)


NORMAL = Magic(0, 5999, "normal; read", {})

TABLE: tuple[Magic, ...] = (
    NORMAL,
    Magic(6000, 6999, "receipts off: ends at delivered", {"wa.receipts_off": 1}),
    Magic(7000, 7099, "delivered is skipped, read comes", {"wa.skip_delivered": 1}),
    Magic(7100, 7199, "sent, then nothing", {"wa.delivered_ratio": 0}),
    Magic(7200, 7299, "accepted, then nothing at all", {"wa.lost_ratio": 1}),
    Magic(7300, 7399, "duplicates of every status", {"wa.dup_rate": 1}),
    Magic(7400, 7499, "statuses in reverse order", {"wa.reverse": True}),
    Magic(7500, 7599, "first status before the send answer", {"wa.early_webhook": 1}),
    Magic(7600, 7699, "time-out after acceptance; statuses follow", {"net.timeout_after": 1}),
    Magic(7700, 7799, "connection reset before acceptance", {"net.reset_before": 1}),
    Magic(7800, 7899, "5xx once, then normal", {"net.http_5xx": 1}, calls=1),
    Magic(7900, 7999, "130429 twice, then normal", {"wa.refuse": 130429}, calls=2),
    Magic(8000, 8099, "131056 for 6 s, then normal", {"wa.refuse": 131056}, span_s=6),
    _fails(9000, 131000, 1, "failed 131000 after sent"),
    _fails(9026, 131026, 0, "failed 131026 (not on WhatsApp)"),
    _fails(9047, 131047, 0, "failed 131047 (window closed)"),
    _fails(9049, 131049, 0, "failed 131049 (marketing limit of the user)"),
    _fails(9050, 131050, 0, "failed 131050 (opted out)"),
    _fails(9053, 131053, 0, "failed 131053 (media)"),
    Magic(9100, 9100, "400, code 100 at once", {"wa.refuse": 100}),
    Magic(9190, 9190, "401, code 190 at once", {"wa.refuse": 190}),
    Magic(9368, 9368, "403, code 368 at once", {"wa.refuse": 368}),
    Magic(9999, 9999, "delivered one hour after sent", {"wa.delivered_ms": [3_600_000, 3_600_000]}),
)

_FIRSTS = [row.first for row in TABLE]
_CHANGES: tuple[Changes, ...] = tuple({**_CERTAIN, **row.knobs} for row in TABLE)


def row_of(recipient: str) -> int | None:
    """Return the row of the table for a recipient (digits only); none when it is not magic."""
    if len(recipient) != _NUMBER_LENGTH or not recipient.startswith(_PREFIX):
        return None
    tail = int(recipient[-4:])
    row = bisect_right(_FIRSTS, tail) - 1
    return row if tail <= TABLE[row].last else 0


def changes_of(row: int) -> Changes:
    """Return the knobs of a row."""
    return _CHANGES[row]
