from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.drills.checkers.register import Reading, Swap, check
from tests.drills.history import Kind, Outcome, Span

DONE = Outcome.ACKNOWLEDGED
FIRST, SECOND = Swap("x", 0, "one", DONE, Span(0, 1)), Swap("x", 1, "two", DONE, Span(2, 3))


def reading(version: int, value: str, begun: float = 9, *, fresh: bool = True) -> Reading:
    return Reading("x", version, value, Span(begun, begun + 0.5), fresh)


def kinds(swaps: list[Swap], *readings: Reading) -> list[Kind]:
    return [anomaly.kind for anomaly in check(swaps, readings, [])]


def test_finds_nothing_in_versions_that_follow_each_other() -> None:
    assert kinds([FIRST, SECOND], reading(1, "one", 1.2), reading(2, "two")) == []


def test_finds_two_writes_of_one_version() -> None:
    assert kinds([FIRST, Swap("x", 0, "other", DONE, Span(0, 1))]) == [Kind.LOST_UPDATE]


def test_finds_a_lost_write_by_the_older_version_that_is_read() -> None:
    assert kinds([FIRST, SECOND], reading(1, "one")) == [Kind.STALE]


def test_an_older_version_may_be_read_where_nothing_is_promised() -> None:
    assert kinds([FIRST, SECOND], reading(1, "one", fresh=False)) == []


def test_finds_a_reading_that_goes_back_behind_an_earlier_one() -> None:
    unknown = Swap("x", 1, "two", Outcome.UNKNOWN, Span(2, 3))
    assert kinds([FIRST, unknown], reading(2, "two", 4), reading(1, "one", 9)) == [Kind.STALE]


def test_an_unknown_write_may_have_happened_or_not() -> None:
    unknown = Swap("x", 1, "two", Outcome.UNKNOWN, Span(2, 3))
    assert kinds([FIRST, unknown], reading(1, "one")) == []
    assert kinds([FIRST, unknown], reading(2, "two")) == []


def test_finds_a_refused_write_that_is_read() -> None:
    assert kinds([Swap("x", 0, "one", Outcome.REFUSED, Span(0, 1))], reading(1, "one")) == [Kind.REFUSED_SEEN]


def test_finds_a_value_that_nobody_wrote() -> None:
    assert Kind.INVENTED in kinds([FIRST], reading(1, "else"))


def test_finds_one_version_with_two_values() -> None:
    unknown = Swap("x", 0, "other", Outcome.UNKNOWN, Span(0, 1))
    assert kinds([FIRST, unknown], reading(1, "one"), reading(1, "other")) == [Kind.DIVERGED]


def test_finds_a_write_that_counted_twice() -> None:
    assert Kind.DOUBLED in kinds([FIRST], reading(2, "one"))


attempts = st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 2), st.booleans()), max_size=40)


@given(attempts)
def test_compare_and_set_never_looks_wrong(attempts: list[tuple[str, int, bool]]) -> None:
    """Each attempt expects a version that may be some versions old, and is refused unless it is the present one."""
    present: dict[str, tuple[int, str]] = {}
    swaps, readings = [], []
    for at, (key, behind, fresh) in enumerate(attempts):
        version, value = present.get(key, (0, ""))
        span = Span(at, at + 0.5)
        readings.append(Reading(key, version, value, span, fresh))
        accepted = behind == 0
        swaps.append(Swap(key, max(version - behind, 0), f"v{at}", DONE if accepted else Outcome.REFUSED, span))
        if accepted:
            present[key] = version + 1, f"v{at}"
    assert check(swaps, readings, []) == []
