#!/usr/bin/env python3
"""`bucket probe` against servers that are no storage: one that is always busy, one whose certificate nobody knows."""
import http.server
import ssl
import threading

from homes import *  # noqa: E402,F403

KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):  # who does not trust the certificate hangs up
        pass


class OddServer(Case):
    def serve(self, status, headers=None, context=None):
        """Answers everything so; returns its port. `self.asked`: the paths asked for."""
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(status)
                for name, value in {"Content-Length": "0", **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_PUT = do_DELETE = do_HEAD = do_GET

            def log_message(self, *_):
                pass

        server = Server(("127.0.0.1", 0), Handler)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_port


class Busy(OddServer):
    def setUp(self):
        super().setUp()
        self.url = f"s3://bucket?endpoint=http://127.0.0.1:{self.serve(503, {'Retry-After': '1'})}"

    def test_waiting_is_said_with_its_reason(self):
        twice = {**KEYS, "BAE_BUCKET_ATTEMPTS": "2"}
        ran = self.home("none").run("bucket", "probe", self.url, env=twice, code=FAILED)
        self.assertRegex(ran.err, r"(?m)^waiting [12] s: .*503.* \(attempt 1\)$")
        waited = self.home("none").run("bucket", "probe", self.url, "--json", env=twice, code=FAILED).objects[0]
        self.assertEqual((waited["attempt"], waited["seconds"] in (1, 2)), (1, True))
        self.assertNotIn("waiting", self.home("none").run("bucket", "probe", self.url, "--quiet", env=twice, code=FAILED).err)

    def test_an_interrupt_ends_the_waiting(self):
        process = self.home("none").start("bucket", "probe", self.url, env={**KEYS, "BAE_BUCKET_ATTEMPTS": "1000"})
        self.assertIn(b"waiting", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, INTERRUPTED)


class Tls(OddServer):
    def setUp(self):
        super().setUp()
        if not shutil.which("openssl"):
            self.skipTest("no openssl to make certificates with")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "ca.pem",
                        "-subj", "/CN=own", "-addext", "subjectAltName=IP:127.0.0.1"], cwd=self.root, check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.root / "ca.pem", self.root / "key.pem")
        self.port = self.serve(404, context=context)

    def probe(self, host, *options):
        return self.home("none").run("bucket", "probe", f"s3://bucket?endpoint=https://{host}:{self.port}", *options, env=KEYS, code=FAILED).err

    def test_an_unknown_authority_is_refused_until_it_is_named(self):
        self.assertIn("certificate", self.probe("127.0.0.1"))
        self.assertEqual(self.asked, [], "nothing is asked of a stranger")
        self.assertNotIn("certificate", self.probe("127.0.0.1", "--bucket-ca-file", self.root / "ca.pem"))
        self.assertNotEqual(self.asked, [])

    def test_another_host_is_refused(self):
        self.assertIn("certificate", self.probe("localhost", "--bucket-ca-file", self.root / "ca.pem"))
        self.assertEqual(self.asked, [])

    def test_a_file_of_authorities_that_is_not_there_is_named(self):
        self.assertIn("nowhere.pem", self.probe("127.0.0.1", "--bucket-ca-file", self.root / "nowhere.pem"))


if __name__ == "__main__":
    main()
