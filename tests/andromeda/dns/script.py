"""The script that answers, run by LuaJIT as PowerDNS runs it, with as much of PowerDNS' own functions as it uses."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

import lupa.luajit21 as lupa

from andromeda.dns import lua, powerdns
from andromeda.dns.choice import of_family
from andromeda.dns.declaration import Declaration
from andromeda.dns.sharing import NEAREST
from andromeda.dns.watcher import HEALTH
from andromeda.dns.zone import SCRIPT

NOW = 1_800_000_000


IPV4_ADDRESSES = """
local kinds = {}
kinds.__index = kinds
function kinds:toString() return table.concat(self, '.') end
function kinds:isIPv4() return true end
function kinds:truncate(bits)
  for place = 1, 4 do
    local kept = math.max(0, math.min(8, bits - 8 * (place - 1)))
    self[place] = math.floor(self[place] / 2 ^ (8 - kept)) * 2 ^ (8 - kept)
  end
end
local of_ipv6 = ...
function newCA(text)
  if text:find(':', 1, true) then return of_ipv6(text) end
  local a, b, c, d = text:match('(%d+).(%d+).(%d+).(%d+)')
  return setmetatable({ tonumber(a), tonumber(b), tonumber(c), tonumber(d) }, kinds)
end
"""
"""The usual ones without a way through Python, which would take most of the time of a test with 100,000 answers."""


class Address:
    """PowerDNS' ComboAddress, of IPv6."""

    def __init__(self, text: str) -> None:
        self._packed = socket.inet_pton(socket.AF_INET6, text)

    def toString(self) -> str:
        return socket.inet_ntop(socket.AF_INET6, self._packed)

    def isIPv4(self) -> bool:
        return False

    def truncate(self, bits: int) -> None:
        kept = int.from_bytes(self._packed) >> (128 - bits) << (128 - bits)
        self._packed = kept.to_bytes(16)


class Script:
    """`now`: seconds since the epoch by the name server's clock."""

    def __init__(self, folder: Path, declaration: Declaration, seed: int = 1) -> None:
        self._folder = folder
        self._declaration = declaration
        self.now = NOW
        self.standby: list[str] = []
        """What PowerDNS' own checks would answer."""
        for name, text in powerdns.files_of(
            folder, declaration, next(iter(declaration.regions)), port=53, serial=1
        ).items():
            (folder / name).write_text(text)
        self._lua = lupa.LuaRuntime()
        found = self._lua.globals()
        self._lua.execute(IPV4_ADDRESSES, Address)
        found.ifurlup = lambda *_: self._lua.table_from(self.standby)
        found.os.time = lambda *_: self.now
        self._lua.eval(f"assert(loadfile('{folder / SCRIPT}'))")(str(folder))
        self._lua.eval("math.randomseed")(seed)
        self._answer = self._lua.eval("function(client, family) bestwho = newCA(client) return localgroup(family) end")

    def told(self, ready: Iterable[str], *, nearest: str = "", at: int | None = None) -> None:
        """By the watcher: which regions can be named."""
        chosen = {name: self._declaration.regions[name].addresses for name in ready}
        families: Mapping[str, lua.Value] = {
            family: {
                name: [str(each) for each in addresses]
                for name, addresses in of_family(self._declaration, chosen, family).items()
            }
            for family in self._declaration.families
        }
        text = lua.chunk({"at": self.now if at is None else at, "nearest": nearest, **families})
        (self._folder / HEALTH).write_text(text)

    def measured(self, text: str) -> None:
        """It is read when `told` has another version of it."""
        (self._folder / NEAREST).write_text(text)

    def answer(self, client: str = "203.0.113.1", family: str = "A") -> list[str]:
        """Raises `lupa.LuaError`, which PowerDNS makes a SERVFAIL of."""
        return list(self._answer(client, family).values())
