"""The slow link, on a clock that stands still while there is work and jumps when there is none: what is measured is the model alone."""
import asyncio
import contextlib
import socket
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from faultproxy.link import Link, LinkedStream  # noqa: E402

RATE, ROUND_TRIP_S = 2_500_000, 0.150  # 20 Mbit/s


class Jumping(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__()
        self.now, select = 0.0, self._selector.select

        def jump(timeout):
            events = select(0)
            if not events and timeout:
                self.now += timeout
            return events

        self._selector.select = jump

    def time(self):
        return self.now


@contextlib.asynccontextmanager
async def connected(link):
    """The client's end, and the stream of the proxy."""
    near, far = socket.socketpair()
    client = await asyncio.open_connection(sock=near)
    stream = LinkedStream(*await asyncio.open_connection(sock=far, limit=1 << 20), link)
    try:
        yield client, stream
    finally:
        await stream.finish()
        client[1].close()


def on_jumping_clock(work):
    """What work() says, on a clock that starts at 0."""
    loop = Jumping()
    try:
        return loop.run_until_complete(work())
    finally:
        loop.close()


async def receive(client, size):
    await client[0].readexactly(size)
    return asyncio.get_running_loop().time()


class LinkTest(unittest.TestCase):
    def assert_takes(self, seconds, expected):
        self.assertAlmostEqual(seconds, expected, delta=expected * 0.01)

    def test_the_first_request_costs_two_round_trips_and_the_next_one(self):
        async def work():
            times = []
            async with connected(Link(0, ROUND_TRIP_S)) as (client, stream):
                for _ in range(2):
                    client[1].write(b"?")
                    await stream.reader.readexactly(1)
                    await stream.send(b"!")
                    times.append(await receive(client, 1))
            return times

        first, second = on_jumping_clock(work)
        self.assert_takes(first, 2 * ROUND_TRIP_S)
        self.assert_takes(second - first, ROUND_TRIP_S)

    def test_a_download_has_the_whole_rate_and_half_a_round_trip_on_top(self):
        async def work():
            async with connected(Link(RATE, ROUND_TRIP_S)) as (client, stream):
                sending = asyncio.ensure_future(stream.send(bytes(RATE * 4)))
                arrived = await receive(client, RATE * 4)
                await sending
                return arrived

        self.assert_takes(on_jumping_clock(work), 4 + ROUND_TRIP_S / 2)

    def test_an_upload_has_the_whole_rate(self):
        async def work():
            async with connected(Link(RATE, ROUND_TRIP_S)) as (client, stream):
                client[1].write(bytes(RATE * 4))
                await stream.reader.readexactly(RATE * 4)
                return asyncio.get_running_loop().time()

        self.assert_takes(on_jumping_clock(work), 4 + ROUND_TRIP_S * 1.5)

    def test_connections_share_it_evenly(self):
        async def work():
            link = Link(RATE, ROUND_TRIP_S)
            async with contextlib.AsyncExitStack() as stack:
                both = [await stack.enter_async_context(connected(link)) for _ in range(4)]
                sending = [asyncio.ensure_future(stream.send(bytes(RATE))) for _, stream in both]
                arrived = await asyncio.gather(*(receive(client, RATE) for client, _ in both))
                await asyncio.gather(*sending)
                return arrived

        arrived = on_jumping_clock(work)
        self.assert_takes(max(arrived), 4 + ROUND_TRIP_S / 2)
        self.assertGreater(min(arrived), 3.9)

    def test_the_directions_do_not_share(self):
        async def work():
            async with connected(Link(RATE, ROUND_TRIP_S)) as (client, stream):
                client[1].write(bytes(RATE * 2))
                sending = asyncio.ensure_future(stream.send(bytes(RATE * 2)))
                await asyncio.gather(stream.reader.readexactly(RATE * 2), receive(client, RATE * 2))
                await sending
                return asyncio.get_running_loop().time()

        self.assert_takes(on_jumping_clock(work), 2 + ROUND_TRIP_S * 1.5)


if __name__ == "__main__":
    unittest.main()
