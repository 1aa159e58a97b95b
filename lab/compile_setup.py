"""What setuptools is told to compile; run by `lab/compile.py` as `WORKSHOP SOURCES... build_ext OPTIONS...`."""

from __future__ import annotations

import sys

from mypyc.build import mypycify
from setuptools import setup

GROUP = "localgroup"
"""Begins the name of the library that all of the modules share."""

workshop, *rest = sys.argv[1:]
sources = rest[: rest.index("build_ext")]
extensions = mypycify(
    ["--config-file=pyproject.toml", *sources],
    target_dir=f"{workshop}/c",
    group_name=GROUP,
    opt_level="1",
    debug_level="0",
    multi_file=True,
)
for extension in extensions:
    extension.extra_compile_args.append("-Wno-error")  # a compiler that warns has compiled all the same
setup(name=GROUP, packages=[], ext_modules=extensions, script_args=rest[len(sources) :])
