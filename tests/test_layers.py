"""The import direction of the code base: `schema <- broker <- {whirlpool, messier, andromeda}`."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("schema", "broker", "whirlpool", "messier", "andromeda", "migrations", "lab", "bench")
MAY_IMPORT = {
    "schema": set[str](),
    "broker": {"schema"},
    "whirlpool": {"schema", "broker"},
    "messier": {"schema", "broker"},
    "andromeda": {"schema", "broker"},
    "migrations": {"schema"},
}
SQL = {"sqlalchemy", "alembic", "asyncmy", "pymysql", "aiosqlite"}
HTTP = {"starlette", "uvicorn"}


def imported_packages(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]


def imports_of(package: str) -> dict[str, set[str]]:
    folder = REPOSITORY / package
    return {str(path.relative_to(REPOSITORY)): set(imported_packages(path)) for path in folder.rglob("*.py")}


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_imported_from_this_repository(package: str) -> None:
    file = importlib.import_module(package).__file__
    assert file is not None
    assert Path(file).is_relative_to(REPOSITORY)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_package_imports_only_what_lies_before_it(package: str) -> None:
    foreign = set(PACKAGES) - MAY_IMPORT[package] - {package}
    offenders = {file: found & foreign for file, found in imports_of(package).items() if found & foreign}
    assert not offenders


@pytest.mark.parametrize("package", ["broker", "messier", "andromeda"])
def test_only_the_data_tier_speaks_sql(package: str) -> None:
    offenders = {file: found & SQL for file, found in imports_of(package).items() if found & SQL}
    assert not offenders


@pytest.mark.parametrize("package", ["whirlpool", "messier"])
def test_only_the_edge_speaks_http(package: str) -> None:
    offenders = {file: found & HTTP for file, found in imports_of(package).items() if found & HTTP}
    assert not offenders


def test_the_guard_sees_an_import_inside_a_function(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text("def late():\n    from andromeda.config import X\n    import whirlpool.engine\n")
    assert set(imported_packages(source)) == {"andromeda", "whirlpool"}
