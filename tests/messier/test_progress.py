"""What people see of a load, on a terminal and in a log."""

import io

from rich.console import Console

from broker.testing import FakeClock
from messier.catalogue import Ignored, Malformed
from messier.load import Failed, Summary
from messier.progress import LINE_EVERY_SECONDS, shown_progress, summary_lines


async def test_log_gets_a_line_now_and_then_and_one_at_the_end() -> None:
    written, clock = io.StringIO(), FakeClock()
    with shown_progress(4, Console(file=written), clock) as progress:
        progress.advance("one.json")
        await clock.advance(LINE_EVERY_SECONDS)
        progress.advance("[two].json")
        progress.advance("three.json")
        progress.advance("four.json")
    assert written.getvalue() == "loading: 2/4 files, [two].json\nloading: 4/4 files, four.json\n"


def test_terminal_gets_a_bar() -> None:
    written = io.StringIO()
    with shown_progress(2, Console(file=written, force_terminal=True, width=100), FakeClock()) as progress:
        progress.advance("one.json")
        progress.advance("[bold]two.json")
    assert "2/2" in written.getvalue()
    assert "[bold]two.json" in written.getvalue()


def test_summary_counts_everything_and_lists_what_did_not_get_in() -> None:
    summary = Summary(
        loaded=["a.json"],
        unchanged=["b.json", "c.json"],
        malformed=[Malformed("z.json", "line 1, column 2: no"), Malformed("d.json", "AMS: no")],
        failed=[Failed("e.json", "conflict: no")],
        ignored=[Ignored("f.txt", "not a file of a catalogue")],
    )
    assert list(summary_lines(summary, 1.25)) == [
        "1 documents loaded, 2 unchanged, 2 malformed, 1 failed, 1 other files, 1.2 s",
        "  malformed  d.json: AMS: no",
        "  malformed  z.json: line 1, column 2: no",
        "  failed  e.json: conflict: no",
        "  ignored  f.txt: not a file of a catalogue",
    ]
