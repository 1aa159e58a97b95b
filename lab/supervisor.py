"""Everything that runs is a child of one supervisord: started, restarted when it dies, its output kept in a log.

`Supervisor` speaks to the running one over its socket; the order of starting and stopping is its callers' business.
"""

from __future__ import annotations

import ctypes
import http.client
import os
import signal
import socket
import subprocess
import xmlrpc.client
from collections.abc import Callable, Iterable, Iterator
from configparser import RawConfigParser
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.states import RUNNING_STATES, ProcessStates
from supervisor.xmlrpc import Faults

from lab.install import REPOSITORY
from lab.laboratory import MARK, Laboratory, executable
from lab.programs import Program, programs
from lab.readiness import wait_until

LOG_BYTES = 10 * 1024 * 1024
LOG_BACKUPS = 2
START_RETRIES = 20
"""With supervisord's growing pause of a second more each time: minutes for a member to find its cluster."""
SOCKET_SECONDS = 10
STOPPED_SECONDS = 90
"""Longer than supervision waits before it kills."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEATH_SIGNAL_OPTION = 1
"""PR_SET_PDEATHSIG of prctl(2)."""
C_LIBRARY = ctypes.CDLL(None)


def escape(value: str) -> str:
    return value.replace("%", "%%")


def section(program: Program, logs: Path) -> dict[str, str]:
    return {
        "command": escape(program.command_line),
        "environment": escape(",".join(f'{name}="{value}"' for name, value in program.environment.items())),
        "priority": str(program.priority),
        "autostart": "false",
        "autorestart": "true",
        "startretries": str(START_RETRIES),
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": escape(str(logs / f"{program.name}.log")),
        "stdout_logfile_maxbytes": str(LOG_BYTES),
        "stdout_logfile_backups": str(LOG_BACKUPS),
    }


def configuration(laboratory: Laboratory) -> RawConfigParser:
    parser = RawConfigParser()
    parser["unix_http_server"] = {"file": escape(str(laboratory.supervisor_socket)), "chmod": "0700"}
    parser["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    parser["supervisord"] = {
        "logfile": escape(str(laboratory.logs / "supervisord.log")),
        "pidfile": escape(str(laboratory.state / "supervisord.pid")),
        "childlogdir": escape(str(laboratory.logs)),
        "directory": "/",
    } | ({"user": "root"} if os.geteuid() == 0 else {})
    for program in programs(laboratory):
        parser[f"program:{program.name}"] = section(program, laboratory.logs)
    return parser


def write_configuration(laboratory: Laboratory) -> None:
    """Readable by this user only: the database's password is in it."""
    laboratory.logs.mkdir(parents=True, exist_ok=True)
    laboratory.supervisor_configuration.touch(mode=0o600)
    with laboratory.supervisor_configuration.open("w") as file:
        configuration(laboratory).write(file)


def environment(laboratory: Laboratory) -> dict[str, str]:
    """What runs is the code that starts it, whichever the virtual environment knows."""
    return {
        "PATH": PATH,
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(REPOSITORY),
        MARK: str(laboratory.state),
    }


def launch(laboratory: Laboratory, *options: str, before: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [executable("supervisord"), "--configuration", str(laboratory.supervisor_configuration), *options],
        env=environment(laboratory),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=before,
        start_new_session=True,
    )


def daemon(laboratory: Laboratory) -> None:
    """supervisord on its own, until it is shut down."""
    if launch(laboratory).wait():
        raise ProgramFailed(f"supervisord did not start; see {laboratory.logs / 'supervisord.log'}")


@contextmanager
def attached(laboratory: Laboratory) -> Iterator[None]:
    """supervisord as our child. It ends with the body, and when we are killed (there Linux only)."""
    with launch(laboratory, "--nodaemon", "--silent", before=end_with_parent) as child:
        try:
            yield
        finally:
            child.terminate()


def end_with_parent() -> None:
    C_LIBRARY.prctl(DEATH_SIGNAL_OPTION, signal.SIGTERM)


class ProgramFailed(Exception):
    """Supervision gave a program up; the message names its log."""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SOCKET_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = UnixConnection(self._path)
        self._connection = host, connection
        return connection


@dataclass(frozen=True, slots=True)
class Process:
    """What supervision knows of a program. `uptime_seconds` is of its last start."""

    name: str
    state: str
    pid: int
    uptime_seconds: int
    active: bool
    running: bool
    ended: bool

    @property
    def failed(self) -> bool:
        """Supervision gave it up."""
        return self.state == "FATAL"


def process(told: dict[str, Any]) -> Process:
    state = told["state"]
    running = state == ProcessStates.RUNNING
    uptime = told["now"] - told["start"] if running else 0
    active = state in RUNNING_STATES
    ended = not active and state != ProcessStates.STOPPING
    return Process(told["name"], told["statename"], told["pid"], uptime, active, running, ended)


class Supervisor:
    """The supervisord of a laboratory, as far as it runs."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._path = str(laboratory.supervisor_socket)
        self._logs = laboratory.logs

    def _call(self, method: str, *arguments: Any) -> Any:
        with xmlrpc.client.ServerProxy("http://localhost", transport=UnixTransport(self._path)) as remote:
            return getattr(remote.supervisor, method)(*arguments)

    def answers(self) -> bool:
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False

    def processes(self) -> dict[str, Process]:
        return {told["name"]: process(told) for told in self._call("getAllProcessInfo")}

    def require_alive(self, name: str) -> None:
        if self.processes()[name].failed:
            raise ProgramFailed(f"{name} does not start; see {self._logs / name}.log")

    def start(self, names: Iterable[str]) -> None:
        """Those that do not run, without waiting for them; one that is being stopped is waited for first."""
        chosen = list(names)
        wait_until(lambda: self.still_stopping(chosen), deadline_seconds=STOPPED_SECONDS)
        processes = self.processes()
        for name in chosen:
            if processes[name].ended:
                self._call("startProcess", name, False)

    def stop(self, names: Iterable[str]) -> None:
        """Those that run, without waiting for them."""
        processes = self.processes()
        for name in names:
            if processes[name].active:
                self._call("stopProcess", name, False)

    def still_stopping(self, names: Iterable[str]) -> str | None:
        processes = self.processes()
        left = [name for name in names if not (processes[name].active or processes[name].ended)]
        return f"still stopping: {', '.join(left)}" if left else None

    def kill(self, name: str) -> None:
        """It is started again, unless it was being stopped. Harmless if it has ended meanwhile."""
        try:
            self._call("signalProcess", name, "KILL")
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Faults.NOT_RUNNING:
                raise

    def read_again(self) -> None:
        """Its configuration: programs that are new there can be started; those that are gone there must not run."""
        ((added, _, removed),) = self._call("reloadConfig")
        for name in removed:
            self._call("removeProcessGroup", name)
        for name in added:
            self._call("addProcessGroup", name)

    def leave(self, name: str) -> None:
        """A hub: it takes no new clients, and tells those that it has to go elsewhere. A gateway does alike."""
        self._call("signalProcess", name, "USR2")

    def shut_down(self) -> None:
        """Ends supervisord and, the highest priority first, whatever still runs."""
        self._call("shutdown")
