"""With the literal messages of nats-server 2.15."""

from __future__ import annotations

import logging

import pytest

from broker.nats.faults import Fault, Faults, fault_of


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ('Permissions Violation for Publish to "MOL.REQ.b"', Fault.FORBIDDEN),
        ('Permissions Violation for Subscription to "MOL.>" using queue "q"', Fault.FORBIDDEN),
        ("Authorization Violation", Fault.UNAUTHORIZED),
        ("Authentication Timeout", Fault.UNAUTHORIZED),
        ("User Authentication Expired", Fault.UNAUTHORIZED),
        ("User Authentication Revoked", Fault.UNAUTHORIZED),
        ("Account Authentication Expired", Fault.UNAUTHORIZED),
        ("Stale Connection", Fault.STALE),
        ("Slow Consumer", Fault.SLOW),
        ("Maximum Payload Violation", Fault.TOO_LARGE),
        ("maximum connections exceeded", Fault.FULL),
        ("maximum account active connections exceeded", Fault.FULL),
        ("maximum subscriptions exceeded", Fault.FULL),
        ("Connection throttling is active", Fault.FULL),
        ("Secure Connection - TLS Required", Fault.TLS),
        ("Unknown Protocol Operation", Fault.PROTOCOL),
        ("Invalid Publish Subject", Fault.PROTOCOL),
        ("something new", Fault.OTHER),
    ],
)
def test_understands_what_servers_complain_of(message: str, fault: Fault) -> None:
    assert fault_of(message) is fault


def test_counts_every_fault_and_logs_each_message_once(caplog: pytest.LogCaptureFixture) -> None:
    faults = Faults()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            faults.note("hub", "Stale Connection")
    assert faults.counts[Fault.STALE] == 3
    assert len(caplog.records) == 1
