"""A process is told what its configuration model knows, all that it requires, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from andromeda.config import AndromedaSettings
from andromeda.dns.config import NamesSettings
from broker.environment import PREFIX, BadEnvironment, read_environment
from lab.galera_pod import MemberSettings
from messier.config import MessierSettings
from tests.k8s.objects import Pod, command_line, container, containers, pods
from tests.k8s.rendering import Manifests
from whirlpool.config import WhirlpoolSettings

MODELS: Mapping[tuple[str, ...], type[BaseModel]] = {
    ("whirlpool", "serve"): WhirlpoolSettings,
    ("messier", "serve"): MessierSettings,
    ("andromeda", "serve"): AndromedaSettings,
    ("andromeda", "dns", "watch"): NamesSettings,
    ("python", "-m", "lab.galera_pod", "run"): MemberSettings,
}
OPTIONS: Mapping[tuple[str, ...], set[str]] = {("migrate", "schema", "upgrade"): {f"{PREFIX}DATABASE_URL"}}
"""Of commands that read a variable in place of an option."""
USED = re.compile(r"\$\(([A-Z_]+)\)")
SAMPLES = {
    "name": "west",
    "number": "1",
    "nats-urls": "tls://nats-west:4222",
    "url": "mysql://localgroup:password@galera:3306/localgroup",
    "password": "0123456789abcdef",
    "metadata.name": "messier-7f9c8b6d5-x2x4z",
}
"""For values that come from elsewhere, one of their kind."""
ELSEWHERE = ("nats_tls_ca", "nats_credentials")
"""Files that have to be there when they are read."""


def objections(manifests: Manifests) -> Iterator[str]:
    for pod in pods(manifests):
        for each in containers(pod):
            yield from (f"{pod}: {each['name']}: {why}" for why in _wrong(pod, each))


def _wrong(pod: Pod, each: Mapping[str, Any]) -> Iterator[str]:
    told = _told(each)
    yield from _unused(each, told)
    ours = {name: value for name, value in told.items() if name.startswith(PREFIX)}
    command = tuple(each["command"])
    if command in MODELS:
        yield from _unknown(MODELS[command], ours, _used(each))
    elif strange := ours.keys() - OPTIONS.get(command, set()) - _used(each):
        yield f"does not read {', '.join(sorted(strange))}"
    elif missing := OPTIONS.get(command, set()) - ours.keys():
        yield f"is not told {', '.join(sorted(missing))}"


def _told(each: Mapping[str, Any]) -> dict[str, str]:
    told: dict[str, str] = {}
    for variable in each.get("env", ()):
        value = variable.get("value") or SAMPLES[_source(variable["valueFrom"])]
        told[variable["name"]] = USED.sub(lambda found, so_far=dict(told): so_far.get(found[1], found[0]), value)
    return told


def _source(given: Mapping[str, Any]) -> str:
    return str(next(ref.get("key") or ref["fieldPath"] for ref in given.values()))


def _used(each: Mapping[str, Any]) -> set[str]:
    """By expansion, in its arguments or in variables."""
    texts = [*command_line(each), *(variable.get("value", "") for variable in each.get("env", ()))]
    return {name for text in texts for name in USED.findall(text)}


def _unused(each: Mapping[str, Any], told: Mapping[str, str]) -> Iterator[str]:
    used = _used(each)
    if each["command"][0] == "nats-server":
        used |= {"NAME", "GATEWAY", f"{PREFIX}REGION"}  # its configuration says $NAME; test_configuration.py runs it
    yield from (f"nothing uses {name}" for name in told if not name.startswith(PREFIX) and name not in used)
    yield from (f"$({name}) is not known" for name in _used(each) if name not in told)
    yield from (f"{name} refers to what comes later" for name, value in told.items() if USED.search(value))


def _unknown(model: type[BaseModel], told: Mapping[str, str], used: set[str]) -> Iterator[str]:
    known = {f"{PREFIX}{name.upper()}" for name in model.model_fields}
    yield from (f"{model.__name__} has no {name}" for name in sorted(told.keys() - known - used))
    files = {f"{PREFIX}{name.upper()}" for name in ELSEWHERE}
    try:
        read_environment(model, {name: value for name, value in told.items() if name not in files})
    except BadEnvironment as error:
        yield str(error)


def spoil(manifests: Manifests) -> None:
    env = container(manifests, "whirlpool")["env"]
    env[:] = [variable for variable in env if variable["name"] != f"{PREFIX}DATABASE_URL"]
