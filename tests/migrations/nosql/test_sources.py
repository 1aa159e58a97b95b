from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations.nosql.sources.documents import CHUNK_BYTES, documents
from migrations.nosql.sources.opening import open_source
from migrations.nosql.sources.source import SourceBroken
from tests.migrations.nosql.dumps import genuine, manifest, write_dump

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
DOCUMENTS = st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=5)


def found(text: str) -> list[Any]:
    return [each.document for each in documents(io.BytesIO(text.encode()), "trial.json")]


def same(left: object, right: object) -> bool:
    return repr(left) == repr(right)  # nan is nan, and 1 is not 1.0


@given(DOCUMENTS, st.sampled_from([None, 2]), st.booleans())
def test_finds_every_document_of_a_list_however_it_is_laid_out(
    written: list[Any], indent: Any, ascii_only: bool
) -> None:
    assert same(
        found(json.dumps(written, indent=indent, ensure_ascii=ascii_only).encode(errors="replace").decode()),
        json.loads(json.dumps(written, ensure_ascii=ascii_only).encode(errors="replace").decode()),
    )


@given(DOCUMENTS)
def test_finds_every_document_of_lines_and_of_dumps(written: list[Any]) -> None:
    lines = [json.dumps(each) for each in written]
    assert same(found("\n".join(lines)), written)
    assert same(found("[\n" + ",\n".join(lines) + "\n]\n"), written)


def test_a_document_longer_than_what_is_read_at_once_is_whole() -> None:
    long = [{"text": 'a"{\\' * CHUNK_BYTES}, {"n": 1}]
    assert found(json.dumps(long)) == long
    assert found(json.dumps(long, indent=1)) == long


@pytest.mark.parametrize(
    ("text", "offset", "what"),
    [
        ('[\n{"a": 1},\n{"b": ', 12, "breaks off"),
        ('[{"a": 1}', 9, "breaks off"),
        ('[{"a": 1} {"b": 2}]', 10, "comma"),
        ('[{"a": 1}]x', 10, "follows"),
        ('[{"a": 1}, 7]', 11, "no document"),
        ('{"a": 1}\n{"a": tru}', 9, "no JSON"),
        ("<html>", 0, "no document"),
    ],
)
def test_damage_is_named_with_its_place(text: str, offset: int, what: str) -> None:
    with pytest.raises(SourceBroken, match=what) as broken:
        found(text)
    assert (broken.value.file, broken.value.offset) == ("trial.json", offset)


def test_a_dump_tells_its_tables_whatever_order_its_files_are_in(tmp_path: Path) -> None:
    index = {"index": "mail", "multi": True, "geo": False, "query": "r.row('mail')"}
    path = write_dump(
        tmp_path / "d.tar.gz", {"users": [{"mail": "x"}], "empty": []}, {"users": "mail"}, {"users": [index]}
    )
    empty, users = open_source(str(path)).tables()
    assert (empty.name, empty.key, empty.documents) == ("shop.empty", "id", 0)
    assert (users.key, users.documents, users.indexes[0].multi) == ("mail", 1, True)


def test_reading_goes_on_after_any_document(tmp_path: Path) -> None:
    source = open_source(str(write_dump(tmp_path / "d.tar.gz", {"t": [{"id": number} for number in range(5)]})))
    assert [entry.document["id"] for entry in source.read("shop.t", 3)] == [3, 4]
    assert [entry.position for entry in source.read("shop.t")] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_archive_is_refused_by_name_and_byte(tmp_path: Path, share: float) -> None:
    import random

    noise = random.Random(5)
    path = write_dump(tmp_path / "d.tar.gz", {"t": [{"id": noise.random()} for _ in range(2_000)]})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(SourceBroken, match=r"d\.tar\.gz.*byte [0-9]+"):
        open_source(str(path)).tables()


def test_one_changed_bit_is_found_by_the_checksum_at_the_end(tmp_path: Path) -> None:
    path = write_dump(tmp_path / "d.tar.gz", {"t": [{"id": 1}]})
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    with pytest.raises(SourceBroken, match="damaged"):
        open_source(str(path)).tables()


FOREIGN = {
    "nothing": b"",
    "a zip": b"PK\x03\x04 and so on",
    "no tar": gzip.compress(b"no tar in here"),
    "gzip of nothing": gzip.compress(b""),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.tar.gz"
    path.write_bytes(content)
    with pytest.raises(SourceBroken, match=r"foreign\.tar\.gz"):
        open_source(str(path)).tables()


def test_a_folder_holds_lists_lines_and_compressed_files(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.json").write_text('[{"id": 1}]')
    (tmp_path / "b.ndjson").write_text('{"_id": {"$oid": "5f"}}\n{"_id": {"$oid": "60"}}\n')
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(b'{"id": 7}'))
    (tmp_path / "b.metadata.json").write_text('{"indexes": [{"name": "at_1", "key": {"when.at": 1, "n": -1}}]}')
    source = open_source(str(tmp_path))
    assert {table.name: (table.key, table.documents) for table in source.tables()} == {
        "b": ("_id", 2),
        "c": ("id", 1),
        "shop.a": ("id", 1),
    }
    assert source.tables()[0].indexes[0].query == 'indexCreate(\'at_1\', r.expr([r.row("when")("at"), r.row("n")]))'
    assert [entry.document for entry in source.read("b")] == [{"_id": "5f"}, {"_id": "60"}]


def test_extended_json_becomes_plain_values(tmp_path: Path) -> None:
    written = {
        "long": {"$numberLong": "9007199254740993"},
        "date": {"$date": {"$numberLong": "1500000000250"}},
        "day": {"$date": "2017-07-14T02:40:00Z"},
        "bytes": {"$binary": {"base64": "AQI=", "subType": "00"}},
        "list": [{"$numberDouble": "2.5"}, {"$regularExpression": {"pattern": "x"}}],
        "price": {"$numberDecimal": "1.10"},
    }
    (tmp_path / "t.ndjson").write_text(json.dumps(written))
    (entry,) = open_source(str(tmp_path)).read("t")
    assert entry.document == {
        "long": 2**53 + 1,
        "date": {"$reql_type$": "TIME", "epoch_time": 1500000000.25, "timezone": "+00:00"},
        "day": {"$reql_type$": "TIME", "epoch_time": 1500000000.0, "timezone": "+00:00"},
        "bytes": {"$reql_type$": "BINARY", "data": "AQI="},
        "list": [2.5, {"$regularExpression": {"pattern": "x"}}],
        "price": {"$numberDecimal": "1.10"},
    }


def test_genuine_dumps_have_the_tables_keys_and_indexes_of_their_manifests() -> None:
    for database in ("dermail", "slugsurvival"):
        if (path := genuine(database)) is None:
            return
        expected = manifest(database)["tables"]
        tables = {table.name.removeprefix(f"{database}."): table for table in open_source(str(path)).tables()}
        assert tables.keys() == expected.keys()
        for name, table in tables.items():
            assert (table.documents, table.key) == (expected[name]["rows"], expected[name]["primary_key"])
            written = [(index["index"], index["multi"], index["query"]) for index in expected[name].get("indexes", [])]
            assert [(index.name, index.multi, index.query) for index in table.indexes] == written
