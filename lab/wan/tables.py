"""The laboratory's network for people: round trips as they really are, and what the links carried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from lab.wan.answers import Answer, LinkReport
from lab.wan.link import LinkSettings
from lab.wan.pings import Pair, RoundTrips
from lab.wan.sites import HOME
from lab.wan.validity import Verdict

NOTHING = ""


def round_trip_table(sites: Sequence[str], found: Mapping[Pair, RoundTrips], links: Sequence[LinkReport]) -> Table:
    """The quickest of several echoes, beside what the links of both ways add up to."""
    wanted_ms = {(link.source, link.target): link.settings.delay_ms for link in links}
    table = Table("from", *sites, title="round trips: milliseconds achieved (asked for)")
    for here in sites:
        cells = [round_trip(here, there, found, wanted_ms) if here != there else NOTHING for there in sites]
        table.add_row(here, *cells)
    return table


def round_trip(here: str, there: str, found: Mapping[Pair, RoundTrips], wanted_ms: Mapping[Pair, float]) -> str:
    least_ms = found[here, there].least_ms
    if least_ms is None:
        return "no answer"
    return f"{least_ms:.1f} ({wanted_ms[here, there] + wanted_ms[there, here]:.1f})"


def account_table(report: Answer) -> Table:
    """Of links between regions that carried something, or that are not as they were at first."""
    heads = (
        "link",
        "packets",
        "megabytes",
        "lost",
        "overflowed",
        "cut",
        "ms on average",
        "ms late",
        "ms late at worst",
    )
    table = Table(*heads, title="what the links carried")
    for link in report.links:
        carried = link.carried
        if HOME in (link.source, link.target) or not (carried.packets or carried.cut or carried.lost):
            continue
        table.add_row(
            f"{link.source} > {link.target}{trouble(link.settings)}",
            str(carried.packets),
            f"{carried.bytes / 1_000_000:.1f}",
            *map(str, (carried.lost, carried.overflowed, carried.cut)),
            "" if carried.delay_ms is None else f"{carried.delay_ms:.2f}",
            "" if carried.late_ms is None else f"{carried.late_ms:.2f}",
            f"{carried.late_worst_ms:.1f}",
        )
    return table


def trouble(settings: LinkSettings) -> str:
    if settings.cut:
        return " (cut)"
    return f" (cut: port {', '.join(map(str, sorted(settings.cut_ports)))})" if settings.cut_ports else ""


def judgement(verdict: Verdict) -> str:
    shares = ", ".join(f"{name} {share:.0%} of a core" for name, share in verdict.shares.items())
    return f"{shares}: {'; '.join(verdict.reasons) or 'what is measured now is valid'}"
