from datetime import timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.sources import UNKNOWN, Buckets, source_of

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("host", "forwarded", "source"),
    [
        ("192.0.2.7", ["203.0.113.9"], "192.0.2.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.9 , 10.9.9.9"], "203.0.113.9"),
        ("fd00::1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ("10.0.0.1", ["203.0.113.9, nonsense"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        (None, ["203.0.113.9"], UNKNOWN),
    ],
)
def test_a_request_counts_for_the_last_address_that_is_no_trusted_proxys(
    host: str | None, forwarded: list[str], source: str
) -> None:
    assert source_of(host, forwarded, PROXIES) == source


def test_nobody_is_believed_by_default() -> None:
    assert source_of("10.0.0.1", ["203.0.113.9"], ()) == "10.0.0.1"


def test_who_has_one_address_of_a_network_has_them_all() -> None:
    first, second = "2001:db8:1:2::1", "2001:db8:1:2:ffff::9"

    assert source_of(first, [], ()) == source_of(second, [], ())


def test_after_the_burst_a_source_waits_for_its_rate() -> None:
    buckets = Buckets(per_second=2, burst=3, remembered=10)

    waits = [buckets.take("a", 100) for _ in range(4)]

    assert waits == [None, None, None, timedelta(seconds=0.5)]
    assert buckets.take("a", 100.5) is None
    assert buckets.take("a", 100.5) is not None


def test_sources_do_not_wait_for_each_other() -> None:
    buckets = Buckets(per_second=1, burst=1, remembered=10)
    buckets.take("a", 100)

    assert buckets.take("a", 100) is not None
    assert buckets.take("b", 100) is None


def test_the_source_heard_of_longest_ago_is_forgotten() -> None:
    buckets = Buckets(per_second=1, burst=1, remembered=2)
    for source in ("a", "b", "c"):
        buckets.take(source, 100)

    assert len(buckets) == 2
    assert buckets.take("b", 100) is not None
    assert buckets.take("a", 100) is None


@given(
    pauses=st.lists(st.floats(0, 5), min_size=1, max_size=60),
    rate=st.integers(1, 20),
    burst=st.integers(1, 20),
)
def test_in_no_span_more_is_given_than_burst_and_rate_allow(
    pauses: list[float], rate: int, burst: int
) -> None:
    buckets = Buckets(per_second=rate, burst=burst, remembered=1)
    now, given_at = 0.0, list[float]()
    for pause in pauses:
        now += pause
        if buckets.take("a", now) is None:
            given_at.append(now)

    for first, start in enumerate(given_at):
        for last, end in enumerate(given_at[first:], start=first):
            assert last - first + 1 <= burst + (end - start) * rate + 1
