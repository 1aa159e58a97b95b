"""A node that comes, or comes back, gets its share of the calls little by little: its caches are cold, its
connections few, and all callers see it at the same time."""

from __future__ import annotations

RAMP_SECONDS = 5.0
SHARE_FIRST = 0.02
START_SECONDS = 5.0
"""Nodes that were there when the caller began are not new: there is nothing better known."""


def share_of(began_at_seconds: float, now_seconds: float) -> float:
    return max(SHARE_FIRST, min(1.0, (now_seconds - began_at_seconds) / RAMP_SECONDS))
