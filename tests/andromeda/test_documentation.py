from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from andromeda import docs
from andromeda.catalogue import RESOURCES
from andromeda.openapi import description
from andromeda.openapi_words import DOCUMENT_EXAMPLES, SEARCH_EXAMPLE
from andromeda.site import contents
from schema.courses import SEARCH
from tests.andromeda.region import Region

API = description("1.2.3")


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == "$ref")
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


@pytest.mark.parametrize("folder", sorted(RESOURCES))
def test_each_example_is_of_its_type(folder: str) -> None:
    adapter = RESOURCES[folder].action.response_adapter
    assert (
        orjson.loads(adapter.dump_json(adapter.validate_python(DOCUMENT_EXAMPLES[folder]))) == DOCUMENT_EXAMPLES[folder]
    )


def test_the_example_of_a_search_is_of_its_type() -> None:
    SEARCH.response_adapter.validate_python(SEARCH_EXAMPLE)


def test_each_reference_leads_somewhere() -> None:
    for reference in references(API):
        found: Any = API
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_each_operation_has_a_name_of_its_own() -> None:
    names = [item["get"]["operationId"] for item in API["paths"].values()]
    assert len(set(names)) == len(names)


async def test_each_documented_path_is_there(steady: Region) -> None:
    for path, item in API["paths"].items():
        examples = {part["name"]: part["example"] for part in item["get"].get("parameters", []) if "name" in part}
        response = await steady.http.get(path.format(**examples))
        assert response.status_code == 200, path
        assert response.headers["content-type"].split(";")[0] in item["get"]["responses"]["200"]["content"], path


async def test_programs_get_the_description(steady: Region) -> None:
    response = await steady.http.get("/openapi.json")
    assert response.json()["openapi"] == "3.1.0"
    assert set(response.json()["paths"]) == set(API["paths"])


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_pages_load_nothing_from_elsewhere(steady: Region, path: str) -> None:
    page = await steady.http.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    for address in re.findall(r'(?:src|href|action)="([^"#]+)', page.text):
        assert address.startswith("/"), address
        if "{" not in address:
            assert (await steady.http.get(address)).status_code in (200, 404), address
    assert " style=" not in page.text
    assert not re.search(r"<script(?! src)", page.text)


async def test_each_link_of_the_landing_page_leads_somewhere(steady: Region) -> None:
    landing = (await steady.http.get("/")).text
    for address in re.findall(r'(?:src|href)="([^"]+)', landing):
        assert (await steady.http.get(address.replace("&amp;", "&"))).status_code == 200, address


def test_each_link_inside_the_documentation_leads_somewhere() -> None:
    page = docs.page(API)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))


def test_what_the_description_says_cannot_become_markup() -> None:
    hostile = orjson.loads(orjson.dumps(API).replace(b"Only this term.", b"<script>alert(1)</script>"))
    assert "<script>alert" not in docs.page(hostile)


def test_static_files_are_all_listed() -> None:
    assert {path for path in contents("1") if path.startswith("/static/")} == {
        docs.STYLE_PATH,
        docs.SCRIPT_PATH,
        docs.ICON_PATH,
    }
