"""tools/s3-server: what it starts, brings back and leaves alone."""
import os
import socket
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from s3_servers import OwnServer, client  # noqa: E402
from servers.processes import Daemon, started_at  # noqa: E402


class ServerCase(unittest.TestCase):
    def setUp(self):
        # beside the other files of the build, whose file system has the attributes that Swift needs
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory(dir=os.environ.get("BAE_S3_SCRATCH"))))

    def put(self, server, key, body):
        self.assertEqual(client(server.settings).request("PUT", f"/{server.settings['bucket']}/{key}", body).status, 200)

    def get(self, server, key):
        return client(server.settings).request("GET", f"/{server.settings['bucket']}/{key}")

    def pids(self, server):
        return {file.name: file.read_text() for file in server.directory.glob("*.pid")}


class Radosgw(ServerCase):
    def test_a_killed_gateway_comes_back_with_its_objects_and_a_killed_storage_without(self):
        with OwnServer("radosgw", self.directory / "r") as server:
            self.put(server, "a", b"hello")
            first, before = server.settings, self.pids(server)
            server.start()
            self.assertEqual((server.settings, self.pids(server)), (first, before))
            server.crash()
            self.assertRaises(OSError, self.get, server, "a")
            server.start()
            self.assertEqual((server.settings, self.get(server, "a").body), (first, b"hello"))
            server.crash("--all")
            server.start()
            self.assertEqual(self.get(server, "a").status, 404)
            running = self.pids(server)
        self.assertEqual(len(running), 3)
        for text in running.values():
            pid, started = map(int, text.split())
            self.assertNotEqual(started_at(pid), started)

    def test_two_run_side_by_side(self):
        with OwnServer("radosgw", self.directory / "one") as one, OwnServer("radosgw", self.directory / "two") as two:
            self.put(one, "a", b"one")
            self.put(two, "a", b"two")
            self.assertEqual((self.get(one, "a").body, self.get(two, "a").body), (b"one", b"two"))


class Swift(ServerCase):
    def test_all_killed_come_back_with_their_objects(self):
        with OwnServer("swift", self.directory / "s") as server:
            self.put(server, "a", b"hello")
            first = server.settings
            server.crash("--all")
            server.start()
            self.assertEqual((server.settings, self.get(server, "a").body), (first, b"hello"))
            server.call("stop", server.directory)
            with socket.create_server(("127.0.0.1", first["ports"]["http"])):
                self.assertRaisesRegex(AssertionError, "another program listens", server.start)


class Strangers(ServerCase):
    def test_a_directory_with_other_files_is_left_alone(self):
        (self.directory / "music.flac").write_bytes(b"precious")
        for kind in ("radosgw", "swift"):
            self.assertRaisesRegex(AssertionError, "neither empty nor a server's", OwnServer(kind, self.directory).start)
        self.assertEqual((self.directory / "music.flac").read_bytes(), b"precious")

    def test_a_process_that_has_the_number_of_ours_is_left_alone(self):
        daemon = Daemon(self.directory, "gateway", ["sleep", "100"])
        daemon.pid_file.write_text(f"{os.getpid()} {started_at(os.getpid()) - 1}\n")
        self.assertIsNone(daemon.pid())
        daemon.stop()  # or this test ends here
        self.assertFalse(daemon.pid_file.exists())


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    sys.exit(77 if result.wasSuccessful() and result.skipped else not result.wasSuccessful())
