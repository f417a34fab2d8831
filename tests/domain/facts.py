"""Facts, evidence and failures for the tests of the rules, with times that often coincide."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from domain.failures import ErrorCode, Failure, Origin
from domain.lifecycle import Delivered, Evidence, Fact, Failed, Read, Sent, Started, learn

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def refused(seconds: float, provider_code: str | None = None) -> Failed:
    """Return a failure that the provider reported."""
    return Failed(at(seconds), Failure(ErrorCode.INVALID_RECIPIENT, Origin.PROVIDER, provider_code))


def inferred(seconds: float) -> Failed:
    """Return a failure that we concluded."""
    return Failed(at(seconds), Failure(ErrorCode.UNKNOWN_OUTCOME, Origin.LOCAL))


def known(facts: Iterable[Fact]) -> Evidence:
    """Return what is known after these facts, heard in this order."""
    evidence = Evidence()
    for fact in facts:
        evidence = learn(evidence, fact)
    return evidence


moments = st.integers(0, 4).map(at)
"""Few enough that equal times are common: ties are where an order could matter."""

success_facts: st.SearchStrategy[Fact] = st.one_of(
    *(st.builds(kind, moments) for kind in (Started, Sent, Delivered, Read))
)
failures = st.builds(
    Failure,
    st.sampled_from(ErrorCode),
    st.sampled_from(Origin),
    st.sampled_from([None, "", "131026", "131031"]),
    st.sampled_from([None, "", "undeliverable"]),
)
failed_facts: st.SearchStrategy[Fact] = st.builds(Failed, moments, failures)
facts = st.lists(st.one_of(success_facts, failed_facts), max_size=8)
