from __future__ import annotations

import hashlib
import json
import multiprocessing
import random
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from migrations.nosql import known_plans
from migrations.nosql import progress as records
from migrations.nosql.load import TableLoad
from migrations.nosql.plan import Plan
from migrations.nosql.plan_file import read
from migrations.nosql.progress import Progress
from migrations.nosql.run import Job, NotThisTarget
from migrations.nosql.sources.opening import open_source
from migrations.nosql.target import reached
from migrations.nosql.verify import verify
from tests.migrations.nosql.dumps import genuine, manifest, write_dump

PLAN = """
[[tables]]
source = "shop.things"
name = "things"
key = ["id"]
rest = "rest"
columns = [
  { name = "id", from = "id", type = "text(20)", required = true },
  { name = "n", from = ["n", "old.n"], type = "integer", coerce = ["text to number"] },
  { name = "share", from = "share", type = "number" },
  { name = "price", from = "price", type = "decimal(10, 2)" },
  { name = "at", from = "at", type = "time" },
  { name = "at_zone", from = "at", type = "text(6)", zone = true },
  { name = "head", from = "head", type = "bytes" },
  { name = "open", from = "open", type = "boolean" },
  { name = "title", from = "title", type = "text(30)" },
]
indexes = [{ name = "ix_things_n", columns = ["n"] }]
[[tables.children]]
name = "thing_tags"
from = "tags"
count = "tags_count"
columns = [{ name = "tag", from = "", type = "text(10)", required = true }]
indexes = [{ name = "ix_thing_tags_tag", columns = ["tag"] }]
"""

ROUND: dict[str, Any] = {
    "id": "a",
    "n": "5",
    "share": 0.1,
    "price": 12.5,
    "at": {"$reql_type$": "TIME", "epoch_time": 1491324617.928, "timezone": "+05:30"},
    "head": {"$reql_type$": "BINARY", "data": "AP8K\r\n/g=="},
    "open": True,
    "title": "Schn\u00e9e \U0001f40c",
    "tags": ["x", "y"],
    "odd.$name": {"deep": [1, {"$reql_type$": "TIME", "epoch_time": 1, "timezone": "Z"}]},
}


def things(number: int) -> list[dict[str, Any]]:
    chance = random.Random(7)
    return [{"id": f"k{n}", "n": n, "share": chance.random(), "tags": ["t"] * (n % 3)} for n in range(number)]


def quiet(_: Progress) -> None:
    pass


def loaded(url: str, path: Path, plan: Plan, **options: Any) -> list[Progress]:
    with reached(url) as engine:
        return Job.of(open_source(str(path)), plan, engine).load(quiet, **options)


def load_and_count(url: str, path: Path, plan: Plan, counter: Any) -> None:
    def told(state: Progress) -> None:
        counter.value = state.loaded

    with reached(url) as engine:
        Job.of(open_source(str(path)), plan, engine).load(told)


def rows(url: str, question: str) -> list[tuple[Any, ...]]:
    with reached(url) as engine, engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(question))]


def different(url: str, path: Path, plan: Plan, *, full: bool) -> list[Any]:
    with reached(url) as engine:
        return [each for each in verify(Job.of(open_source(str(path)), plan, engine), full=full) if not each.same]


@pytest.fixture
def plan() -> Plan:
    return read(PLAN)


def test_every_kind_of_value_arrives_and_verifies(
    fresh_database: Callable[[], str], tmp_path: Path, plan: Plan
) -> None:
    path, url = write_dump(tmp_path / "d.tar.gz", {"things": [ROUND]}), fresh_database()
    (state,) = loaded(url, path, plan)
    assert (state.loaded, state.quarantined, dict(state.coerced)) == (1, 0, {"n: text to number": 1})
    ((n, share, price, at, zone, head, is_open, title, count, rest),) = rows(
        url, "SELECT n, share, price, at, at_zone, head, open, title, tags_count, rest FROM things"
    )
    assert (n, share, float(price), str(at)) == (5, 0.1, 12.5, "2017-04-04 16:50:17.928000")
    assert (zone, bytes(head), bool(is_open), title, count) == ("+05:30", b"\x00\xff\n\xfe", True, ROUND["title"], 2)
    assert rest == '{"\\"odd.$name\\"":{"deep":[1,{"$reql_type$":"TIME","epoch_time":1,"timezone":"Z"}]}}'
    assert [position for (position,) in rows(url, "SELECT position FROM thing_tags ORDER BY 1")] == [0, 1]
    assert different(url, path, plan, full=False) == different(url, path, plan, full=True) == []


