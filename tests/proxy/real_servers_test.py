"""Both real servers behind the proxy: what a client signed for the proxy's host is accepted, also when it has to be signed again."""
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))
from s3_servers import S3, FaultProxy, client, error_code, shared_server  # noqa: E402

CREATE = {"if-none-match": "*"}


class BehindTheProxy:
    def setUp(self):
        self.server = shared_server(self.kind)
        self.proxy = self.enterContext(FaultProxy(self.server))
        self.s3 = client(self.server, self.proxy.url)
        self.addCleanup(self.s3.connection.close)
        self.folder = f"/{self.server['bucket']}/proxy/{time.time_ns()}"

    def test_signatures_hold(self):
        name = self.folder + "/a b+c"
        self.assertEqual(self.s3.request("PUT", name, b"hello").status, 200)
        self.assertEqual(self.s3.request("GET", name).body, b"hello")
        listing = self.s3.request("GET", "/" + self.server["bucket"], query={"list-type": "2", "prefix": self.folder.partition("/proxy")[2][1:]})
        self.assertEqual(listing.status, 200)
        wrong = S3(self.proxy.url, self.server["access_key"], "wrong").request("GET", name)
        self.assertEqual((wrong.status, error_code(wrong.body)), (403, "SignatureDoesNotMatch"))

    def test_a_wrong_clock_refuses_the_right_time_and_takes_its_own(self):
        self.proxy.set_faults(clock_offset=1200)
        name = self.folder + "/x"
        refused = self.s3.request("PUT", name, b"hello")
        self.assertEqual((refused.status, error_code(refused.body)), (403, "RequestTimeTooSkewed"))
        self.assertEqual(self.s3.request("PUT", name, b"hello", now=time.time() + 1200).status, 200)
        self.assertEqual(self.s3.request("GET", "/" + self.server["bucket"], query={"list-type": "2", "prefix": "a b"}, now=time.time() + 1200).status, 200)

    def test_conditions_can_be_ignored(self):
        self.proxy.set_faults(ignore_conditions=True)
        for text in (b"one", b"two"):
            self.assertEqual(self.s3.request("PUT", self.folder + "/x", text, headers=CREATE).status, 200)
        self.assertEqual(self.s3.request("GET", self.folder + "/x").body, b"two")

    def test_conditions_reach_a_server_that_knows_them(self):
        statuses = [self.s3.request("PUT", self.folder + "/x", text, headers=CREATE).status for text in (b"one", b"two")]
        self.assertEqual(statuses, self.conditional)

    def test_an_upload_that_was_cut_leaves_nothing(self):
        self.proxy.next("cut", kind="PUT")
        with self.assertRaises(OSError):
            self.s3.request("PUT", self.folder + "/x", bytes(1 << 20))
        self.assertEqual(self.s3.request("GET", self.folder + "/x").status, 404)


class Radosgw(BehindTheProxy, unittest.TestCase):
    kind, conditional = "radosgw", [200, 412]


class Swift(BehindTheProxy, unittest.TestCase):
    kind, conditional = "swift", [501, 501]


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    sys.exit(77 if result.wasSuccessful() and result.skipped else not result.wasSuccessful())
