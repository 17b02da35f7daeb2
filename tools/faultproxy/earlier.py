"""What was, for a storage that serves it again: versions of objects that were stored through the proxy, and listings it passed on."""
import hashlib
import re

from .http1 import Head

VERSIONS = 4
LARGEST = 1 << 20
ROOM = 128 << 20  # for all of them; the longest unused go first


class Earlier:
    def __init__(self):
        self.versions, self.size = {}, 0

    def remember(self, name, body):
        kept = self.versions.pop(name, [])
        if not kept or kept[-1] != body:
            kept.append(body)
            self.size += len(body)
        if len(kept) > VERSIONS:
            self.size -= len(kept.pop(0))
        self.versions[name] = kept  # now the last used
        while self.size > ROOM:
            self.size -= sum(map(len, self.versions.pop(next(iter(self.versions)))))

    def pick(self, name, where):
        """One that is not the newest, None if there is none. `where`: 0..1."""
        older = self.versions.get(name, [])[:-1]
        return older[int(where * len(older))] if older else None


def answer_with(body, content_type, wanted_range, date):
    """Head and body of an answer that gives `body`, or the range of it."""
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted_range)
    fields = [("Date", date), ("Content-Type", content_type), ("ETag", f'"{hashlib.md5(body).hexdigest()}"'), ("Accept-Ranges", "bytes")]
    if not found:
        return Head.answer(200, "OK", *fields, ("Content-Length", str(len(body)))), body
    first, last = int(found[1]), min(int(found[2] or len(body)), len(body) - 1)
    if first >= len(body):
        return Head.answer(416, "Range Not Satisfiable", *fields, ("Content-Length", "0")), b""
    part = body[first:last + 1]
    return Head.answer(206, "Partial Content", *fields, ("Content-Range", f"bytes {first}-{last}/{len(body)}"), ("Content-Length", str(len(part)))), part


def without_its_end(listing):
    """Half of a listing that says it is whole."""
    entries = list(re.finditer(rb"<Contents>.*?</Contents>", listing, re.S))
    if entries:
        first_gone = entries[len(entries) // 2]
        listing = listing[:first_gone.start()] + listing[entries[-1].end():]
    listing = re.sub(rb"<IsTruncated>true<", b"<IsTruncated>false<", listing)
    listing = re.sub(rb"<NextContinuationToken>.*?</NextContinuationToken>", b"", listing, flags=re.S)
    return re.sub(rb"<KeyCount>\d+<", b"<KeyCount>%d<" % (len(entries) // 2), listing)
