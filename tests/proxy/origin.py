"""As much of an S3 server as it takes to see what the proxy does to one: it believes everybody and keeps everything in memory."""
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Says nothing."""

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, body=b"", **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_PUT(self):
        origin, path = self.server, unquote(urlsplit(self.path).path)
        body = self.body()
        with origin.lock:
            origin.seen.append((self.command, self.path, dict(self.headers)))
            if self.headers.get("If-None-Match") and path in origin.objects:
                return self.answer(412)
            origin.objects[path] = body
        return self.answer(200)

    def do_GET(self):
        origin, url = self.server, urlsplit(self.path)
        with origin.lock:
            origin.seen.append((self.command, self.path, dict(self.headers)))
            if "list-type" in parse_qs(url.query):
                return self.answer(200, self.listing(origin, url.path.rstrip("/") + "/"), Content_Type="application/xml")
            found = origin.objects.get(unquote(url.path))
        return self.answer(404) if found is None else self.answer(200, found)

    do_HEAD = do_GET

    def do_DELETE(self):
        with self.server.lock:
            self.server.objects.pop(unquote(self.path), None)
        self.answer(204)

    def do_POST(self):
        self.body()
        self.answer(200)

    @staticmethod
    def listing(origin, bucket):
        keys = sorted(path[len(bucket):] for path in origin.objects if path.startswith(bucket))
        entries = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys)
        return f"<ListBucketResult><IsTruncated>true</IsTruncated><KeyCount>{len(keys)}</KeyCount>{entries}</ListBucketResult>".encode()


class Origin(ThreadingHTTPServer):
    daemon_threads = True
    disable_nagle_algorithm = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects, self.seen, self.lock = {}, [], threading.Lock()
        self.settings = {"endpoint": f"http://127.0.0.1:{self.server_address[1]}"}

    def handle_error(self, request, client_address):
        """Connections that break are what these tests are about."""

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
