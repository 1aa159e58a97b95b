"""The page for people: every drill with what it found, its goal, met or missed, and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import orjson

from tests.drills.outage.picture import draw
from tests.drills.outage.scene import territory
from tests.drills.outage.verdict import Verdict

PAGE, LINES = "report.html", "report.jsonl"
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1100px; color: #1b1b1f; padding: 0 1em }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .35em .6em; vertical-align: top }
thead { background: #ececf1 } tbody tr { border-top: 1px solid #dadae0 } td.n { text-align: right; white-space: nowrap }
.met { color: #1c6b36; font-weight: 600 } .missed { color: #a51d2d; font-weight: 600 }
img { max-width: 100%; border: 1px solid #dadae0; margin-top: .5em } code { font-size: 13px }
"""
HEADS = ("drill", "requests", "failed", "read gap", "write gap", "misdirected", "acknowledged", "lost, doubled", "goal")


def write_report(folder: Path, seed: int, verdicts: Sequence[Verdict]) -> None:
    """With the picture of the last one; those before are there already."""
    last = verdicts[-1]
    names = {region.address: region.name for region in territory().regions}
    draw(folder / f"{last.outage.name}.png", f"{last.outage.title} ({last.lived.region})", last.lived, names)
    (folder / PAGE).write_text(page(seed, verdicts), encoding="utf-8")
    lines = [orjson.dumps(verdict.line(), option=orjson.OPT_APPEND_NEWLINE) for verdict in verdicts]
    (folder / LINES).write_bytes(b"".join(lines))


def page(seed: int, verdicts: Sequence[Verdict]) -> str:
    met = sum(not verdict.missed for verdict in verdicts)
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    return "\n".join(
        [
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Outages</title><style>{STYLE}</style>',
            f"<h1>Outages, as users lived through them</h1><p>Seed {seed}: {met} of {len(verdicts)} goals met.</p>",
            f"<table><thead><tr>{heads}</tr></thead><tbody>",
            *map(row, verdicts),
            "</tbody></table>",
            *map(section, verdicts),
            "</html>\n",
        ]
    )


def row(verdict: Verdict) -> str:
    line = verdict.line()
    cells = [
        f'<td><a href="#{line["drill"]}">{escape(verdict.outage.title)}</a></td>',
        f'<td class="n">{line["requests"]}</td>',
        f"<td>{'<br>'.join(f'{count} {escape(kind)}' for kind, count in line['failed'].items()) or '0'}</td>",
        *(f'<td class="n">{line[name]:.2f} s</td>' for name in ("read_gap_s", "write_gap_s", "misdirected_s")),
        f'<td class="n">{line["acknowledged"]}</td>',
        f'<td class="n">{line["lost"]}, {line["doubled"]}</td>',
        f"<td>{judgement(verdict)}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"


def section(verdict: Verdict) -> str:
    name = verdict.outage.name
    goal = escape(" ".join((verdict.outage.goal.__doc__ or "").split()))
    missed = "".join(f"<li>{escape(each)}</li>" for each in verdict.missed)
    return (
        f'<h2 id="{name}">{escape(verdict.outage.title)}: {judgement(verdict)}</h2>'
        f"<p>Goal: {goal} No acknowledged write is lost, none is doubled.</p><ul>{missed}</ul>"
        f'<img src="{name}.png" alt="what users saw over time">'
    )


def judgement(verdict: Verdict) -> str:
    return '<span class="missed">missed</span>' if verdict.missed else '<span class="met">met</span>'
