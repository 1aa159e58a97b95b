"""Goals against outages that are written down by hand: each is missed by what it forbids, and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.users.record import OK, REFUSED, STALE, Kind, Record, Try
from tests.drills.outage import goals
from tests.drills.outage.goals import Goal, Lived

BEGUN, HEALING, HEALED, ENDED = 100.0, 130.0, 140.0, 145.0
DEAD = "10.0.0.1"


def asked(
    at: float,
    outcome: str = OK,
    *,
    kind: Kind = "browser",
    write: bool = False,
    seconds: float = 0.1,
    group: str = "browser-cached",
    address: str = "10.0.0.2",
) -> Record:
    return Record(group, kind, write, at, at + seconds, outcome, (Try(address, at),), f"key-{at}" if write else "")


def lived(*more: Record, flaps: int = 0) -> Lived:
    """Every second a read of each kind and a write, all of them answered and kept; and more."""
    seconds = [float(second) for second in range(90, 145)]
    usual = [
        each
        for at in seconds
        for each in (asked(at), asked(at, kind="plain"), asked(at, write=True, group="browser-writes"))
    ]
    records = [*usual, *more]
    written = {each.key: 1 for each in records if each.write and each.answered}
    return Lived("west", BEGUN, HEALING, HEALED, ENDED, [DEAD], records, flaps, written)


ALL: list[Goal] = [
    goals.unnoticed,
    goals.safe_unnoticed,
    goals.region_gone,
    goals.power_gone,
    goals.cached_unnoticed,
    goals.steady,
    goals.kept,
]


@pytest.mark.parametrize("goal", ALL)
def test_what_nobody_noticed_misses_no_goal(goal: Goal) -> None:
    assert goal(lived()) == []


def test_a_write_that_was_acknowledged_and_is_not_there_is_lost() -> None:
    found = lived()
    gone = replace(found, written={key: count for key, count in found.written.items() if key != "key-110.0"})
    assert gone.lost == ["key-110.0"]
    assert goals.kept(gone) == ["1 acknowledged writes lost, 0 allowed"]


def test_a_write_that_nobody_acknowledged_may_be_there_but_not_twice() -> None:
    unknown = asked(110.5, REFUSED, write=True)
    assert goals.kept(replace(lived(unknown), written={**lived().written, unknown.key: 1})) == []
    assert goals.kept(replace(lived(unknown), written={**lived().written, unknown.key: 2})) == [
        "1 writes doubled, 0 allowed"
    ]


@pytest.mark.parametrize(
    ("record", "missed"),
    [
        (asked(101, REFUSED), "1 reads of browsers failed"),
        (asked(101, seconds=1.2), "1.2 s for a browser's slowest read"),
        (asked(116, REFUSED, kind="plain"), "16 s until plain reads failed no more"),
        (asked(117, kind="plain", address=DEAD), "17 s until the last misdirected client"),
    ],
)
def test_a_region_that_is_gone_may_cost_so_much_and_no_more(record: Record, missed: str) -> None:
    [told] = goals.region_gone(lived(record))
    assert told.startswith(missed)


def test_plain_clients_may_fail_until_names_lead_elsewhere() -> None:
    assert goals.region_gone(lived(asked(110, REFUSED, kind="plain", address=DEAD))) == []


def test_writes_may_wait_for_so_long() -> None:
    found = lived()
    without = replace(found, records=[each for each in found.records if not (each.write and 100 < each.begun < 112)])
    assert goals.region_gone(without) == ["12 s without an answered write, 10 allowed"]


def test_without_a_majority_writes_are_refused_and_old_answers_say_so() -> None:
    searches = [
        asked(at, STALE if 111 < at < 130 else OK, group="plain-searches") for at in (95.0, 115.0, 125.0, 142.0)
    ]
    refused = [asked(at, "status_503", write=True) for at in (115.0, 125.0)]
    back = [asked(135.0, write=True)]
    found = replace(lived(), records=[*searches, *refused, *back], written={"key-135.0": 1})
    assert goals.majority_gone(found) == []
    assert goals.majority_gone(replace(found, records=[*found.records, asked(120.0, write=True)])) == [
        "1 writes taken without a majority, 0 allowed"
    ]
    assert goals.majority_gone(replace(found, records=[*found.records, asked(120.0, group="plain-searches")])) == [
        "1 old answers that did not say so, 0 allowed"
    ]
    assert goals.majority_gone(replace(found, records=[*refused, *back])) == ["nobody was given an old answer"]


def test_after_a_loss_of_power_everything_is_back_in_time() -> None:
    found = lived()
    late = replace(found, records=[each for each in found.records if each.begun < HEALING])
    assert goals.power_gone(late) == [
        "inf s until reads were answered, 120 allowed",
        "inf s until writes were answered, 120 allowed",
    ]


def test_what_is_cached_is_answered_and_the_rest_may_fail() -> None:
    assert goals.cached_unnoticed(lived(asked(110, REFUSED, group="browser-searches"))) == []
    assert len(goals.cached_unnoticed(lived(asked(110, REFUSED)))) == 1


def test_users_who_were_held_up_themselves_are_not_believed() -> None:
    late = [asked(100 + number / 10) for number in range(20) if not 5 < number < 15]
    assert goals.believable(replace(lived(), records=late, ended=late[-1].begun)) == [
        "1 s in which users were held up themselves, 0.5 allowed"
    ]
    assert goals.believable(replace(lived(), records=late[:5], ended=late[4].begun)) == []


def test_users_who_do_not_come_at_all_are_not_believed() -> None:
    assert len(goals.believable(replace(lived(), records=[]))) == 1


def test_a_healthy_region_stays_in_the_answers() -> None:
    assert goals.steady(lived(flaps=1)) == ["1 times that a healthy region left the answers, 0 allowed"]
