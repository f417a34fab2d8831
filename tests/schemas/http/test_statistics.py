from schemas.http.statistics import Durations, LiveStatistics, Reached


def test_the_live_figures_are_in_camel_case_and_null_where_nothing_was_measured() -> None:
    nothing = Durations(p50=None, p95=None, p99=None, count=0)

    window = LiveStatistics(
        window_start=None,
        counts=Reached(sending=2, sent=1, delivered=1, read=0, failed=1),
        failed_by_code={"INVALID_RECIPIENT": 1},
        seconds_to_sent=nothing,
        seconds_to_delivered=nothing,
    )

    assert window.model_dump(by_alias=True)["secondsToSent"] == {
        "p50": None,
        "p95": None,
        "p99": None,
        "count": 0,
    }
    assert window.model_dump(by_alias=True)["windowStart"] is None