def test_null_missing_and_empty_stay_apart(fresh_database: Callable[[], str], tmp_path: Path, plan: Plan) -> None:
    documents: list[dict[str, Any]] = [{"id": "null", "n": None}, {"id": "missing"}, {"id": "empty", "tags": []}]
    url = fresh_database()
    loaded(url, write_dump(tmp_path / "d.tar.gz", {"things": documents}), plan)
    found = rows(url, "SELECT n, tags_count, rest FROM things ORDER BY LENGTH(id)")
    assert found == [(None, None, '{"n":null}'), (None, 0, None), (None, None, None)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"id": None}, "id: it is null"),
        ({"n": 2**63}, "n: 9223372036854775808 is beyond 64 bits"),
        ({"n": "007"}, 'n: "007" is text, not a number'),
        ({"n": 1, "old": {"n": 2}}, "n: two values, in n, old.n"),
        ({"price": 0.125}, "price: 0.125 has more than 2 decimal places"),
        ({"title": "x" * 31}, "title: 31 characters are more than 30"),
        ({"title": "\ud83d"}, "half of a surrogate pair is no character"),
        ({"share": float("nan")}, "share: nan is nan, not a number"),
        ({"share": 2**53 + 1}, "share: 9007199254740993 is more exact than a number of 64 bits"),
        ({"tags": "x"}, "thing_tags: text where a list should be"),
        ({"head": {"$reql_type$": "BINARY", "data": "?"}}, "head: not base64: Only base64 data is allowed"),
        (
            {"at": {"$reql_type$": "TIME", "epoch_time": 1e15, "timezone": "Z"}},
            "at: no calendar has second 1000000000000000.0",
        ),
    ],
)
def test_what_does_not_fit_is_kept_in_quarantine_with_its_reason(
    tmp_path: Path, plan: Plan, change: dict[str, Any], why: str
) -> None:
    path, url = write_dump(tmp_path / "d.tar.gz", {"things": [ROUND | change, ROUND]}), f"sqlite:///{tmp_path}/t.db"
    (state,) = loaded(url, path, plan)
    assert (state.loaded, state.quarantined) == (1, 1)
    ((reason, original),) = rows(url, "SELECT reason, original FROM migrate_quarantine")
    assert reason == why
    assert zlib.decompress(original) == next(open_source(str(path)).read("shop.things")).raw


def test_what_only_the_database_refuses_does_not_take_others_along(
    fresh_database: Callable[[], str], tmp_path: Path, plan: Plan
) -> None:
    documents: list[dict[str, Any]] = [{"id": "a"}, {"id": "b"}, {"id": "a", "n": 2}, {"id": "A"}, {"id": "a "}]
    path, url = write_dump(tmp_path / "d.tar.gz", {"things": documents}), fresh_database()
    (state,) = loaded(url, path, plan)
    assert (state.loaded, state.quarantined) == (4, 1)
    ((reason, position),) = rows(url, "SELECT reason, position FROM migrate_quarantine")
    assert "uplicate" in reason or "UNIQUE" in reason
    assert position == "3"
    assert different(url, path, plan, full=False) == []


def test_fields_that_nobody_planned_stop_a_document_where_nothing_keeps_the_rest(tmp_path: Path) -> None:
    plan = read(PLAN.replace('rest = "rest"', 'drop = ["odd"]'))
    documents: list[dict[str, Any]] = [{"id": "a", "odd": 1}, {"id": "b", "old": {"n": 3, "even": 2}}]
    url = f"sqlite:///{tmp_path}/t.db"
    loaded(url, write_dump(tmp_path / "d.tar.gz", {"things": documents}), plan)
    assert rows(url, "SELECT reason FROM migrate_quarantine") == [("the plan says nothing of old.even",)]


