"""What rows about S3 run against: a gateway of their own, links to it, rclone. Gateways and links end with their `with`."""
import json
import re
import shutil
import subprocess
import time
import urllib.request
from contextlib import contextmanager

from benchmarks.bench import ROOT
from benchmarks.measuring import Failed, run
from servers.processes import ServerError
from servers.radosgw import Radosgw


def available_gib():
    with open("/proc/meminfo", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1024**2


class Gateway:
    """A new one, that keeps its objects in memory and is about to be given so many GiB of them."""

    def __init__(self, bench, gib):
        if available_gib() < 1.5 * gib + 1:
            raise Failed(f"the gateway would need {1.5 * gib + 1:.0f} GiB of memory")
        self.server = Radosgw(bench.fresh("gateway"))

    def start(self):
        settings = self.server.start(size_gib=16)
        self.endpoint, self.bucket = settings["endpoint"], settings["bucket"]
        self.credentials = settings["access_key"], settings["secret_key"]
        self.region = settings["region"]
        return self

    def stop(self):
        self.server.stop()
        shutil.rmtree(self.server.directory, ignore_errors=True)

    def place(self, through=None, prefix="library"):
        """What `bae bucket use` takes; `through`: the endpoint of a proxy."""
        return f"s3://{self.bucket}/{prefix}?endpoint={through or self.endpoint}&region={self.region}"

    def request(self, method, path, body=b"", **query):
        answer = self.server.client().request(method, path, body, query)
        if answer.status >= 300:
            raise Failed(f"{method} {path}: {answer.status} {answer.body[:200]}")
        return answer.body.decode()

    def public_urls(self, prefix):
        """Of the objects (at most 1000) below a prefix of the bucket, which everybody may read from now on."""
        allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{self.bucket}/*"}
        self.request("PUT", f"/{self.bucket}", json.dumps({"Version": "2012-10-17", "Statement": [allow]}).encode(), policy="")
        listing = self.request("GET", f"/{self.bucket}", prefix=prefix, **{"list-type": "2"})
        return [f"{self.endpoint}/{self.bucket}/{key}" for key in re.findall("<Key>(.*?)</Key>", listing)]


@contextmanager
def gateway(bench, gib=1):
    made = Gateway(bench, gib)
    try:
        made.start()
        bench.env.update(AWS_ACCESS_KEY_ID=made.credentials[0], AWS_SECRET_ACCESS_KEY=made.credentials[1])
        yield made
    except ServerError as error:
        raise Failed(str(error)) from error
    finally:
        made.stop()


class Link:
    """A proxy in front of a gateway that counts, and delays as a link does."""

    def __init__(self, endpoint, control):
        self.endpoint, self.control = endpoint, control
        self.address = endpoint.split("//")[1]

    def requests(self):
        with urllib.request.urlopen(self.control + "/counts") as answer:
            return sum(json.load(answer)["requests"].values())


@contextmanager
def link(storage, round_trip_ms=0, bytes_per_s=0, address="127.0.0.1:0"):
    """A link that takes the address of one that ended takes its place."""
    model = ["--latency-ms", str(round_trip_ms), "--throttle-kib", str(bytes_per_s / 1024)]
    command = [ROOT / "tools" / "fault-proxy", "--to", storage.endpoint, "--listen", address, "--seed", "1", "--with-parent", *model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            lines = [process.stdout.readline().split() for _ in range(2)]
            if not all(lines):
                raise Failed("tools/fault-proxy did not start")
            yield Link(lines[0][-1], lines[1][-1])
        finally:
            process.terminate()


class Rclone:
    """A crypt remote, `sealed:`, over a bucket of its own at the gateway."""

    def __init__(self, bench, storage):
        if not shutil.which("rclone"):
            raise Failed("rclone is not installed: tools/setup --bench")
        storage.request("PUT", "/rclone")
        remotes = {"PLAIN_TYPE": "s3", "PLAIN_PROVIDER": "Ceph", "PLAIN_ENDPOINT": storage.endpoint, "PLAIN_ACCESS_KEY_ID": storage.credentials[0],
                   "PLAIN_SECRET_ACCESS_KEY": storage.credentials[1], "SEALED_TYPE": "crypt", "SEALED_REMOTE": "plain:rclone",
                   "SEALED_PASSWORD": run(["rclone", "obscure", "benchmark"]).strip()}
        self.env = {**bench.env, "RCLONE_CONFIG": "", **{f"RCLONE_CONFIG_{name}": value for name, value in remotes.items()}}

    def copy(self, source, target, flags=()):
        """Seconds that it took."""
        start = time.perf_counter()
        run(["rclone", "copy", source, target, *flags], env=self.env)
        return time.perf_counter() - start
