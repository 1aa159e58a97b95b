from __future__ import annotations

import asyncio
import os
import signal

import pytest

from broker.process import Fail, Part, serve


class Recorded:
    """A part that writes down what is asked of it."""

    def __init__(self, name: str, diary: list[str]) -> None:
        self._name = name
        self._diary = diary

    async def start(self) -> None:
        self._diary.append(f"start {self._name}")

    async def drain(self) -> None:
        self._diary.append(f"drain {self._name}")

    async def stop(self) -> None:
        self._diary.append(f"stop {self._name}")


class Signalling(Recorded):
    """Once started, its process is asked to end."""

    async def start(self) -> None:
        await super().start()
        os.kill(os.getpid(), signal.SIGTERM)


class Stuck(Recorded):
    """Never gets ready."""

    async def start(self) -> None:
        await super().start()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()


class Broken(Recorded):
    async def start(self) -> None:
        raise OSError("address in use")


async def test_starts_in_order_and_ends_in_reverse_on_a_signal() -> None:
    diary: list[str] = []
    assert await serve(lambda fail: [Recorded("database", diary), Signalling("broker", diary)]) == 0
    assert diary == [
        "start database",
        "start broker",
        "drain broker",
        "drain database",
        "stop broker",
        "stop database",
    ]


async def test_ends_on_a_signal_even_while_it_starts() -> None:
    diary: list[str] = []
    assert await serve(lambda fail: [Recorded("database", diary), Stuck("broker", diary)]) == 0
    assert diary == ["start database", "start broker", "drain database", "stop database"]


async def test_stops_what_was_started_when_a_part_cannot_start(caplog: pytest.LogCaptureFixture) -> None:
    diary: list[str] = []
    assert await serve(lambda fail: [Recorded("database", diary), Broken("broker", diary)]) == 1
    assert diary == ["start database", "drain database", "stop database"]
    assert "address in use" in caplog.text


async def test_ends_when_a_part_says_that_it_cannot_go_on() -> None:
    diary: list[str] = []

    def build(fail: Fail) -> list[Part]:
        asyncio.get_running_loop().call_soon(fail, RuntimeError("the name is taken"))
        return [Recorded("broker", diary)]

    assert await serve(build) == 1
    assert diary[-1] == "stop broker"
