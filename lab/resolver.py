"""A caching resolver, as users have one: unbound. It asks the regions' name servers and keeps answers for their TTL."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from lab.name_servers import NAME, ZONE
from lab.readiness import wait_until
from lab.regions import DNS, Region
from lab.supervisor import end_with_parent
from lab.wan.namespaces import enter_command

SERVER = "unbound"
PORT = 5300
READY_SECONDS = 10
ANSWER_SECONDS = 5.0
END_SECONDS = 10


def configuration(address: str, regions: Iterable[Region]) -> str:
    """It asks whichever name server answers, as any resolver does; what it is not told stays as it comes."""
    servers = "".join(f"  stub-addr: {region.address}@{DNS}\n" for region in regions)
    return (
        "server:\n"
        f"  interface: {address}@{PORT}\n"
        f"  outgoing-interface: {address}\n"
        "  access-control: 0.0.0.0/0 allow\n"
        # As resolvers of many users do: what is asked for often is looked up again shortly before its time is over, so
        # that nobody waits while a name server that is gone is asked in vain.
        "  prefetch: yes\n"
        '  chroot: ""\n'
        '  username: ""\n'
        '  pidfile: ""\n'
        "  use-syslog: no\n"
        "  do-daemonize: no\n"
        # Laboratories lie in networks that no resolver would ask, or believe, without being told to.
        "  do-not-query-localhost: no\n"
        '  local-zone: "test." nodefault\n'
        f'  domain-insecure: "{ZONE}"\n'
        "remote-control:\n"
        "  control-enable: no\n"
        "stub-zone:\n"
        f'  name: "{ZONE}"\n'
        f"{servers}"
    )


@contextmanager
def resolver(folder: Path, address: str, regions: Iterable[Region], namespace: str = "") -> Iterator[str]:
    """Answers at `address`, port 5300, while the body runs, and ends with it. `namespace`: where it runs."""
    path = folder / "unbound.conf"
    path.write_text(configuration(address, regions), encoding="utf-8")
    with (folder / "unbound.log").open("wb") as log:
        process = subprocess.Popen(
            [*enter_command(namespace), SERVER, "-d", "-c", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent,
        )
    try:
        if not namespace:
            wait_until(lambda: why_silent(address), deadline_seconds=READY_SECONDS)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def why_silent(address: str) -> str | None:
    question = dns.message.make_query(NAME, dns.rdatatype.A)
    try:
        found = dns.query.udp(question, address, timeout=ANSWER_SECONDS, port=PORT)
    except (dns.exception.DNSException, OSError) as error:
        return f"the resolver does not answer: {error}"
    return None if found.answer else f"the resolver does not know {NAME}"