def test_a_limit_is_a_beginning(fresh_database: Callable[[], str], tmp_path: Path, plan: Plan) -> None:
    path, url = write_dump(tmp_path / "d.tar.gz", {"things": things(50)}), fresh_database()
    assert loaded(url, path, plan, limit=20)[0].loaded == 20
    assert loaded(url, path, plan)[0].loaded == 50
    assert loaded(url, path, plan)[0].loaded == 50
    assert different(url, path, plan, full=True) == []


def test_tables_with_rows_of_others_and_other_plans_are_refused(tmp_path: Path, plan: Plan) -> None:
    url = f"sqlite:///{tmp_path}/t.db"
    path = write_dump(tmp_path / "d.tar.gz", {"things": things(2)})
    loaded(url, path, plan)
    with pytest.raises(NotThisTarget, match="another plan"):
        loaded(url, path, read(PLAN.replace("text(30)", "text(31)")))
    other = write_dump(tmp_path / "other.tar.gz", {"things": things(3)})
    with pytest.raises(NotThisTarget, match="table things has rows"):
        loaded(url, other, plan)


def test_a_damaged_source_leaves_the_target_as_it_was(tmp_path: Path, plan: Plan) -> None:
    path = write_dump(tmp_path / "d.tar.gz", {"things": things(500)})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"d\.tar\.gz"):
        loaded(f"sqlite:///{tmp_path}/t.db", path, plan)
    assert not (tmp_path / "t.db").exists()


def test_verify_names_the_keys_and_columns_that_differ(
    fresh_database: Callable[[], str], tmp_path: Path, plan: Plan
) -> None:
    path, url = write_dump(tmp_path / "d.tar.gz", {"things": things(300)}), fresh_database()
    loaded(url, path, plan)
    with reached(url) as engine, engine.begin() as connection:
        connection.execute(sa.text("UPDATE things SET n = n + 1 WHERE id = 'k7'"))
        connection.execute(sa.text("UPDATE things SET share = share * 2 WHERE id = 'k9'"))
        connection.execute(sa.text("DELETE FROM things WHERE id = 'k11'"))
        connection.execute(sa.text("DELETE FROM thing_tags WHERE id = 'k20' AND position = 1"))
    for full in (False, True):
        parent, child = different(url, path, plan, full=full)
        found = {each.key: each.columns or each.where for each in (*parent.differences, *child.differences)}
        assert found == {
            ("k7",): ("n",),
            ("k9",): ("share",),
            ("k11",): "missing in the target",
            ("k20", 1): "missing in the target",
        }


KILLS = 20
POLL_SECONDS = 0.001
DOCUMENTS = 6_000


