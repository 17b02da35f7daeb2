"""What the fault tests over S3 share: a library that syncs through the fault proxy, on each kind of server."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))
from fault import *  # noqa: E402,F403
from carriers import S3Carrier  # noqa: E402
from on_servers import OverS3, main, on_each_server  # noqa: E402,F401
from s3_servers import FaultProxy  # noqa: E402

FEW_TRIES = {"BAE_BUCKET_ATTEMPTS": "3"}  # of a request, so that trouble shows and takes no time
PATIENCE_S = 60  # a safety net


def wait_until(happened):
    """Asks again and again, as there is nobody who tells."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        if time.monotonic() > end:
            raise AssertionError("it does not happen")


class S3FaultCase(OverS3, FaultCase):
    """Libraries reach the server through `proxy`; the test looks at it directly."""

    proxy_options = ()

    def setUp(self):
        super().setUp()
        self.proxy = self.enterContext(FaultProxy(self.server, *self.proxy_options, seed=SEED))

    def make_carrier(self):
        carrier = S3Carrier(self.server, endpoint=self.proxy.url)
        self.addCleanup(carrier.close)
        return carrier

    def home(self, name):
        return Home(self.live, name, {**self.carrier.environment, **FEW_TRIES})

    def two(self):
        """A library with music on `study`, restored on `kitchen`, both synced."""
        study = self.home("study").init()
        study.run("import", self.one)
        study.run("bucket", "use", self.bucket_url)
        study.sync()
        kitchen = self.home("kitchen").restore(study.export())
        self.settle(study, kitchen)
        return study, kitchen

    def written_once(self):
        return {path: etag for path, (etag, _) in self.carrier.versions().items() if not path.startswith(REPLACED)}

    def assert_written_once(self, before):
        now = self.written_once()
        self.assertEqual({path: now.get(path) for path in before}, before, "objects of the bucket changed")

    def bear(self, home, *arguments):
        """Runs it in trouble: it ends as promised, and where it did not do everything, `bae status` says why."""
        ran = home.attempt(*arguments)
        self.assertIn(ran.code, (DONE, FAILED, PARTLY), f"{arguments[0]} on {home.name}: {ran.code}\n{ran.out}{ran.err}")
        status = home.status()
        for hold in status["holds"]:
            self.assertRegex(hold["reason"], "^[a-z_]+$")
            self.assertTrue(hold["subject"] and hold["message"] and hold["release"], hold)
        if ran.code != DONE:
            self.assertTrue(ran.err.strip(), "it says nothing")
        if ran.code != DONE and arguments[0] == "sync":
            self.assertTrue(status["holds"], f"{ran.code}, and status names no reason: {ran.err}")
        return ran

    def later(self, *homes):
        """A quarter of an hour later, when what may have been an old answer is asked for again."""
        for home in homes:
            home.run("sync", env=clock(900))

    def releases(self, home):
        return [row["id"] for row in home.rows("releases")]

    def fetched(self, home):
        return sorted(sha256(file) for file in (home.path / "files").rglob("*.flac"))

    def finish_all(self, study, kitchen, *others):
        """The trouble is over: everybody has everything, also the bytes."""
        self.settle(study, kitchen, *others)
        kitchen.run("get", *self.releases(kitchen))
        self.assert_whole(study, kitchen, *others)
        for home in (study, kitchen, *others):
            self.assertEqual(home.status()["alarms"], [], home.name)
