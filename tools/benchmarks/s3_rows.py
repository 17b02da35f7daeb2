"""Rows about rows over S3: how long they take from one device to another, and in how many requests."""
import json

from benchmarks.commands import time_to_b, two_devices
from benchmarks.measuring import Failed, row
from benchmarks.s3_storage import gateway, link

DEVICES = 20


def a_to_b(bench):
    with gateway(bench) as storage:
        a, b, ids = two_devices(bench, storage.place(), bench.scaled(10_000))
        took = time_to_b(bench, a, b, ids)
    return [row("s3-a-to-b", f"{len(ids)} rows from A to B over the gateway, both processes", took, "s", goal=0.6, at_most=True)]


def requests_of_sync(bench, proxy, home):
    """As the home counted them; the proxy must have seen as many."""
    before = proxy.requests()
    counted = json.loads(bench.bae(home, "sync", "--json").splitlines()[-1])["requests"]
    passed = proxy.requests() - before
    if counted != passed:
        raise Failed(f"bae sync counted {counted} requests, {passed} passed the proxy")
    return counted


def settle(bench, proxy, homes):
    for _ in range(5):
        if all([requests_of_sync(bench, proxy, home) == 1 for home in homes]):
            return
    raise Failed("the devices do not come to rest")


def requests(bench):
    with gateway(bench) as storage, link(storage) as proxy:
        place = storage.place(proxy.endpoint)
        a, b, ids = two_devices(bench, place, 12)
        homes = [a, b] + [bench.second_home(a, place) for _ in range(DEVICES - 2)]
        settle(bench, proxy, homes)
        poll = requests_of_sync(bench, proxy, a)
        bench.bae(a, "tag", "add", "edited", ids[0])
        send = requests_of_sync(bench, proxy, a)
        receive = requests_of_sync(bench, proxy, b)
    unit = "requests"
    return [row("s3-requests-send", "to send one edit", send, unit, goal=3, at_most=True),
            row("s3-requests-receive", "to receive it", receive, unit, goal=3, at_most=True),
            row("s3-requests-poll", f"of an idle poll with {DEVICES} devices", poll, unit, goal=1, at_most=True)]


SOURCES = [(("s3-a-to-b",), a_to_b), (("s3-requests-send", "s3-requests-receive", "s3-requests-poll"), requests)]
