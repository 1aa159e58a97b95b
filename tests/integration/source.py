"""The catalogue that the integration tests load: the full one where it is at hand, else the generated sample.

Read here with nothing but the standard library, so that the tests do not trust what they test.
"""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import Any

from lab.trial import Trial

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("LOCALGROUP_DATA") or REPOSITORY.parent / "shared" / "data")
FULL_CATALOGUE = DATA / "slugsurvival" / "catalogue.tar.xz"

Documents = dict[str, Any]


def load_catalogue(regions: Trial) -> Documents:
    if not FULL_CATALOGUE.exists():
        return _read_folder(regions.load_sample())
    regions.load(FULL_CATALOGUE)
    return _read_archive(FULL_CATALOGUE)


def _read_folder(folder: Path) -> Documents:
    return {
        path.relative_to(folder).with_suffix("").as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.json")
    }


def _read_archive(path: Path) -> Documents:
    documents: Documents = {}
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                documents[member.name.removeprefix("./").removesuffix(".json")] = json.load(file)
    return documents
