"""A drill as a picture: answers a second and the time they took, with the faults marked. SVG, for any browser."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path

from tests.drills.clients import Sample
from tests.drills.faults import Happened

WIDTH, HEIGHT, MARGIN, GAP = 1200, 220, 60, 50
LABEL_HEIGHT = 130
COLOURS = {True: "#b3261e", False: "#1a5fb4"}
"""Of writes and of reads."""
NAMES = {True: "writes", False: "reads"}

Series = Sequence[float]


def draw(path: Path, title: str, begun: float, samples: Iterable[Sample], faults: Iterable[Happened]) -> None:
    path.write_text(picture(title, begun, list(samples), list(faults)))


def picture(title: str, begun: float, samples: Sequence[Sample], faults: Sequence[Happened]) -> str:
    answered = [each for each in samples if each.failed is None]
    seconds = int(max((each.span.ended for each in answered), default=begun) - begun) + 1
    counts = {kind: per_second(answered, kind, begun, seconds, len) for kind in NAMES}
    worst = {kind: per_second(answered, kind, begun, seconds, slowest_ms) for kind in NAMES}
    scale = WIDTH / seconds
    height = LABEL_HEIGHT + 2 * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 2 * MARGIN} {height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{MARGIN}" y="20" font-size="16">{escape(title)}</text>',
        *(mark(fault, begun, scale) for fault in faults),
        panel(LABEL_HEIGHT, "answers a second", counts, scale),
        panel(LABEL_HEIGHT + HEIGHT + GAP, "slowest answer, ms", worst, scale),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def per_second(
    samples: Iterable[Sample], write: bool, begun: float, seconds: int, measure: Callable[[list[Sample]], float]
) -> Series:
    found: dict[int, list[Sample]] = defaultdict(list)
    for each in samples:
        if each.write is write:
            found[int(each.span.ended - begun)].append(each)
    return [measure(found[second]) for second in range(seconds)]


def slowest_ms(samples: list[Sample]) -> float:
    return 1000 * max((each.span.ended - each.span.begun for each in samples), default=0.0)


def panel(top: int, title: str, lines: dict[bool, Series], scale: float) -> str:
    most = max((max(series, default=0.0) for series in lines.values()), default=0.0) or 1.0
    drawn = [
        f'<polyline fill="none" stroke="{COLOURS[kind]}" points="{points(series, top, most, scale)}"/>'
        for kind, series in lines.items()
    ]
    legend = [
        f'<text x="{MARGIN + 200 + 70 * number}" y="{top - 6}" fill="{COLOURS[kind]}">{NAMES[kind]}</text>'
        for number, kind in enumerate(lines)
    ]
    return "\n".join(
        [
            f'<text x="{MARGIN}" y="{top - 6}">{escape(title)}</text>',
            f'<text x="{MARGIN - 6}" y="{top + 10}" text-anchor="end">{most:.0f}</text>',
            f'<text x="{MARGIN - 6}" y="{top + HEIGHT}" text-anchor="end">0</text>',
            f'<rect x="{MARGIN}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>',
            *drawn,
            *legend,
        ]
    )


def points(series: Series, top: int, most: float, scale: float) -> str:
    return " ".join(
        f"{MARGIN + second * scale:.1f},{top + HEIGHT * (1 - value / most):.1f}" for second, value in enumerate(series)
    )


def mark(fault: Happened, begun: float, scale: float) -> str:
    """From its begin until all members were in step again."""
    left = MARGIN + (fault.begun - begun) * scale
    width = max((fault.healed - fault.begun) * scale, 1.0)
    label = escape(f"{fault.name} {fault.region}")
    return (
        f'<rect x="{left:.1f}" y="{LABEL_HEIGHT}" width="{width:.1f}" height="{2 * HEIGHT + GAP}" fill="#f4d9a8"/>'
        f'<text transform="translate({left + 4:.1f} {LABEL_HEIGHT - 20}) rotate(-30)" font-size="9">{label}</text>'
    )
