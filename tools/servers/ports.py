"""Ports of 127.0.0.1 on which nothing listens."""
import random
import socket
from contextlib import ExitStack
from pathlib import Path

FIRST = 10000


def _first_outgoing():
    """Below it the kernel gives no port to an outgoing connection, which would be gone again or taken a moment later."""
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        return 32768


def _claimed(port):
    claim = socket.socket()
    claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        claim.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return None
    return claim


def is_free(port):
    claim = _claimed(port)
    if claim:
        claim.close()
    return claim is not None


def free_ports(count):
    last = max(_first_outgoing(), FIRST + 1000) - 1
    found = {}
    with ExitStack() as claims:
        for _ in range(1000):
            port = random.randint(FIRST, last)
            if port not in found and (claim := _claimed(port)):
                claims.enter_context(claim)
                found[port] = None
            if len(found) == count:
                return list(found)
    raise OSError(f"there are no {count} free ports between {FIRST} and {last} on 127.0.0.1")
