"""How the process and its machine are, and its metrics, in the shape of Moleculer's health report and metric lists."""

from __future__ import annotations

import os
import platform
import resource
import socket
import time
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from broker.clock import Clock

STARTED_AT_SECONDS = time.monotonic()
KILOBYTE = 1024
TYPES = {"unknown": "info", "gaugehistogram": "histogram", "summary": "histogram", "stateset": "info"}
"""Prometheus' types that Moleculer does not know, and the nearest that it does."""


def health(clock: Clock) -> dict[str, Any]:
    return {
        "cpu": _cpu(),
        "mem": _memory(),
        "os": _system(),
        "process": _process(),
        "client": {"type": "python", "version": version("localgroup"), "langVersion": platform.python_version()},
        "net": {"ip": []},
        "time": _time(clock),
    }


def metrics(registry: CollectorRegistry) -> list[dict[str, Any]]:
    return [_metric(metric) for metric in registry.collect()]


def _cpu() -> dict[str, Any]:
    load = os.getloadavg()
    cores = os.cpu_count() or 1
    utilization = min(100, round(100 * load[0] / cores))
    return {"load1": load[0], "load5": load[1], "load15": load[2], "cores": cores, "utilization": utilization}


def _memory() -> dict[str, Any]:
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    total_bytes, free_bytes = (os.sysconf(name) * page_bytes for name in ("SC_PHYS_PAGES", "SC_AVPHYS_PAGES"))
    return {"free": free_bytes, "total": total_bytes, "percent": 100 * free_bytes / total_bytes}


def _system() -> dict[str, Any]:
    return {
        "type": platform.system(),
        "release": platform.release(),
        "hostname": socket.gethostname(),
        "arch": platform.machine(),
        "platform": platform.system().lower(),
    }


def _process() -> dict[str, Any]:
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE
    return {"pid": os.getpid(), "memory": {"rss": peak_bytes}, "uptime": time.monotonic() - STARTED_AT_SECONDS}


def _time(clock: Clock) -> dict[str, Any]:
    now_milliseconds = clock.epoch_milliseconds()
    now = datetime.fromtimestamp(now_milliseconds / 1000, UTC)
    return {"now": now_milliseconds, "iso": now.isoformat(), "utc": now.strftime("%a, %d %b %Y %H:%M:%S GMT")}


def _metric(metric: Metric) -> dict[str, Any]:
    labels = sorted({label for sample in metric.samples for label in sample.labels})
    return {
        "name": metric.name,
        "type": TYPES.get(metric.type, metric.type),
        "description": metric.documentation,
        "labelNames": labels,
        "unit": metric.unit or None,
        "values": [{"key": sample.name, "value": sample.value, "labels": sample.labels} for sample in metric.samples],
    }
