from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations.nosql import known_plans, plan_file, profile_html
from migrations.nosql.distinct import Distinct
from migrations.nosql.index_text import fields
from migrations.nosql.paths import parse, spell
from migrations.nosql.plan import PlanWrong
from migrations.nosql.profile import as_json, profile
from migrations.nosql.proposal import propose
from migrations.nosql.run import Job
from migrations.nosql.sources.opening import open_source
from migrations.nosql.target import reached
from migrations.nosql.verify import verify
from tests.migrations.nosql.dumps import genuine, manifest, write_dump

DRIFT: list[dict[str, Any]] = [
    {"id": "a", "n": 1, "at": {"$reql_type$": "TIME", "epoch_time": 1.5, "timezone": "-08:00"}, "tags": []},
    {"id": "A", "n": "2", "text": "\U0001f40c", "headers": {"x.y$": 1}, "tags": [{"name": "x", "n": 2**60}]},
    {"id": "b", "n": None, "late": True, "Late": False, "tags": [{"name": "y"}]},
]
TAGS = [
    {
        "index": "names",
        "multi": True,
        "query": 'indexCreate(\'names\', function(var7) { return var7("tags")("name"); }, {multi: true})',
    }
]


@given(st.lists(st.text(), max_size=4).map(tuple))
def test_paths_are_spelled_so_that_they_can_be_read_again(path: tuple[str, ...]) -> None:
    assert parse(spell(path)) == path


@pytest.mark.parametrize("number", [0, 1, 200, 5_000, 100_000])
def test_distinct_values_are_estimated_within_a_fifth(number: int) -> None:
    distinct = Distinct()
    for value in range(number):
        distinct.add(f"value {value}")
        distinct.add(f"value {value}")
    assert abs(distinct.estimate() - number) <= number / 5


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("indexCreate('d', function(_var19) { return _var19.getField(\"d\"); })", [("d",)]),
        ('indexCreate(\'tc\', function(var1) { return r.expr([r.row("t"), r.row("c")]); })', [("t",), ("c",)]),
        ('indexCreate(\'a\', function(v) { return var7("a")("b"); }, {multi: true})', [("a", "b")]),
        ("indexCreate('s', function(var1) { return var1(\"a\").add(1); })", []),
    ],
)
def test_an_index_tells_its_fields_unless_it_computes(query: str, expected: list[tuple[str, ...]]) -> None:
    assert fields(query.replace("function(v)", "function(var7)")) == expected


def test_a_profile_counts_kinds_oddities_and_what_is_missing(tmp_path: Path) -> None:
    (found,) = profile(open_source(str(write_dump(tmp_path / "d.tar.gz", {"t": DRIFT}))))
    paths = {spell(path): each for path, each in found.paths.items()}
    assert {kind: seen.count for kind, seen in paths["n"].kinds.items()} == {"integer": 1, "numeric text": 1, "null": 1}
    assert (paths["late"].missing, paths["tags[].n"].missing, paths["n"].missing) == (2, 1, 0)
    assert (paths["n"].kinds["numeric text"].first, paths["n"].kinds["numeric text"].last) == ("A", "A")
    assert paths["at"].oddities.keys() == {"time with a fraction of a second", "time in another zone"}
    assert paths["headers"].oddities.keys() == {"names with dots or dollars"}
    assert 'headers."x.y$"' in paths
    assert paths["tags[].n"].oddities["integer above 2^53"].example == str(2**60)
    assert paths["text"].oddities.keys() == {"characters of 4 bytes"}
    assert [spell(path) for path in found.candidate_keys()] == ["id"]
    json.dumps(as_json([found]))


def test_a_page_has_everything_in_it_and_nothing_of_the_documents_runs(tmp_path: Path) -> None:
    documents = [{"id": "<script>alert(1)</script>", "<b>": "x\x00"}]
    page = profile_html.page("d", profile(open_source(str(write_dump(tmp_path / "d.tar.gz", {"t": documents})))))
    assert "<script" not in page
    assert "http" not in page
    assert "zero characters" in page


