"""One exchange after the other on each connection: read a request, ask for its fate, pass it on or spoil it."""
import asyncio
import contextlib
import json
import time

from .earlier import LARGEST, Earlier, answer_with, without_its_end
from .faults import CODES, Fate, Request
from .http1 import Closed, Head, collect, frame_end, framed, read_body, read_head
from .link import BUFFER, LinkedStream, Stream
from .signing import CONDITIONS, http_date, is_too_skewed, shifted_date, sign_again

LINGER_S = 30  # for the rest of a body whose request is answered already
XML = "application/xml"


class Counts:
    def __init__(self):
        self.connections, self.requests, self.faults = 0, {}, {}
        self.bytes_sent, self.bytes_received = 0, 0  # of bodies, as the client counts: sent to the server

    def as_json(self):
        return {"connections": self.connections, "total": sum(self.requests.values()), "requests": self.requests, "faults": self.faults,
                "bytes_sent": self.bytes_sent, "bytes_received": self.bytes_received}


class Proxy:
    def __init__(self, upstream, faults, link, credentials=None, log=None):
        self.upstream, self.faults, self.link, self.credentials, self.log = upstream, faults, link, credentials, log
        self.objects, self.listings, self.counts = Earlier(), Earlier(), Counts()

    async def serve(self, reader, writer):
        self.counts.connections += 1
        client = LinkedStream(reader, writer, self.link) if self.link.exists else Stream(reader, writer)
        connection = Connection(self, client)
        try:
            while await connection.exchange():
                pass
            await client.finish()
        except Closed:
            client.reset()
        finally:
            connection.end()

    def note(self, request, fate, status, seconds):
        if fate.fault:
            self.counts.faults[fate.fault] = self.counts.faults.get(fate.fault, 0) + 1
        if self.log:
            line = {"at": round(time.time(), 3), "kind": request.kind, "method": request.method, "target": request.target, "status": status,
                    "fault": fate.fault, "ms": round(seconds * 1000, 1)}
            print(json.dumps(line), file=self.log, flush=True)


