"""The strategies' laboratory: real nodes in regions that are apart, one of which stops, and what its caller notes."""

from __future__ import annotations

import pytest

from bench.strategy_load import Order
from bench.strategy_maps import FAR, MIDDLE, NEAR
from bench.strategy_regions import Break, nodes, regions
from bench.strategy_scenarios import SICK
from bench.strategy_world import Mode, Size
from broker.strategies.names import FASTEST

SIZES = {NEAR: Size(2, 4, 16), MIDDLE: Size(1, 4, 16), FAR: Size(1, 4, 16)}
STOPS_AT_SECONDS = 1.0
ORDER = Order(strategy=FASTEST, seed=1, calls_per_second=60, seconds=4.0, work_seconds=0.02, nodes=4)

pytestmark = pytest.mark.servers


def test_a_node_that_stops_fails_no_call_and_every_attempt_is_noted() -> None:
    with regions() as trial, nodes(trial, SIZES) as there:
        account, verdict = there.load(ORDER, Break(SICK, Mode.SILENT, STOPS_AT_SECONDS))

    assert set(verdict.shares) == {"caller", "forwarder"}
    assert [call for call in account.calls if call.error is not None or call.done_at_seconds is None] == []
    assert all(call.sent and call.node in {to for _, to in call.sent} for call in account.calls)
    left_waiting = [
        call
        for call in account.calls
        if any(to == SICK and at > STOPS_AT_SECONDS for at, to in call.sent) and call.node != SICK
    ]
    assert left_waiting, "nobody asked the node that had stopped"
    assert len({call.node for call in account.calls if call.made_at_seconds < STOPS_AT_SECONDS} - {SICK}) >= 1
