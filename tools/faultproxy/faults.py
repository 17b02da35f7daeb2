"""What happens to a request: drawn from a seed, or ordered for the next one."""
import random
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

OBJECT_WRITES = {"PUT", "DELETE", "DELETE_MANY", "PUT_PART", "CREATE_UPLOAD", "COMPLETE_UPLOAD", "ABORT_UPLOAD"}
EVERY = None
# In the order in which they are drawn; the first that is hit happens. Which kinds of requests it can happen to.
FAULTS = {
    "refuse": EVERY,
    "cut": EVERY,
    "stall": EVERY,
    "lose_answer": OBJECT_WRITES,
    "old_body": {"GET"},
    "truncated_body": {"GET"},
    "old_list": {"LIST"},
    "truncated_list": {"LIST"},
}
CODES = {400: "BadRequest", 403: "AccessDenied", 404: "NoSuchKey", 408: "RequestTimeout", 409: "ConditionalRequestConflict", 412: "PreconditionFailed",
         429: "TooManyRequests", 500: "InternalError", 501: "NotImplemented", 502: "BadGateway", 503: "SlowDown", 504: "GatewayTimeout"}
CONDITIONAL_ONLY = (409, 412)


@dataclass
class Request:
    method: str
    target: str
    host: str
    conditional: bool = False

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        parts = self.target.partition("?")[2]
        return dict(map(unquote_plus, part.partition("=")[::2]) for part in parts.split("&") if part)

    @property
    def place(self):
        """Bucket and key, "" if there is none. BUCKET.localhost is a virtual host, all else has the bucket in its path."""
        name = (self.host.rpartition(":")[0] or self.host).partition(".localhost")
        if name[1] and not name[2]:
            return name[0], self.path[1:]
        return self.path[1:].partition("/")[::2]

    @property
    def kind(self):
        names, (bucket, key) = set(self.query), self.place
        if not key:
            return self._kind_of_bucket(names) if bucket else "BUCKET"
        if "uploadId" in names:
            return {"PUT": "PUT_PART", "GET": "LIST_PARTS", "POST": "COMPLETE_UPLOAD", "DELETE": "ABORT_UPLOAD"}.get(self.method, "OTHER")
        if self.method == "POST":
            return "CREATE_UPLOAD" if "uploads" in names else "OTHER"
        return self.method if self.method in ("GET", "PUT", "HEAD", "DELETE") else "OTHER"

    def _kind_of_bucket(self, names):
        if self.method == "POST" and "delete" in names:
            return "DELETE_MANY"
        if self.method != "GET":
            return "BUCKET"
        if "uploads" in names:
            return "LIST_UPLOADS"
        return "BUCKET" if names & {"versioning", "location", "policy", "acl", "lifecycle"} else "LIST"


@dataclass
class Rates:
    """What may happen. Rates are 0..1, each for the kinds of requests that it can happen to."""

    refuse: float = 0  # the connection is reset, nothing was applied
    cut: float = 0  # the connection ends within the body, sent or received
    stall: float = 0  # nothing more comes, until the client gives up
    lose_answer: float = 0  # a write is applied, then the connection is reset
    old_body: float = 0  # an earlier version of an object that was overwritten
    truncated_body: float = 0  # the beginning of an object, as if it were all of it
    old_list: float = 0  # an earlier answer to the same listing
    truncated_list: float = 0  # half of a listing, as if it were all of it
    status: dict = field(default_factory=dict)  # "503": rate; 409 and 412 only where a condition was set
    retry_after: int = 0  # seconds, told with 429 and 503; 0: not told
    delay_ms: tuple = (0, 0)  # before each request, from..to
    clock_offset: int = 0  # seconds by which the server's clock is ahead
    deny: tuple = ()  # methods that are answered 403
    ignore_conditions: bool = False  # If-Match and If-None-Match of a write are dropped
    refuse_conditions: bool = False  # ... are answered 501

    @classmethod
    def of(cls, named):
        unknown = set(named) - set(cls.__dataclass_fields__)
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        rates = cls(**named)
        rates.delay_ms, rates.deny = tuple(rates.delay_ms), tuple(rates.deny)
        if len(rates.delay_ms) != 2:
            raise ValueError("delay_ms takes two numbers")
        rates.status = {int(code): rate for code, rate in rates.status.items()}
        for rate in [getattr(rates, name) for name in FAULTS] + list(rates.status.values()):
            if not 0 <= rate <= 1:
                raise ValueError(f"{rate} is no rate: 0..1")
        return rates

    @property
    def changes_requests(self):
        return self.clock_offset != 0 or self.ignore_conditions


@dataclass
class Fate:
    fault: str = ""  # of FAULTS, "status", or nothing
    status: int = 0
    delay_s: float = 0
    position: float = 0  # where in the body, 0..1
    pick: float = 0  # which of the earlier ones, 0..1


@dataclass
class Order:
    """A fault for the next requests of a kind ("" for any) whose target has `target` in it, after the first `skip` of them."""

    fault: str
    kind: str = ""
    target: str = ""
    status: int = 503
    count: int = 1
    skip: int = 0
    position: float = 0.5

    def __post_init__(self):
        if self.fault not in (*FAULTS, "status"):
            raise ValueError(f"no such fault: {self.fault}")

    def takes(self, request):
        if (self.kind and self.kind != request.kind) or self.target not in request.target:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.count -= 1
        return True


class Faults:
    def __init__(self, seed, rates):
        self.seed, self.rates, self.orders, self.seen = seed, rates, [], {}

    def fate(self, request):
        """The n-th request of a kind meets the same fate whatever came in between, and on whatever connection."""
        kind = request.kind
        self.seen[kind] = n = self.seen.get(kind, 0) + 1
        draw = random.Random(f"{self.seed} {kind} {n}").random
        numbers = {name: draw() for name in FAULTS}
        by_status, delay, position, pick = draw(), draw(), draw(), draw()
        first, last = self.rates.delay_ms
        fate = Fate(delay_s=(first + (last - first) * delay) / 1000, position=position, pick=pick)
        for name, kinds in FAULTS.items():
            if numbers[name] < getattr(self.rates, name) and (kinds is EVERY or kind in kinds):
                fate.fault = name
                break
        else:
            self._draw_status(fate, by_status, request)
        self._obey(fate, request)
        return fate

    def _draw_status(self, fate, number, request):
        for code, rate in sorted(self.rates.status.items()):
            if number < rate:
                if code not in CONDITIONAL_ONLY or request.conditional:
                    fate.fault, fate.status = "status", code
                return
            number -= rate

    def _obey(self, fate, request):
        for order in self.orders:
            if order.takes(request):
                fate.fault, fate.status, fate.position = order.fault, order.status, order.position
                break
        self.orders = [order for order in self.orders if order.count > 0]
