"""Which misbehaviour can be ordered, and what each knob means (section 7; defaults = `demo`)."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Ratio = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0)]
Span = tuple[Amount, Amount]  # lowest and highest


def _dotted(field: str) -> str | None:
    return field.replace("_", ".", 1)


class Knobs(Struct, frozen=True, kw_only=True, rename=_dotted, forbid_unknown_fields=True):
    """One setting of all knobs. In JSON the first underscore is a dot: `net.slow_ms`."""

    net_refuse: Amount = 0
    """Seconds (real) for which the port is closed and all connections are cut; then back to 0."""
    net_reset_before: Ratio = 0
    """Connection reset before the request is processed."""
    net_reset_after: Ratio = 0
    """Request processed, connection reset without an answer."""
    net_timeout_before: Ratio = 0
    """Request read, never processed, no answer."""
    net_timeout_after: Ratio = 0
    """Request processed, answer withheld until the client gives up (at most 120 s, real)."""
    net_slow_ms: Span = (20, 120)
    """Delay of every answer, real milliseconds."""
    net_slow_drip: Ratio = 0
    """Answer sent one byte every 500 ms (real)."""
    net_http_5xx: Ratio = 0
    """500, 502, 503 or 504 with a JSON, HTML or empty body; not processed."""
    net_bad_body: Ratio = 0
    """Processed, but 200 with truncated or invalid JSON, or without `messages`."""
    net_retry_after: str = "off"
    """Value of a `Retry-After` header on throttles and 5xx; `date`: a date 5 s ahead."""
    net_outage: Literal["off", "5xx", "reset", "timeout"] = "off"
    """Every call fails in this way."""
    net_redirect: Ratio = 0
    """302 to another host; the ledger counts tokens that follow."""

    wa_rate: Amount = 80
    """Messages a second and sending number, sent and received together; above: 130429. 0: off."""
    wa_pair: tuple[Amount, Count] = (6, 45)
    """Seconds a message to one user, and the burst that may be borrowed: 131056. [0, 0]: off."""
    wa_throttle_http: Literal[400, 429] = 400
    """HTTP status of throttling answers."""
    wa_token_ttl: Amount = 0
    """Seconds until the token expires with 190 / 463; 0: never."""
    wa_account_state: Count = 0
    """Code that refuses every send (368, 131031, 131042, 131037, 133010 ...); 0: fine."""
    wa_refuse: Count = 0
    """Code of WA 3 that refuses this send at once; for rules and magic recipients; 0: none."""
    wa_hide_accepted: Count = 0
    """Code of WA 3 that an accepted send is answered with (131016: a 500); 0: with its id."""
    wa_window: Literal["off", "async", "refuse"] = "off"
    """Free-form to a user who has not written for 24 h: 131047 by webhook, at once, or ignored."""
    wa_expired_version: Literal["serve", "refuse"] = "serve"
    """Call with an expired Graph version: served as the oldest living one, or refused."""
    wa_long_ids: bool = False
    """Message ids of 200 characters."""

    wa_sent_ms: Span = (150, 600)
    """Delay of `sent` after acceptance."""
    wa_delivered_ms: Span = (300, 2500)
    """Delay of `delivered` after `sent`."""
    wa_read_ms: Span = (1000, 20000)
    """Delay of `read` after `delivered`."""
    wa_delivered_ratio: Ratio = 1
    """Share of messages that get beyond `sent` (the rest: phone off)."""
    wa_read_ratio: Ratio = 0.7
    """Share of delivered messages that are read."""
    wa_skip_delivered: Ratio = 0.1
    """Share of read messages for which no `delivered` comes."""
    wa_receipts_off: Ratio = 0.1
    """Share of users without read receipts: ends at `delivered`."""
    wa_lost_ratio: Ratio = 0
    """Accepted, no webhook ever."""
    wa_fail_async: Ratio = 0.01
    """Share that ends in `failed`."""
    wa_fail_code: Count = 0
    """Code of those failures; 0: drawn from a weighted list."""
    wa_fail_after_sent: Ratio = 0.5
    """Share of the failures that come after `sent`."""
    wa_success_after_failed: Ratio = 0
    """Share of the failures after which `delivered` comes all the same."""
    wa_same_second: Ratio = 0.5
    """Share of messages whose `sent` and `delivered` carry the same timestamp."""
    wa_clock_skew_s: float = 0
    """Provider's clock ahead (or, negative, behind) in its timestamps."""

    wa_dup_rate: Ratio = 0
    """Share of updates that are sent once more."""
    wa_dup_delay: Span = (1, 30)
    """Seconds until the repetition."""
    wa_shuffle: Ratio = 0
    """Share of messages of which two neighbouring updates are swapped."""
    wa_reverse: bool = False
    """Updates of a message come in reverse order."""
    wa_early_webhook: Ratio = 0
    """Share of messages whose first update is POSTed before the send call is answered."""

    wa_batch_max: Annotated[int, Meta(ge=1, le=1000)] = 1
    """Updates a POST."""
    wa_batch_wait_ms: Amount = 0
    """How long a batch that is not full waits for more, real milliseconds."""
    wa_mixed_batch: bool = False
    """Every POST carries one malformed and one foreign update among the good ones."""
    wa_bad_signature: Ratio = 0
    """Share of POSTs accompanied by a forged one, whose signature is wrong, missing or cut."""
    wa_retry_plan: Literal["7d", "36h", "none", "fast"] = "7d"
    """When a callback that was not answered 200 is sent again."""
    wa_webhook_burst: Amount = 0
    """Seconds for which updates are held, to be delivered all at once; 0: off."""
    wa_webhook_workers: Annotated[int, Meta(ge=1, le=256)] = 4
    """Parallel POSTs."""
    wa_odd_statuses: Ratio = 0
    """Share of updates followed by `played`, `warning` or `deleted` for the same message."""
    wa_username_users: Ratio = 0
    """Share of users whose number is hidden: a business-scoped user id stands in its place."""
    wa_foreign_ratio: Ratio = 0
    """Updates for messages the product never sent, a ratio of its own updates."""
    wa_unknown_fields: Ratio = 0.01
    """Share of POSTs with unknown statuses, types or fields."""
    wa_payload_version: Literal[20, 23, 24] = 24
    """Shape: 20 (`conversation`, priced by it), 23 (`conversation`, priced a message) or 24."""
    wa_contacts_block: bool = True
    """`contacts` beside sent, delivered and read (2026 style)."""
    wa_flat_callbacks: bool = False
    """Callbacks in the flat form of the input documents, to the flat path."""

    wx_token_early: Amount = 0
    """Seconds by which an access token ends before its `expires_in`."""
    wx_token_storm: bool = False
    """`gettoken` may be called 5 times a minute only."""
    wx_busy: Ratio = 0
    """Share of calls answered -1."""
    wx_freq: str = "off"
    """Call that is answered 45009, as `kf/sync_msg`."""
    wx_concurrency: Ratio = 0
    """Share of calls answered 45033."""
    wx_ip: bool = False
    """Every call is answered 60020: our address is not trusted."""
    wx_max_concurrency: Count = 50
    """Calls at once above which more are answered 45033; 0: off."""
    wx_dispatching_s: Amount = 3
    """Seconds after its creation for which a group send is answered 41063."""
    wx_confirm: tuple[Ratio, Ratio, Ratio] = (0.8, 0.1, 0.1)
    """Members who confirm a group send soon, late, never."""
    wx_confirm_s: Span = (5, 60)
    """Delay of those who confirm soon."""
    wx_late_s: Span = (3600, 28_800)
    """Delay of what comes late."""
    wx_send_ms: Span = (20, 200)
    """Time between two rows of one member's task."""
    wx_partial: Ratio = 0.05
    """Share of the members who send one half at first and the rest late."""
    wx_removed: Ratio = 0.1
    """Share of the customers whom a member removes where `allow_select` is on."""
    wx_status2: Ratio = 0.02
    """Share of the rows that fail: not a friend."""
    wx_status3: Ratio = 0.03
    """Share of the rows that fail: quota."""
    wx_fail_list: Ratio = 0.01
    """Share of the recipients who are refused at creation."""
    wx_result_lag_s: Amount = 5
    """Seconds, at most, until a result can be seen."""
    wx_stale_cursor: Ratio = 0
    """Share of the cursors that are answered 50100."""
    wx_media_expire: Amount = 259_200
    """Seconds for which an upload is known."""
    wx_silent_drop: bool = True
    """Messages above a member's limit are answered 0 and not delivered."""
    wx_robot_rate: Count = 20
    """Messages a minute that a group's robot takes, 45009; 0: off."""
    wx_page_size: Count = 0
    """Largest page of a list, whatever was asked; 0: as asked."""
    wx_empty_pages: Ratio = 0
    """Share of pages without content although more comes."""
    wx_cb_workers: Annotated[int, Meta(ge=1, le=256)] = 4
    """Parallel pushes to each channel's callback."""
    wx_cb_format: Literal["xml", "json"] = "xml"
    """Form of WeCom's callbacks."""
    wx_retry_on: Literal["network", "any"] = "network"
    """A push is tried again after no answer in time, or after any status but 200."""
    wx_drop_after: Annotated[int, Meta(ge=1)] = 100
    """Failed pushes in a row after which events are dropped untried, until the URL is saved."""
    wx_cb_loss: Ratio = 0
    """Share of events that are never pushed."""
    wx_cb_bad_crypto: Ratio = 0
    """Share of pushes accompanied by a hostile one, which must be refused."""

    wc_push_mode: Literal["plain", "safe"] = "safe"
    """WeChat's push: as it is, or encrypted."""
    wc_push_format: Literal["xml", "json"] = "xml"
    """Form of WeChat's push."""
    wc_list_shape: Literal["both", "object", "array"] = "both"
    """`List` of one entry in JSON: an object, an array, or now this and now that."""
    wc_consent: Count = 1
    """Messages of each template to which the users of the start have consented."""
    wc_together_ms: Amount = 0
    """Milliseconds within which the same template to the same user is answered 43108; 0: off."""
    wc_quota: Count = 0
    """Calls of one name a day; above: 45009. 0: off."""
    wc_refuse: Count = 0
    """Code of WX 14.5 that refuses this call, for rules; 0: none."""
    wc_msgid: Ratio = 1
    """Share of the subscribe messages whose answer names them (`msgid`)."""
    wc_sent_event: Literal["on", "missing", "failing"] = "on"
    """What is told of a subscribe message afterwards."""
    wc_sent_ms: Span = (200, 3000)
    """Delay of that after acceptance."""


Changes = Mapping[str, object]


class KnobError(ValueError):
    """A knob does not exist or cannot take this value; the text names it."""


def patched(knobs: Knobs, changes: Changes) -> Knobs:
    """Return the knobs with these changes, dotted names as keys.

    >>> patched(Knobs(), {"wa.read_ratio": 1}).wa_read_ratio
    1.0

    Raises KnobError naming the knob.
    """
    try:
        return msgspec.convert({**as_dict(knobs), **changes}, Knobs)
    except msgspec.ValidationError as error:
        raise KnobError(str(error)) from error


def as_dict(knobs: Knobs) -> dict[str, object]:
    """Return all knobs under their dotted names, ready for JSON."""
    return msgspec.to_builtins(knobs)
