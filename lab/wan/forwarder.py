"""The process that is the laboratory's network: reads packets at every site, and writes each where and when it arrives.

It runs before everything else on its processor if it may, since its delays are what is measured. It ends when its
standard input does, which is when whoever started it is gone, and takes the namespaces and what runs in them with it.
One that is started again after it was killed finds the namespaces as they were, and joins them again.

    python -m lab.wan.forwarder PLAN
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.wan import namespaces
from lab.wan.answers import Answers
from lab.wan.devices import MTU_BYTES, open_device
from lab.wan.sites import Plan
from lab.wan.switch import Switch

REAL_TIME_PRIORITY = 10
PACKETS_AT_ONCE = 64
"""From one site, before the next one's turn."""
IDLE_SECONDS = 3_600.0
NANOSECONDS = 1_000_000_000
OWN_NS = 80_000
"""What a packet is under way before it is read here and after it was written, by echoes over links without delay."""
NOWHERE_METRIC = 4_000
"""Behind the device's own route."""
READY = b"ready\n"


class Forwarder:
    def __init__(self, plan: Plan, switch: Switch) -> None:
        self._switch = switch
        self._answers = Answers(switch)
        self._plan = plan
        self._devices: dict[int, int] = {}
        self._descriptors: dict[str, int] = {}

    def run(self) -> None:
        """Until standard input ends."""
        with ExitStack() as stack:
            stack.enter_context(territory(self._plan))
            control = stack.enter_context(listening(self._plan.control))
            for site in self._plan.sites:
                descriptor = open_device(site)
                stack.callback(os.close, descriptor)
                self._devices[descriptor] = site.number
                self._descriptors[site.name] = descriptor
            os.write(sys.stdout.fileno(), READY)
            self._forward(control)

    def _forward(self, control: socket.socket) -> None:
        ending, asking = sys.stdin.fileno(), control.fileno()
        watched = [ending, asking, *self._devices]
        while True:
            ready, _, _ = select.select(watched, (), (), self._pause_seconds())
            for descriptor in ready:
                if descriptor == ending:
                    return
                if descriptor == asking:
                    self._answers.serve(control)
                else:
                    self._take_in(descriptor)
            self._give_out()

    def _pause_seconds(self) -> float:
        at_ns = self._switch.next_arrival_ns()
        return IDLE_SECONDS if at_ns is None else max(0, at_ns - time.monotonic_ns()) / NANOSECONDS

    def _take_in(self, descriptor: int) -> None:
        send, here, now_ns = self._switch.send, self._devices[descriptor], time.monotonic_ns() - OWN_NS
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(descriptor, MTU_BYTES)
            except BlockingIOError:
                return
            send(here, packet, now_ns)

    def _give_out(self) -> None:
        descriptors = self._descriptors
        for target, packet in self._switch.arrivals(time.monotonic_ns()):
            try:
                os.write(descriptors[target], packet)
            except OSError:
                self._answers.refused += 1


@contextmanager
def listening(path: str) -> Iterator[socket.socket]:
    """Whole messages, one an answer."""
    Path(path).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control:
        control.bind(path)
        control.setblocking(False)
        yield control


@contextmanager
def territory(plan: Plan) -> Iterator[None]:
    """The sites' namespaces. What goes to their network from this machine while no device is there goes nowhere."""
    there = namespaces.left(plan.prefix)
    namespaces.create(site.namespace for site in plan.sites if site.namespace and site.namespace not in there)
    nowhere = ("unreachable", plan.sites[0].everywhere, "metric", str(NOWHERE_METRIC))
    namespaces.ip("route", "replace", *nowhere)
    try:
        yield
    finally:
        namespaces.clear(plan.prefix)
        namespaces.ip("route", "delete", *nowhere)


def take_precedence() -> None:
    """Real-time priority, where the machine gives it; the accounts of lateness show what it is worth."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REAL_TIME_PRIORITY))
    except PermissionError:
        print("no real-time priority here: expect packets to be late", file=sys.stderr)


def main() -> None:
    plan = Plan.model_validate_json(Path(sys.argv[1]).read_text())
    forwarder = Forwarder(plan, Switch(plan.sites, plan.links, plan.seed))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    take_precedence()
    gc.freeze()
    gc.disable()  # a packet's way makes no cycles
    forwarder.run()


if __name__ == "__main__":
    main()
