"""The TUN device of a site: what is sent into the laboratory's network there is read here, and the other way round.

A device lives as long as it is open, and its routes with it: nothing of it is left by a forwarder that was killed.
"""

from __future__ import annotations

import fcntl
import os
import struct

from lab.wan.namespaces import TUNNEL, entered, ip
from lab.wan.sites import Site

SET_INTERFACE = 0x400454CA
"""TUNSETIFF of linux/if_tun.h."""
TUN, NO_HEADER = 0x0001, 0x1000
MTU_BYTES = 1_500
"""As on the real thing."""
QUEUE_PACKETS = 10_000
"""That wait in the kernel while the forwarder is busy: a third of a second of what it carries."""


def open_device(site: Site) -> int:
    """Its descriptor, which does not block; the site has its address when this returns."""
    with entered(site.namespace):
        descriptor = os.open(TUNNEL, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(descriptor, SET_INTERFACE, struct.pack("16sH22x", site.device.encode(), TUN | NO_HEADER))
    inside = ("-n", site.namespace) if site.namespace else ()
    ip(
        *inside,
        lines=[
            f"link set {site.device} mtu {MTU_BYTES} txqueuelen {QUEUE_PACKETS}",
            f"addr add {site.address}/24 dev {site.device}",
            f"link set {site.device} up",
            f"route add {site.everywhere} dev {site.device}",
        ],
    )
    return descriptor
