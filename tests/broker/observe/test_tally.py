from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from broker.observe.tally import (
    ACTIONS_MAX,
    BUCKETS_SECONDS,
    OTHER,
    REGIONS_MAX,
    UNKNOWN_ACTION,
    Tallies,
    quantile_seconds,
)

OK_CALLS = {"action": "x.y", "outcome": "ok", "tier": "messier"}


def tallies(registry: CollectorRegistry) -> Tallies:
    made = Tallies("calls", "Calls", "call_seconds", "Their times", {"tier": "messier"})
    registry.register(made)
    return made


@given(st.lists(st.floats(0.0, 10.0)))
def test_shows_the_times_that_prometheus_own_histogram_would(samples: list[float]) -> None:
    registry = CollectorRegistry()
    tally = tallies(registry).of("x.y")
    theirs = Histogram("theirs", "text", registry=registry, buckets=BUCKETS_SECONDS)
    for sample in samples:
        tally.note("ok", sample)
        theirs.observe(sample)
    for edge in [*map(str, BUCKETS_SECONDS), "+Inf"]:
        shown = registry.get_sample_value("call_seconds_bucket", {**OK_CALLS, "le": edge})
        assert (shown or 0) == registry.get_sample_value("theirs_bucket", {"le": edge})
    assert (registry.get_sample_value("call_seconds_count", OK_CALLS) or 0) == len(samples)


def test_counts_by_outcome() -> None:
    registry = CollectorRegistry()
    tally = tallies(registry).of("x.y")
    for code in ("ok", "ok", "timeout"):
        tally.note(code, 0.1)
    assert registry.get_sample_value("calls_total", OK_CALLS) == 2
    assert registry.get_sample_value("calls_total", {**OK_CALLS, "outcome": "timeout"}) == 1


def test_shows_nothing_of_what_never_happened() -> None:
    registry = CollectorRegistry()
    tallies(registry).of("x.y")
    assert registry.get_sample_value("call_seconds_count", OK_CALLS) is None


def test_names_only_so_many_actions() -> None:
    made = tallies(CollectorRegistry())
    for number in range(ACTIONS_MAX):
        made.of(str(number))
    assert made.of("one more") is made.of(UNKNOWN_ACTION)
    assert made.of("7") is not made.of(UNKNOWN_ACTION)


def test_counts_where_calls_were_answered_and_names_only_so_many_regions() -> None:
    registry = CollectorRegistry()
    tally = tallies(registry).of("x.y")
    tally.note_region("west")
    tally.note_region("west")
    answered = {"action": "x.y", "in_region": "west", "tier": "messier"}
    assert registry.get_sample_value("calls_answered_total", answered) == 2
    for number in range(REGIONS_MAX + 10):
        tally.note_region(str(number))
    assert len(tally.regions) == REGIONS_MAX + 1
    assert tally.regions[OTHER] == 11


@given(st.lists(st.floats(0.0, 5.0), min_size=1), st.floats(0.01, 1.0))
def test_finds_the_bucket_of_a_quantile(samples: list[float], share: float) -> None:
    tally = tallies(CollectorRegistry()).of("x.y")
    for sample in samples:
        tally.note("ok", sample)
    found = quantile_seconds(tally.outcomes["ok"].buckets, share)
    assert found is not None
    assert sum(sample <= found for sample in samples) >= share * len(samples)


def test_has_no_quantile_of_nothing() -> None:
    assert quantile_seconds([0] * (len(BUCKETS_SECONDS) + 1), 0.95) is None