def test_killed_twenty_times_it_loads_the_same_as_undisturbed(
    fresh_database: Callable[[], str], tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, url = write_dump(tmp_path / "d.tar.gz", {"things": things(DOCUMENTS)}), fresh_database()
    monkeypatch.setattr("migrations.nosql.batches.ROWS", 60)
    chance, seen, context = random.Random(3), [0], multiprocessing.get_context("fork")
    counter = context.Value("i", 0)
    for _ in range(KILLS):
        process = context.Process(target=load_and_count, args=(url, path, plan, counter))
        process.start()
        goal = seen[-1] + chance.randrange(1, DOCUMENTS // KILLS // 2)
        while counter.value < goal:
            assert process.is_alive()
            process.join(POLL_SECONDS)
        process.kill()
        process.join()
        seen.append(int(rows(url, "SELECT loaded FROM migrate_progress")[0][0]))
    assert rows(url, "SELECT finished FROM migrate_progress") == [(0,)]
    assert seen == sorted(seen)
    assert loaded(url, path, plan)[0].loaded == DOCUMENTS
    assert rows(url, "SELECT COUNT(*), COUNT(DISTINCT id), SUM(n) FROM things") == [
        (DOCUMENTS, DOCUMENTS, DOCUMENTS * (DOCUMENTS - 1) // 2)
    ]
    assert different(url, path, plan, full=False) == different(url, path, plan, full=True) == []


def test_a_commit_whose_answer_is_lost_is_not_repeated(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after the commit: the error is the driver's, the rows are there."""
    path, url = write_dump(tmp_path / "d.tar.gz", {"things": things(10)}), f"sqlite:///{tmp_path}/t.db"
    with reached(url) as engine:
        lost: list[int] = []

        def lose(connection: sa.Connection) -> None:
            if len(lost) < 2:
                lost.append(1)
                connection.connection.commit()
                raise sa.exc.OperationalError("COMMIT", {}, Exception(2013, "Lost connection"))

        job = Job.of(open_source(str(path)), plan, engine)
        start = job.prepare()["shop.things"]
        monkeypatch.setattr("migrations.nosql.load.PAUSE_SECONDS", 0)
        sa.event.listen(engine, "commit", lose)
        state = TableLoad(engine, job.source, plan.tables[0], job.tables.of["things"], start, quiet).run()
    assert (len(lost), state.loaded) == (2, 10)
    assert different(url, path, plan, full=True) == []


def test_two_loads_at_once_cannot_both_move_on(tmp_path: Path, plan: Plan) -> None:
    url = f"sqlite:///{tmp_path}/t.db"
    path = write_dump(tmp_path / "d.tar.gz", {"things": things(10)})
    with reached(url) as engine:
        job = Job.of(open_source(str(path)), plan, engine)
        state = job.prepare()["shop.things"]
        with engine.begin() as connection:
            records.move(connection, state, state.moved(loaded=1))
        with pytest.raises(records.TakenOver), engine.begin() as connection:
            records.move(connection, state, state.moved(loaded=1))


def test_the_genuine_tracking_dump_is_accounted_for_to_the_last_oddity(tmp_path: Path) -> None:
    if (path := genuine("slugsurvival")) is None:
        return
    found, url = known_plans.find(["slugsurvival.data", "slugsurvival.tracking"]), f"sqlite:///{tmp_path}/t.db"
    assert found is not None
    plan = found[1]
    said = manifest("slugsurvival")["tables"]
    data, tracking = loaded(url, path, plan)
    assert (data.loaded, data.quarantined) == (30, 0)
    assert tracking.quarantined == said["tracking"]["garbage_total"]
    assert tracking.loaded + tracking.quarantined == said["tracking"]["rows"]
    assert tracking.coerced["date: time to number"] == said["tracking"]["oddities"]["date_as_TIME"]
    with reached(url) as engine, engine.connect() as connection:
        reasons = Counter(
            why.split(":")[0] for why, times in records.reasons(connection, tracking.id, 100) for _ in range(times)
        )
        refused = {
            zlib.decompress(raw).decode()
            for (raw,) in connection.execute(sa.text("SELECT original FROM migrate_quarantine"))
        }
    assert reasons == {"available": 8, "course_number": 7, "term": 7, "enrolled": 8}
    assert {json.loads(raw)["id"] for raw in refused} == {each["id"] for each in said["tracking"]["garbage_rows"]}
    for key, value in rows(url, "SELECT key, value FROM archived_documents"):
        assert hashlib.sha256(value.encode()).hexdigest() == said["data"]["keys"][key]["sha256"]
    assert different(url, path, plan, full=False) == []


LARGE_BYTES = 16 * 1024 * 1024


def test_a_document_of_16_mb_is_loaded(fresh_database: Callable[[], str], tmp_path: Path, plan: Plan) -> None:
    large = {"id": "large", "body": ("x" * 996 + "\U0001f40c") * (LARGE_BYTES // 1_000)}
    path, url = write_dump(tmp_path / "d.tar.gz", {"things": [large, *things(3)]}), fresh_database()
    (state,) = loaded(url, path, plan)
    assert (state.loaded, state.quarantined) == (4, 0)
    kind = "BINARY" if url.startswith("mysql") else "BLOB"
    ((length,),) = rows(url, f"SELECT LENGTH(CAST(rest AS {kind})) FROM things WHERE id = 'large'")
    assert length == len(large["body"].encode()) + len('{"body":""}')
    assert different(url, path, plan, full=False) == []
