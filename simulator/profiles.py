"""What a world is like unless told otherwise (section 6, profiles); `demo` is the default."""

from simulator.knobs import Changes, Knobs, patched

_PERFECT: Changes = {
    "net.slow_ms": [0, 0],
    "wa.rate": 0,
    "wa.pair": [0, 0],
    "wa.sent_ms": [0, 5],
    "wa.delivered_ms": [0, 5],
    "wa.read_ms": [0, 5],
    "wa.read_ratio": 1,
    "wa.skip_delivered": 0,
    "wa.receipts_off": 0,
    "wa.fail_async": 0,
    "wa.same_second": 0,
    "wa.unknown_fields": 0,
    "wa.webhook_workers": 1,  # in order
    "wx.cb_workers": 1,
    "wx.max_concurrency": 0,
    "wx.dispatching_s": 0,
    "wx.confirm": [1, 0, 0],
    "wx.confirm_s": [0, 0],
    "wx.send_ms": [0, 0],
    "wx.partial": 0,
    "wx.removed": 0,
    "wx.status2": 0,
    "wx.status3": 0,
    "wx.fail_list": 0,
    "wx.result_lag_s": 0,
}

_REALISTIC: Changes = {
    "net.http_5xx": 0.002,
    "net.timeout_after": 0.001,
    "wa.receipts_off": 0.03,
    "wa.fail_async": 0.03,
    "wa.dup_rate": 0.005,
    "wa.shuffle": 0.01,
}

_BENCH: Changes = {
    **_PERFECT,
    "wa.rate": 1000,
    "wa.pair": [6, 45],
    "wa.sent_ms": [50, 50],
    "wa.delivered_ms": [100, 100],
    "wa.read_ms": [200, 200],
    "wa.batch_max": 200,
    "wa.batch_wait_ms": 25,
    "wa.contacts_block": False,
    "wa.webhook_workers": 4,
    "wx.cb_workers": 4,
}

_CHAOS: Changes = {
    "net.reset_before": 0.01,
    "net.reset_after": 0.01,
    "net.timeout_after": 0.01,
    "net.http_5xx": 0.02,
    "wa.token_ttl": 120,
    "wa.receipts_off": 0.3,
    "wa.fail_async": 0.2,
    "wa.success_after_failed": 0.05,
    "wa.dup_rate": 0.05,
    "wa.shuffle": 0.1,
    "wa.early_webhook": 0.1,
    "wa.batch_max": 20,
    "wa.mixed_batch": True,
    "wa.bad_signature": 0.02,
    "wa.odd_statuses": 0.02,
    "wa.username_users": 0.05,
    "wa.foreign_ratio": 0.05,
    "wa.unknown_fields": 0.05,
    "wx.token_early": 7080,
    "wx.busy": 0.02,
    "wx.concurrency": 0.02,
    "wx.partial": 0.3,
    "wx.status2": 0.1,
    "wx.status3": 0.1,
    "wx.fail_list": 0.05,
    "wx.stale_cursor": 0.05,
    "wx.empty_pages": 0.1,
    "wx.cb_loss": 0.02,
    "wx.cb_bad_crypto": 0.02,
}

PROFILES: dict[str, Knobs] = {
    name: patched(Knobs(), changes)
    for name, changes in {
        "perfect": _PERFECT,
        "demo": {},
        "realistic": _REALISTIC,
        "bench": _BENCH,
        "chaos": _CHAOS,
    }.items()
}

# Their ledger keeps counts only: a record a message would fill the memory (section 6, bench).
COUNTING_PROFILES = frozenset({"bench"})
