"""Connections, and a slow link that all of them share: so many bytes per second and so long a way, in each direction.

What is sent takes its place in the one queue of its direction and arrives when the last of its bytes has left, and the way is
behind it: a delay does not lower the rate. Opening a connection costs a round trip. Not modelled: slow start, loss.
"""
import asyncio
import contextlib
import socket
import struct

from .http1 import Closed

BUFFER = 1 << 20
AHEAD_S = 0.03  # so far ahead of the link a sender may be, or a late wake-up would leave it idle
CLOSE_WAIT, CLOSED = 8, 7  # states of TCP


class Stream:
    """A connection as it is."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        writer.transport.set_write_buffer_limits(high=BUFFER)

    async def send(self, data):
        if self.writer.transport.is_closing():
            raise Closed
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError:
            raise Closed from None

    def is_over(self):
        return self.reader.at_eof() or self.writer.transport.is_closing()

    async def flush(self):
        """Until what was sent has arrived."""

    async def finish(self):
        """Ends it after what was sent."""
        with contextlib.suppress(Closed):
            await self.flush()
        self.writer.close()

    def reset(self):
        """Ends it at once, as a machine does that lost its memory."""
        sock = self.writer.get_extra_info("socket")
        if not self.writer.transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def wait_until_gone(self):
        """Until the other side has closed it, although nothing is read from it."""
        sock = self.writer.get_extra_info("socket")
        while not self.writer.transport.is_closing():
            if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in (CLOSE_WAIT, CLOSED):
                return
            await asyncio.sleep(0.05)


async def sleep_until(moment):
    wait = moment - asyncio.get_running_loop().time()
    if wait > 0:
        await asyncio.sleep(wait)


class Direction:
    def __init__(self, bytes_per_s):
        self.bytes_per_s, self.free_at = bytes_per_s, 0.0

    @property
    def segment(self):
        return max(1400, min(int(self.bytes_per_s * 0.004), 64 << 10)) if self.bytes_per_s else 64 << 10

    def reserve(self, size):
        """When the last of so many bytes will have left, if they are handed over now."""
        now = asyncio.get_running_loop().time()
        self.free_at = max(now, self.free_at) + (size / self.bytes_per_s if self.bytes_per_s else 0)
        return self.free_at


class Link:
    def __init__(self, bytes_per_s, round_trip_s):
        self.up, self.down, self.round_trip_s = Direction(bytes_per_s), Direction(bytes_per_s), round_trip_s

    @property
    def exists(self):
        return self.up.bytes_per_s > 0 or self.round_trip_s > 0


class LinkedStream(Stream):
    """A connection whose other end is at the far end of the link."""

    def __init__(self, reader, writer, link):
        super().__init__(reader, writer)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 10)
        self.link, self.near = link, reader
        self.reader = asyncio.StreamReader(limit=BUFFER)
        self.under_way = asyncio.Queue()
        self.on_way_up = asyncio.Queue()
        self.tasks = [asyncio.ensure_future(work) for work in (self._take_up(), self._arrive_up(), self._arrive_down())]
        self.gone = False

    async def send(self, data):
        down = self.link.down
        data = memoryview(data)
        for start in range(0, len(data), down.segment):
            if self.gone:
                raise Closed
            piece = data[start:start + down.segment]
            left = down.reserve(len(piece))
            self.under_way.put_nowait((left + self.link.round_trip_s / 2, piece))
            await sleep_until(left - AHEAD_S)

    async def flush(self):
        await self.under_way.join()

    async def finish(self):
        await super().finish()
        self._end_tasks()

    def reset(self):
        super().reset()
        self._end_tasks()

    def _end_tasks(self):
        for task in self.tasks:
            task.cancel()

    async def _take_up(self):
        up = self.link.up
        await asyncio.sleep(self.link.round_trip_s)  # the connection had to be opened first
        with contextlib.suppress(OSError):
            while data := await self.near.read(up.segment):
                left = up.reserve(len(data))
                self.on_way_up.put_nowait((left + self.link.round_trip_s / 2, data))
                await sleep_until(left - AHEAD_S)
        self.on_way_up.put_nowait((asyncio.get_running_loop().time() + self.link.round_trip_s / 2, b""))

    async def _arrive_up(self):
        data = True
        while data:
            moment, data = await self.on_way_up.get()
            await sleep_until(moment)
            self.reader.feed_data(data) if data else self.reader.feed_eof()

    async def _arrive_down(self):
        while True:
            moment, piece = await self.under_way.get()
            await sleep_until(moment)
            try:
                if not self.gone:
                    await super().send(piece)
            except Closed:
                self.gone = True
            self.under_way.task_done()
