"""Each fault of the proxy, in front of a server that has none."""
import contextlib
import http.client
import re
import socket
import sys
import threading
import unittest
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))
from s3_servers import FaultProxy, error_code  # noqa: E402
from origin import Origin  # noqa: E402

BROKEN = (http.client.HTTPException, OSError)


class ProxyCase(unittest.TestCase):
    def start(self, *options, seed=1):
        self.origin = self.enterContext(Origin())
        self.proxy = self.enterContext(FaultProxy(self.origin.settings, *options, seed=seed))
        self.connection = self.connect()

    def connect(self):
        connection = http.client.HTTPConnection(urlsplit(self.proxy.url).netloc, timeout=60)
        self.addCleanup(connection.close)
        return connection

    def ask(self, method, target, body=b"", **headers):
        """Status, headers and body; the connection goes on."""
        self.connection.request(method, target, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def put(self, target, body):
        self.assertEqual(self.ask("PUT", target, body)[0], 200)

    def get(self, target):
        status, _, body = self.ask("GET", target)
        self.assertEqual(status, 200)
        return body

    def assert_breaks(self, method, target, body=b""):
        with self.assertRaises(BROKEN):
            self.ask(method, target, body)
        self.connection.close()


class Faithful(ProxyCase):
    def test_passes_on_what_it_does_not_spoil(self):
        self.start()
        large = bytes(range(256)) * 40_000
        self.put("/b/large", large)
        self.assertEqual(self.get("/b/large"), large)
        status, headers, body = self.ask("HEAD", "/b/large")
        self.assertEqual((status, headers["Content-Length"], body), (200, str(len(large)), b""))
        self.assertEqual(self.ask("DELETE", "/b/large")[0], 204)
        self.assertEqual(self.ask("GET", "/b/large")[0], 404)
        self.assertEqual(self.proxy.counts()["connections"], 1)

    def test_the_server_sees_the_host_that_was_asked_for(self):
        self.start()
        self.ask("GET", "/b/x", Host="b.localhost:1")
        self.assertEqual(self.origin.seen[-1][2]["Host"], "b.localhost:1")

    def answer_by_hand(self, *answers):
        """A server that takes one connection per answer; a connection to the proxy in front of it."""
        server = self.enterContext(socket.create_server(("127.0.0.1", 0)))

        def serve():
            for answer in answers:
                with server.accept()[0] as accepted:
                    accepted.recv(65536)
                    accepted.sendall(answer)
                    with contextlib.suppress(ConnectionResetError):
                        accepted.recv(65536)  # until it is let go

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.proxy = self.enterContext(FaultProxy({"endpoint": f"http://127.0.0.1:{server.getsockname()[1]}"}))
        self.connection = self.connect()

    def test_a_body_in_chunks_goes_through(self):
        self.answer_by_hand(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n")
        self.assertEqual(self.get("/b/x"), b"hello world")

    def test_the_end_of_a_body_that_an_answer_does_not_have_is_not_the_next_answer(self):
        self.answer_by_hand(b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        self.assertEqual(self.ask("HEAD", "/b/x")[0], 404)
        self.assertEqual(self.get("/b/x"), b"hi")

    def test_what_is_no_http_is_a_connection_that_breaks(self):
        self.answer_by_hand(b"SSH-2.0-server\r\n\r\n")
        self.assert_breaks("GET", "/b/x")

    def test_counts_requests_by_kind(self):
        self.start()
        for method, target in (("PUT", "/b/x"), ("GET", "/b/x"), ("GET", "/b/x?partNumber=1"), ("HEAD", "/b/x"), ("DELETE", "/b/x"), ("GET", "/b?list-type=2"),
                               ("GET", "/b/?list-type=2&prefix=x%2F"), ("HEAD", "/b"), ("GET", "/b?versioning="), ("POST", "/b?delete="), ("POST", "/b/x?uploads="),
                               ("PUT", "/b/x?partNumber=1&uploadId=u"), ("POST", "/b/x?uploadId=u"), ("DELETE", "/b/x?uploadId=u"), ("GET", "/")):
            self.ask(method, target)
        self.ask("GET", "/?list-type=2", Host="b.localhost:9")
        self.ask("GET", "/x", Host="b.localhost:9")
        self.assertEqual(self.proxy.requests(), {"PUT": 1, "GET": 3, "HEAD": 1, "DELETE": 1, "LIST": 3, "BUCKET": 3, "DELETE_MANY": 1, "CREATE_UPLOAD": 1,
                                                 "PUT_PART": 1, "COMPLETE_UPLOAD": 1, "ABORT_UPLOAD": 1})

    def test_a_server_that_is_down_is_a_connection_that_breaks(self):
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        with FaultProxy({"endpoint": f"http://127.0.0.1:{port}"}) as proxy:
            connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=60)
            connection.request("GET", "/b/x")
            self.assertRaises(BROKEN, connection.getresponse)
            connection.close()


class EachFault(ProxyCase):
    def test_refuse_applies_nothing(self):
        self.start("--refuse", "1")
        self.assert_breaks("PUT", "/b/x", b"one")
        self.assertEqual(self.origin.seen, [])

    def test_lose_answer_applies_writes_and_leaves_reads_alone(self):
        self.start("--lose-answer", "1")
        self.assert_breaks("PUT", "/b/x", b"one")
        self.assertEqual(self.origin.objects, {"/b/x": b"one"})
        self.assertEqual(self.get("/b/x"), b"one")

    def test_cut_ends_an_upload_within_its_body(self):
        self.start("--cut", "1")
        self.assert_breaks("PUT", "/b/x", bytes(1 << 20))
        self.assertEqual(self.origin.objects, {})
        sent = self.proxy.counts()["bytes_sent"]
        self.assertTrue(0 <= sent < 1 << 20, sent)

    def test_cut_ends_a_download_within_its_body(self):
        self.start()
        self.put("/b/x", bytes(1 << 20))
        self.proxy.next("cut", kind="GET", position=0.25)
        self.connection.request("GET", "/b/x")
        with self.assertRaises(http.client.IncompleteRead) as broken:
            self.connection.getresponse().read()
        self.assertEqual(len(broken.exception.partial), 1 << 18)

    def test_stall_lasts_until_the_client_gives_up(self):
        self.start()
        self.put("/b/x", bytes(1000))
        self.proxy.next("stall", kind="GET", position=0.5)
        self.connection.request("GET", "/b/x")
        answer = self.connection.getresponse()
        self.assertEqual(len(answer.read1()), 500)
        self.connection.sock.settimeout(0.2)
        self.assertRaises(TimeoutError, answer.read1)
        self.connection.close()
        self.connection = self.connect()
        self.assertEqual(len(self.get("/b/x")), 1000)

    def test_statuses_name_themselves_and_apply_nothing(self):
        self.start("--status", "503:1", "--retry-after", "7")
        status, headers, body = self.ask("PUT", "/b/x", b"one")
        self.assertEqual((status, error_code(body), headers["Retry-After"]), (503, "SlowDown", "7"))
        self.proxy.set_faults(status={"429": 1})
        self.assertEqual(self.ask("HEAD", "/b/x")[::2], (429, b""))
        self.proxy.set_faults(status={"500": 1}, retry_after=7)
        status, headers, body = self.ask("GET", "/b/x")
        self.assertEqual((status, error_code(body), headers["Retry-After"]), (500, "InternalError", None))
        self.assertEqual(self.origin.seen, [])
        self.assertEqual(self.proxy.counts()["connections"], 1)

    def test_conflicts_need_a_condition(self):
        self.start("--status", "409:1")
        self.put("/b/x", b"one")
        status, _, body = self.ask("PUT", "/b/y", b"one", **{"If-None-Match": "*"})
        self.assertEqual((status, error_code(body)), (409, "ConditionalRequestConflict"))

    def test_who_waits_for_100_gets_the_error_instead(self):
        self.start("--status", "503:1")
        with socket.create_connection((self.connection.host, self.connection.port), 60) as raw:
            raw.sendall(b"PUT /b/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            self.assertTrue(raw.recv(65536).startswith(b"HTTP/1.1 503 "))

    def test_who_waits_for_100_gets_it_from_the_server(self):
        self.start()
        with socket.create_connection((self.connection.host, self.connection.port), 60) as raw:
            raw.sendall(b"PUT /b/x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            self.assertTrue(raw.recv(65536).startswith(b"HTTP/1.1 100 "))
            raw.sendall(b"hello")
            self.assertTrue(raw.recv(65536).startswith(b"HTTP/1.1 200 "))
        self.assertEqual(self.origin.objects["/b/x"], b"hello")

    def test_old_body_serves_what_was_overwritten(self):
        self.start("--old-body", "1")
        self.put("/b/x", b"first")
        self.assertEqual(self.get("/b/x"), b"first")
        self.put("/b/x", b"second one")
        self.assertEqual(self.get("/b/x"), b"first")
        status, headers, body = self.ask("GET", "/b/x", Range="bytes=1-2")
        self.assertEqual((status, body, headers["Content-Range"]), (206, b"ir", "bytes 1-2/5"))
        self.proxy.set_faults()
        self.assertEqual(self.get("/b/x"), b"second one")

    def test_truncated_body_looks_whole(self):
        self.start("--truncated-body", "1")
        self.put("/b/x", b"0123456789" * 100)
        status, headers, body = self.ask("GET", "/b/x")
        self.assertEqual((status, headers["Content-Length"]), (200, str(len(body))))
        self.assertTrue(len(body) < 1000 and (b"0123456789" * 100).startswith(body))

    def test_old_list_serves_an_earlier_answer_to_the_same_question(self):
        self.start("--old-list", "1")
        listing = "/b?list-type=2&prefix="
        self.put("/b/x", b"")
        self.assertIn(b"<Key>x</Key>", self.get(listing))
        self.put("/b/y", b"")
        self.assertIn(b"<Key>y</Key>", self.get(listing))
        self.assertNotIn(b"<Key>y</Key>", self.get(listing))
        self.assertIn(b"<Key>y</Key>", self.get("/b?list-type=2&prefix=&max-keys=9"))

    def test_truncated_list_says_it_is_whole(self):
        self.start("--truncated-list", "1")
        for name in "abcd":
            self.put(f"/b/{name}", b"")
        listing = self.get("/b?list-type=2")
        self.assertEqual(re.findall(rb"<Key>(.)</Key>", listing), [b"a", b"b"])
        self.assertIn(b"<IsTruncated>false<", listing)
        self.assertIn(b"<KeyCount>2<", listing)

    def test_denied_methods_are_403(self):
        self.start("--deny", "PUT,DELETE")
        status, _, body = self.ask("PUT", "/b/x", b"one")
        self.assertEqual((status, error_code(body)), (403, "AccessDenied"))
        self.assertEqual(self.ask("GET", "/b/x")[0], 404)

    def test_conditions_can_be_refused(self):
        self.start("--refuse-conditions")
        self.assertEqual(self.ask("PUT", "/b/x", b"one", **{"If-None-Match": "*"})[0], 501)
        self.put("/b/x", b"one")

    def test_delays_end(self):
        self.start("--delay-ms", "1..5")
        self.put("/b/x", b"one")
        self.assertEqual(self.get("/b/x"), b"one")


class Determinism(ProxyCase):
    def fates(self, seed, noise):
        self.start("--status", "503:0.3,500:0.2", seed=seed)
        statuses = []
        for i in range(30):
            if noise:
                self.connection.close()
                self.ask("GET", "/b/noise")
            statuses.append(self.ask("PUT", f"/b/{seed}-{i}-{noise}", b"x")[0])
        return statuses

    def test_the_same_seed_is_the_same_fate_whatever_comes_in_between(self):
        first = self.fates(5, noise=False)
        self.assertEqual(first, self.fates(5, noise=True))
        self.assertNotEqual(first, self.fates(6, noise=False))
        self.assertEqual(set(first), {200, 500, 503})

    def test_orders_hit_what_they_name_and_no_more(self):
        self.start()
        self.proxy.next("status", kind="PUT", target="heads/", status=503, skip=1, count=2)
        statuses = [self.ask(method, target)[0] for method, target in (("PUT", "/b/x"), ("PUT", "/b/heads/1"), ("GET", "/b/heads/1"), ("PUT", "/b/heads/2"),
                                                                       ("PUT", "/b/heads/3"), ("PUT", "/b/heads/4"))]
        self.assertEqual(statuses, [200, 200, 200, 503, 503, 200])
        self.assertEqual(self.proxy.counts()["faults"], {"status": 2})

    def test_what_is_no_fault_is_refused(self):
        self.start()
        for wrong in ({"refusal": 1}, {"cut": 2}, {"delay_ms": [1]}, {"clock_offset": 60}):
            self.assertRaises(ValueError, self.proxy.set_faults, **wrong)
        self.assertRaises(ValueError, self.proxy.next, "fire")


if __name__ == "__main__":
    unittest.main()
