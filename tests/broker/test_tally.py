from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from broker.tally import ACTIONS_MAX, BUCKETS_SECONDS, UNKNOWN_ACTION, Tallies


def tallies(registry: CollectorRegistry) -> Tallies:
    made = Tallies("calls", "Calls", "call_seconds", "Their times")
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
        shown = registry.get_sample_value("call_seconds_bucket", {"action": "x.y", "le": edge})
        assert (shown or 0) == registry.get_sample_value("theirs_bucket", {"le": edge})
    assert (registry.get_sample_value("call_seconds_count", {"action": "x.y"}) or 0) == len(samples)


def test_counts_by_outcome() -> None:
    registry = CollectorRegistry()
    tally = tallies(registry).of("x.y")
    for code in ("ok", "ok", "timeout"):
        tally.note(code, 0.1)
    assert registry.get_sample_value("calls_total", {"action": "x.y", "code": "ok"}) == 2
    assert registry.get_sample_value("calls_total", {"action": "x.y", "code": "timeout"}) == 1


def test_shows_nothing_of_what_never_happened() -> None:
    registry = CollectorRegistry()
    tallies(registry).of("x.y")
    assert registry.get_sample_value("call_seconds_count", {"action": "x.y"}) is None


def test_names_only_so_many_actions() -> None:
    made = tallies(CollectorRegistry())
    for number in range(ACTIONS_MAX):
        made.of(str(number))
    assert made.of("one more") is made.of(UNKNOWN_ACTION)
    assert made.of("7") is not made.of(UNKNOWN_ACTION)
