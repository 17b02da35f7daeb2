"""HTTP/1.1 messages: heads, and bodies as pieces of bytes whatever their framing."""
import asyncio

PIECE = 1 << 20


class Closed(Exception):
    """The other side went away, or is to be treated as if it had."""


class Head:
    """A start line and header fields, kept as they came. Fields are found by their names in lower case."""

    def __init__(self, raw):
        lines = raw.decode("latin-1").split("\r\n")
        self.first = lines[0]
        self.fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:] if line)]

    @classmethod
    def answer(cls, status, reason, *fields):
        head = cls(b"")
        head.first, head.fields = f"HTTP/1.1 {status} {reason}", list(fields)
        return head

    def get(self, name, default=""):
        return next((value for field, value in self.fields if field.lower() == name), default)

    def drop(self, name):
        self.fields = [(field, value) for field, value in self.fields if field.lower() != name]

    def put(self, name, value):
        for i, (field, _) in enumerate(self.fields):
            if field.lower() == name.lower():
                self.fields[i] = (field, value)
                return
        self.fields.append((name, value))

    @property
    def is_answer(self):
        words = self.first.split(" ")
        return len(words) > 1 and words[0].startswith("HTTP/1.") and words[1].isdigit()

    @property
    def status(self):
        return int(self.first.split(" ", 2)[1])

    @property
    def length(self):
        """Of the body: a number, "chunked", or None if no field says."""
        if "chunked" in self.get("transfer-encoding").lower():
            return "chunked"
        return int(self.get("content-length")) if self.get("content-length") else None

    @property
    def keeps_alive(self):
        return self.get("connection").lower() != "close"

    def encoded(self):
        return "\r\n".join([self.first, *(f"{name}: {value}" for name, value in self.fields), "", ""]).encode("latin-1")


async def read_head(reader):
    """None if the connection ended before another message."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Closed from None
        return None
    except (OSError, asyncio.LimitOverrunError):
        return None
    return Head(raw)


async def read_body(reader, length):
    """Yields the body without its framing. `length`: a number, "chunked", or "close" (until the connection ends)."""
    try:
        if length == "chunked":
            async for piece in _chunks(reader):
                yield piece
        elif length == "close":
            while piece := await reader.read(PIECE):
                yield piece
        else:
            while length > 0:
                piece = await reader.read(min(PIECE, length))
                if not piece:
                    raise Closed
                length -= len(piece)
                yield piece
    except (OSError, asyncio.IncompleteReadError):
        raise Closed from None


async def _chunks(reader):
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":  # trailing fields, which no S3 server sends
        pass


def framed(piece, length):
    return b"%x\r\n%s\r\n" % (len(piece), piece) if length == "chunked" else piece


def frame_end(length):
    return b"0\r\n\r\n" if length == "chunked" else b""


async def collect(pieces):
    return b"".join([piece async for piece in pieces])
