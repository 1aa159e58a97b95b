"""Which runs are believed."""

from __future__ import annotations

import os

import pytest

from lab.wan.validity import Used, judge, used_by


def after(**cpu_seconds: float) -> dict[str, Used]:
    return {name: Used(seconds, clock_seconds=110) for name, seconds in cpu_seconds.items()}


BEFORE = {name: Used(50, clock_seconds=100) for name in ("forwarder", "load")}


def test_a_run_in_which_nobody_was_busy_is_valid() -> None:
    verdict = judge(BEFORE, after(forwarder=51, load=57))

    assert verdict.valid
    assert verdict.shares == {"forwarder": pytest.approx(0.1), "load": pytest.approx(0.7)}


def test_a_run_with_a_busy_forwarder_is_invalid_and_says_why() -> None:
    verdict = judge(BEFORE, after(forwarder=57.1, load=51))

    assert not verdict.valid
    assert verdict.reasons == ("forwarder used 71% of a core, more than 70%",)


def test_several_threads_may_use_more_than_a_core() -> None:
    assert judge(BEFORE, after(load=65)).reasons == ("load used 150% of a core, more than 70%",)


def test_no_time_has_no_share() -> None:
    with pytest.raises(ValueError, match="no time"):
        judge(BEFORE, BEFORE)


def test_a_process_is_seen_to_work() -> None:
    before = used_by(os.getpid())
    while used_by(os.getpid()).cpu_seconds < before.cpu_seconds + 0.05:
        pass  # work is what is measured

    assert used_by(os.getpid()).share_since(before) > 0
