"""Real S3 servers and the fault proxy, for Python tests. $BAE_S3_SERVERS names the file that fixture.py wrote."""
import json
import os
import subprocess
import sys
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

SOURCE = Path(os.environ.get("BAE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tools"))
from servers.s3_request import S3, error_code  # noqa: E402,F401

PATIENCE_S = 240  # a safety net


def shared_server(kind):
    """Settings of the "radosgw" or the "swift" that all tests of this ctest run share; keep to a prefix of your own."""
    file = os.environ.get("BAE_S3_SERVERS", "")
    if not file or not Path(file).exists():
        raise unittest.SkipTest("no S3 servers: run this through ctest (BAE_S3_SERVERS names no file)")
    settings = json.loads(Path(file).read_text()).get(kind, {"missing": f"{kind} is not among the servers"})
    if "missing" in settings:
        raise unittest.SkipTest(settings["missing"])
    return settings


def client(settings, endpoint=None):
    return S3(endpoint or settings["endpoint"], settings["access_key"], settings["secret_key"], settings["region"])


class OwnServer:
    """A server of this test's own, to be crashed and brought back: with OwnServer("swift", directory) as server."""

    COMMAND = SOURCE / "tools/s3-server"

    def __init__(self, kind, directory, *options):
        self.kind, self.directory, self.options = kind, Path(directory), options

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.call("stop", self.directory)

    def start(self):
        """Also brings back what was crashed, on the same port."""
        self.call(self.kind, "start", self.directory, *self.options)
        self.settings = json.loads((self.directory / "server.json").read_text())

    def crash(self, *options):
        self.call("crash", self.directory, *options)

    def call(self, *arguments):
        ran = subprocess.run([sys.executable, "-B", self.COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE_S)
        if ran.returncode == 77:
            raise unittest.SkipTest(ran.stderr.strip())
        if ran.returncode != 0:
            raise AssertionError(f"s3-server {' '.join(map(str, arguments))}: {ran.stderr}")


class FaultProxy:
    """tools/fault-proxy in front of a server: with FaultProxy(settings, "--cut", "0.1", seed=7) as proxy: ... proxy.url"""

    def __init__(self, settings, *options, seed=1):
        credentials = ["--credentials", f"{settings['access_key']}:{settings['secret_key']}"] if "access_key" in settings else []
        self.command = [sys.executable, "-B", SOURCE / "tools/fault-proxy", "--with-parent", "--to", settings["endpoint"], "--seed", str(seed), *credentials, *options]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self, *options):
        self.process = subprocess.Popen(list(map(str, [*self.command, *options])), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()
        self.control = self.process.stdout.readline().strip().partition(" ")[2]
        if not self.control:
            raise AssertionError(f"the proxy did not start: {self.command}")

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()

    def restart(self):
        """What was killed, where clients look for it; nothing is counted yet, and no fault on but those of the command line."""
        self.start("--listen", urllib.parse.urlsplit(self.url).netloc)

    def set_faults(self, **rates):
        """All of them anew; what is not named is off."""
        return self._call("/faults", rates)

    def next(self, fault, **order):
        return self._call("/next", {"fault": fault, **order})

    def forget(self):
        """The orders of `next` that no request has met."""
        return self._call("/next", method="DELETE")

    def counts(self):
        return self._call("/counts")

    def requests(self):
        return self.counts()["requests"]

    def _call(self, path, body=None, method=None):
        request = urllib.request.Request(self.control + path, None if body is None else json.dumps(body).encode(), method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(json.load(error)["error"]) from None
