"""What `kubectl kustomize` makes of a region's overlay: the objects as a cluster would get them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from lab.laboratory import executable
from lab.regions import NAMES

FOLDER = Path(__file__).parents[2] / "k8s"
REGIONS = NAMES
RENDER_SECONDS = 60

Manifest: TypeAlias = dict[str, Any]
Manifests: TypeAlias = list[Manifest]


def render(overlay: Path) -> Manifests:
    done = subprocess.run(
        [executable("kubectl"), "kustomize", str(overlay)],
        capture_output=True,
        text=True,
        timeout=RENDER_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, f"kustomize warns: {done.stderr}"
    return [document for document in yaml.load_all(done.stdout, yaml.CSafeLoader) if document]


@cache
def _rendered(region: str) -> str:
    return json.dumps(render(FOLDER / "overlays" / region))


def region_manifests(region: str) -> Manifests:
    """Fresh ones, which may be spoiled."""
    found: Manifests = json.loads(_rendered(region))
    return found


@cache
def team() -> Mapping[str, str]:
    """What a team edits."""
    data: Mapping[str, str] = yaml.safe_load((FOLDER / "team" / "team.yaml").read_text())["data"]
    return data
