"""The profile as one HTML file that needs nothing else: a bar of kinds for each path, and tables of what is odd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from migrations.nosql.paths import spell
from migrations.nosql.profile import PathProfile, TableProfile

COLOURS = {
    "text": "#4e79a7", "numeric text": "#f28e2b", "integer": "#59a14f", "number": "#8cd17d", "boolean": "#b6992d",
    "null": "#bab0ac", "nan": "#e15759", "time": "#b07aa1", "binary": "#9d7660", "geometry": "#499894",
    "array": "#86bcb6", "object": "#d4a6c8", "missing": "#eeeeee",
}  # fmt: skip
STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem; color: #222 }
h2 { margin-top: 2.5rem } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ddd }
td.number { text-align: right; font-variant-numeric: tabular-nums } code { overflow-wrap: anywhere }
.bar { display: flex; height: 14px; width: 15rem; border: 1px solid #ccc } .bar i { display: block; min-width: 2px }
.legend span { margin-right: 1rem; white-space: nowrap } .legend i { display: inline-block; width: 12px; height: 12px;
border: 1px solid #ccc; margin-right: .3rem } small { color: #666 } .odd { color: #a33 }
"""


def page(source: str, profiles: Iterable[TableProfile]) -> str:
    title = f"Documents of {escape(source)}"
    legend = "".join(f'<span><i style="background:{colour}"></i>{kind}</span>' for kind, colour in COLOURS.items())
    body = "".join(part for each in profiles for part in _table(each))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f'<h1>{title}</h1><p class="legend">{legend}</p>{body}</html>\n'
    )


def _table(profile: TableProfile) -> Iterator[str]:
    table = profile.table
    yield f"<h2>{escape(table.name)}</h2><p>{profile.documents:,} documents, {profile.bytes:,} bytes, "
    yield f"the largest {profile.largest:,}. Key <code>{escape(table.key)}</code>; could be keys: "
    yield f"{escape(', '.join(map(spell, profile.candidate_keys()))) or 'none'}.</p>"
    if table.indexes:
        items = "".join(f"<li><code>{escape(index.query or index.name)}</code></li>" for index in table.indexes)
        yield f"<p>Indexes</p><ul>{items}</ul>"
    yield "<table><tr><th>path<th>kinds<th><th>distinct<th>range or length<th>oddities</tr>"
    for path in profile.paths.values():
        yield _row(path)
    yield "</table>"


def _row(path: PathProfile) -> str:
    counts = {name: seen.count for name, seen in path.kinds.items()} | {"missing": path.missing}
    counts = {name: count for name, count in counts.items() if count}
    bar = "".join(f'<i style="flex:{n};background:{COLOURS[k]}" title="{k} {n:,}"></i>' for k, n in counts.items())
    named = "<br>".join(f"{count:,} {name}{_since(path, name)}" for name, count in counts.items())
    ranges = "<br>".join(
        f"{escape(str(seen.least))} … {escape(str(seen.most))}"
        for seen in path.kinds.values()
        if seen.least is not None
    )
    oddities = "<br>".join(
        f"{seen.count:,} {name} <small>{escape(seen.example)}</small>" for name, seen in path.oddities.items()
    )
    return (
        f'<tr><td><code>{escape(spell(path.path))}</code><td><div class="bar">{bar}</div><td>{named}'
        f'<td class="number">{path.distinct.estimate():,}<td>{ranges}<td class="odd">{oddities}</tr>'
    )


def _since(path: PathProfile, kind: str) -> str:
    """Where kinds changed over the years, the first and the last document of each."""
    seen = path.kinds.get(kind)
    if seen is None or len(path.kinds) == 1:
        return ""
    return f" <small>{escape(seen.first)} … {escape(seen.last)}</small>"
