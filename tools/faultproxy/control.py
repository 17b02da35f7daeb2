"""The second port of the proxy: JSON for the tests that drive it."""
import json
from dataclasses import asdict

from .faults import Order, Rates
from .http1 import Closed, Head, collect, read_body, read_head


class Control:
    def __init__(self, proxy):
        self.proxy = proxy

    async def serve(self, reader, writer):
        try:
            while (head := await read_head(reader)) is not None:
                body = await collect(read_body(reader, head.length or 0))
                method, path, _ = head.first.split(" ", 2)
                status, answer = self.answer(f"{method} {path}", body)
                text = (json.dumps(answer) + "\n").encode()
                fields = ("Content-Type", "application/json"), ("Content-Length", str(len(text)))
                writer.write(Head.answer(status, "OK" if status == 200 else "No", *fields).encoded() + text)
                await writer.drain()
        except (Closed, OSError):
            pass  # a test that ended
        finally:
            writer.close()

    def answer(self, request, body):
        calls = {"GET /counts": self.counts, "GET /faults": self.faults, "POST /faults": self.set_faults, "POST /next": self.add_orders,
                 "DELETE /next": self.forget_orders}
        if request not in calls:
            return 404, {"error": f"there is only {', '.join(calls)}"}
        try:
            return 200, calls[request](*([json.loads(body)] if request.startswith("POST") else []))
        except (ValueError, TypeError, AttributeError) as error:
            return 400, {"error": str(error)}

    def counts(self):
        return self.proxy.counts.as_json()

    def faults(self):
        return asdict(self.proxy.faults.rates)

    def set_faults(self, named):
        rates = Rates.of(named)
        if rates.changes_requests and not self.proxy.credentials:
            raise ValueError("that needs --credentials, to sign requests again")
        self.proxy.faults.rates = rates
        return self.faults()

    def forget_orders(self):
        self.proxy.faults.orders = []
        return {"orders": 0}

    def add_orders(self, named):
        orders = [Order(**order) for order in (named if isinstance(named, list) else [named])]
        self.proxy.faults.orders += orders
        return {"orders": len(self.proxy.faults.orders)}