class Connection:
    """Of a client, and the one to the server that goes with it."""

    def __init__(self, proxy, client):
        self.proxy, self.client, self.server = proxy, client, None
        self.status, self.stored = 0, None

    def end(self):
        if self.server:
            self.server.reset()

    async def exchange(self):
        """True if the connection goes on after it."""
        head = await read_head(self.client.reader)
        if head is None:
            return False
        if head.first.count(" ") != 2:
            raise Closed
        method, target, _ = head.first.split(" ")
        request = Request(method, target, head.get("host"), any(head.get(name) for name in CONDITIONS))
        counts = self.proxy.counts.requests
        counts[request.kind] = counts.get(request.kind, 0) + 1
        fate, started = self.proxy.faults.fate(request), time.monotonic()
        self.status = 0
        try:
            await asyncio.sleep(fate.delay_s)
            return await self.answer(head, request, fate)
        finally:
            self.proxy.note(request, fate, self.status, time.monotonic() - started)

    async def answer(self, head, request, fate):
        refused = self.refusal(head, request, fate)
        if refused:
            return await self.answer_error(head, request, *refused)
        if fate.fault == "refuse":
            raise Closed
        old = self.old_answer(head, request, fate)
        if old:
            return await self.answer_whole(head, *old)
        return await self.forward(head, request, fate)

    def refusal(self, head, request, fate):
        """Status and code, if the server would refuse it."""
        rates = self.proxy.faults.rates
        if fate.fault == "status":
            return fate.status, CODES.get(fate.status, "Fault")
        if request.method in rates.deny:
            return 403, CODES[403]
        if rates.refuse_conditions and request.conditional and request.method not in ("GET", "HEAD"):
            return 501, CODES[501]
        if rates.clock_offset and self.proxy.credentials and is_too_skewed(head, rates.clock_offset):
            return 403, "RequestTimeTooSkewed"
        return None

    def old_answer(self, head, request, fate):
        body = None
        if fate.fault == "old_body":
            body = self.proxy.objects.pick("/".join(request.place), fate.pick)
        elif fate.fault == "old_list":
            body = self.proxy.listings.pick(request.host + request.target, fate.pick)
        if body is None:
            fate.fault = "" if fate.fault.startswith("old_") else fate.fault
            return None
        kind = "binary/octet-stream" if fate.fault == "old_body" else XML
        return answer_with(body, kind, head.get("range") if fate.fault == "old_body" else "", self.date())

    def date(self):
        return http_date(time.time() + self.proxy.faults.rates.clock_offset)

    # --- answers of the proxy's own

    async def answer_error(self, head, request, status, code):
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>the fault proxy says so</Message><RequestId>fault</RequestId></Error>'
        if request.method == "HEAD":
            body = ""
        answer = Head.answer(status, code, ("Date", self.date()), ("Content-Type", XML), ("Content-Length", str(len(body))))
        retry_after = self.proxy.faults.rates.retry_after
        if status in (429, 503) and retry_after:
            answer.put("Retry-After", str(retry_after))
        return await self.answer_whole(head, answer, body.encode())

    async def answer_whole(self, head, answer, body):
        waits = head.get("expect").lower() == "100-continue"
        if waits:
            answer.put("Connection", "close")  # the client need not send the body then
        else:
            async for _ in read_body(self.client.reader, head.length or 0):
                pass
        self.status = answer.status
        await self.client.send(answer.encoded() + body)
        return not waits and head.keeps_alive

    # --- the server's answers

    async def forward(self, head, request, fate):
        server = await self.server_connection()
        self.change(head)
        self.stored = [] if request.kind == "PUT" else None
        await server.send(head.encoded())
        length = head.length or 0
        cut_up = fate.fault in ("cut", "stall") and length not in (0, "chunked")
        sending = asyncio.ensure_future(self.send_up(head, length, fate if cut_up else Fate()))
        try:
            answer = await self.read_answer(server)
            goes_on = await self.pass_on(answer, request, Fate() if cut_up else fate)
            if answer.status // 100 == 2 and self.stored is not None and sending.done():
                self.proxy.objects.remember("/".join(request.place), b"".join(self.stored))
            self.drop_stray_end(answer, request)
            return await self.settle(sending, head) and goes_on and head.keeps_alive and answer.keeps_alive
        except Closed:
            if cut_up and fate.fault == "stall":
                await self.client.wait_until_gone()
            raise
        finally:
            sending.cancel()
            await asyncio.wait([sending])
            _ = sending.cancelled() or sending.exception()  # it was reset; that was all there is to do about it

    async def server_connection(self):
        if self.server and not self.server.is_over():
            return self.server
        try:
            self.server = Stream(*await asyncio.open_connection(*self.proxy.upstream, limit=BUFFER))
        except OSError:
            raise Closed from None  # a server that is down looks like that
        return self.server

    def change(self, head):
        rates = self.proxy.faults.rates
        if rates.ignore_conditions and head.first.startswith(("PUT ", "POST ", "DELETE ")):
            for name in CONDITIONS:
                head.drop(name)
        if rates.changes_requests and self.proxy.credentials:
            sign_again(head, self.proxy.credentials)

    async def send_up(self, head, length, fate):
        """The body of the request, or the beginning of it, after which the server sees the connection end."""
        left = int(fate.position * length) if fate.fault else None
        try:
            async for piece in read_body(self.client.reader, length):
                if left is not None:
                    piece = piece[:left]
                    left -= len(piece)
                self.keep(piece)
                self.proxy.counts.bytes_sent += len(piece)
                await self.server.send(framed(piece, length))
                if left == 0:
                    raise Closed
            if length:
                await self.server.send(frame_end(length))
        except Closed:
            self.server.reset()
            raise

    def keep(self, piece):
        if self.stored is not None:
            self.stored.append(piece)
            if sum(map(len, self.stored)) > LARGEST:
                self.stored = None

    async def read_answer(self, server):
        """The final one; what comes before it (100 Continue) is passed on."""
        while True:
            answer = await read_head(server.reader)
            if answer is None or not answer.is_answer:
                raise Closed
            if answer.status >= 200:
                return answer
            await self.client.send(answer.encoded())

    async def pass_on(self, answer, request, fate):
        shifted_date(answer, self.proxy.faults.rates.clock_offset)
        self.status = answer.status
        length = self.length_of(answer, request)
        pieces = read_body(self.server.reader, length)
        if fate.fault == "lose_answer":
            await collect(pieces)
            raise Closed
        if request.kind == "LIST" and answer.status == 200:
            return await self.pass_listing_on(answer, request, fate, await collect(pieces))
        if fate.fault == "truncated_body" and answer.status in (200, 206) and length not in (0, "chunked", "close"):
            body = (await collect(pieces))[:int(fate.position * length)]
            return await self.send_whole(answer, body)
        await self.client.send(answer.encoded())
        await self.pass_body_on(pieces, length, fate)
        return length != "close"

    def drop_stray_end(self, answer, request):
        """Swift ends a body that the answer to HEAD does not have; the next answer would begin with that end."""
        if request.method == "HEAD" and answer.length == "chunked":
            self.server.reset()

    @staticmethod
    def length_of(answer, request):
        if request.method == "HEAD" or answer.status in (204, 304):
            return 0
        return "close" if answer.length is None else answer.length

    async def pass_listing_on(self, answer, request, fate, body):
        self.proxy.listings.remember(request.host + request.target, body)
        if fate.fault == "truncated_list":
            body = without_its_end(body)
        answer.drop("transfer-encoding")
        answer.put("Content-Length", str(len(body)))
        await self.client.send(answer.encoded())
        await self.pass_body_on(_pieces_of(body), len(body), fate)
        return True

    async def send_whole(self, answer, body):
        answer.put("Content-Length", str(len(body)))
        self.proxy.counts.bytes_received += len(body)
        await self.client.send(answer.encoded() + body)
        return True

    async def pass_body_on(self, pieces, length, fate):
        ends_early = fate.fault in ("cut", "stall")
        left = int(fate.position * length) if ends_early and length not in ("chunked", "close") else 0
        async for piece in pieces:
            if ends_early:
                piece = piece[:left]
                left -= len(piece)
            self.proxy.counts.bytes_received += len(piece)
            if piece:
                await self.client.send(framed(piece, length))
            if ends_early and left == 0:
                break
        if ends_early:
            await self.end_early(fate)
        if length == "chunked":
            await self.client.send(frame_end(length))

    async def end_early(self, fate):
        await self.client.flush()
        if fate.fault == "stall":
            await self.client.wait_until_gone()
            raise Closed
        await self.client.finish()
        raise Closed

    async def settle(self, sending, head):
        """After the answer: the rest of a body that the server did not wait for. False if the connection is of no use then."""
        if sending.done():
            return not sending.cancelled() and sending.exception() is None
        if head.get("expect"):
            return False
        with contextlib.suppress(asyncio.TimeoutError, Closed):
            await asyncio.wait_for(sending, LINGER_S)
            return True
        return False


async def _pieces_of(body):
    yield body