def test_a_proposal_loads_what_it_was_made_from(fresh_database: Callable[[], str], tmp_path: Path) -> None:
    path = write_dump(tmp_path / "d.tar.gz", {"t": DRIFT, "empty": []}, indexes={"t": TAGS})
    proposal = propose(profile(open_source(str(path))))
    text = plan_file.write(proposal.plan, proposal.notes)
    plan = plan_file.read(text)
    assert plan == proposal.plan
    assert {"t", "t_tags", "empty"} == set(plan.target_names())
    assert {column.name: column.type for column in plan.tables[1].columns}["n"] == "integer"
    assert {"late", "Late_2"} < {column.name for column in plan.tables[1].columns}
    with reached(fresh_database()) as engine:
        job = Job.of(open_source(str(path)), plan, engine)
        states = job.load(lambda _: None)
        assert [(state.loaded, state.quarantined) for state in states] == [(0, 0), (3, 0)]
        assert all(verdict.same for verdict in verify(job, full=True))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (('type = "integer"', 'type = "int"'), "there is no type 'int'"),
        (('coerce = ["text to number"]', 'coerce = ["guess"]'), "no coercion 'guess'"),
        (('key = ["id"]', 'key = ["no"]'), "its key no is no column"),
        (("required = true", "required = false"), "must be required"),
        (("required = true", "requird = true"), "no requird"),
        (('name = "n"', 'name = "ID"'), "two columns are called"),
        (('source = "s.t"', ""), "says nothing of 'source'"),
        (('from = "n"', 'from = "n["'), "goes wrong at character 2"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(change: tuple[str, str], why: str) -> None:
    text = """[[tables]]
    source = "s.t"
    name = "t"
    key = ["id"]
    columns = [
      { name = "id", from = "id", type = "text(9)", required = true },
      { name = "n", from = "n", type = "integer", coerce = ["text to number"] },
    ]
    """
    plan_file.read(text)
    with pytest.raises((PlanWrong, ValueError), match=why.replace("[", r"\[")):
        plan_file.read(text.replace(*change))


def test_the_genuine_mail_has_the_oddities_of_its_manifest_and_loads_without_loss(tmp_path: Path) -> None:
    if (path := genuine("dermail")) is None:
        return
    said, source = manifest("dermail")["oddities"], open_source(str(path))
    messages = next(each for each in profile(source) if each.table.name == "dermail.messages").paths
    paths = {spell(each): found for each, found in messages.items()}
    assert paths["rawHead"].kinds["binary"].count == said["BINARY_rawHead"]
    assert paths["_date"].kinds["time"].count == said["TIME__date"]
    assert paths["TXExtra.sentAt"].kinds["time"].count == said["TIME_nested_TXExtra.sentAt"]
    assert paths["connection.receivedOn"].kinds["time"].count == said["TIME_nested_connection.receivedOn"]
    assert paths["attachments[]"].count == said["attachments"]
    assert paths["attachments[].contentId"].missing == said["attachment_without_contentId"]
    assert paths["headers"].oddities["names with dots or dollars"].count == said["header_key_with_dot_and_dollar"]
    assert paths["subject"].missing == said["subject_missing"]
    assert paths["subject"].oddities["characters of 4 bytes"].count == said["subjects_with_4_byte_utf8"]
    assert paths["TXExtra"].count == said["sent"]
    found = known_plans.find(table.name for table in source.tables())
    assert found is not None
    with reached(f"sqlite:///{tmp_path}/t.db") as engine:
        job = Job.of(source, found[1], engine)
        assert [state.quarantined for state in job.load(lambda _: None)] == [0] * 9
        verdicts = verify(job, full=True)
    assert all(verdict.same for verdict in verdicts)
    rows = {verdict.table: verdict.target_rows for verdict in verdicts}
    assert (
        rows["messages_attachments"] == manifest("dermail")["asked_of_the_server"]["in_multi_index_attachmentChecksum"]
    )
