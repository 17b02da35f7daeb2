#!/usr/bin/env python3
"""kill -9 in the middle of a transfer: of the program on either side, of the network between (the proxy), of the server. The next try
completes, large files from where they were. BAE_FAULT_ROUNDS: how many kills of the program per command."""
import wave

from s3_fault import *
from s3_servers import OwnServer

PART = 16 << 20  # as the program sends large files


def make_large_file(folder, size):
    """Noise, which nobody compresses."""
    folder.mkdir()
    with wave.open(str(folder / "large.wav"), "wb") as out:
        out.setparams((2, 2, 44100, 0, "NONE", ""))
        out.writeframes(random.Random(SEED).randbytes(size))
    return folder


class Interrupted(S3FaultCase):
    def started(self, home, *arguments, at):
        """The command, running, with its request number `at` (from 0) under way and not getting on; or at its end, if it makes fewer."""
        before = self.proxy.counts()["total"]
        self.proxy.next("stall", skip=at, position=self.chance.random())
        process = home.start(*arguments)
        wait_until(lambda: process.poll() is not None or self.proxy.counts()["total"] > before + at)
        return process

    def end(self, process):
        process.kill()
        process.communicate()
        self.proxy.forget()

    def setUp(self):
        super().setUp()
        self.chance = random.Random(SEED)


@on_each_server
class Program(Interrupted):
    def test_killed_at_any_request_of_sync_and_get(self):
        study, kitchen = self.two()
        kills = 0
        for number in range(rounds(3)):
            study.run("import", "--copy", self.more) if number == 0 else study.run("tag", "add", f"study {number}", *self.releases(study))
            kitchen.run("tag", "add", f"kitchen {number}", *self.releases(kitchen))
            for home, command, requests in ((study, ["sync"], 30), (kitchen, ["sync"], 12), (kitchen, ["get", *self.releases(study)], 30)):
                before, rows = self.written_once(), self.rows_of(home)
                at = self.chance.randrange(requests)
                with self.subTest(command=command[0], on=home.name, killed_at_request=at):
                    process = self.started(home, *command, at=at)
                    kills += process.poll() is None
                    self.end(process)
                    self.assert_written_once(before)
                    self.assertEqual(rows - self.rows_of(home), set(), "committed rows are gone")
        self.assertGreater(kills, 0)
        self.finish_all(study, kitchen)
        self.assertEqual(self.fetched(kitchen), self.audio)
        kitchen.run("verify", "--files")

    def test_a_large_upload_goes_on_with_the_parts_that_are_missing(self):
        study = self.home("study").init()
        study.run("bucket", "use", self.bucket_url)
        study.sync()
        folder = make_large_file(self.root / "large", 2 * PART + (4 << 20))
        study.run("import", folder)
        self.proxy.next("stall", kind="PUT_PART", target="partNumber=2&")
        process = study.start("sync")
        wait_until(lambda: process.poll() is not None or len(self.parts_sent()) == 2)
        self.assertIsNone(process.poll())
        self.end(process)
        self.assertEqual(set(self.parts_sent()), {1, 3})
        before = self.proxy.counts()
        self.assertEqual(study.sync()["blobs_sent"], 1)
        after = self.proxy.counts()
        self.assertEqual(after["requests"]["PUT_PART"] - before["requests"]["PUT_PART"], 1)
        self.assertLess(after["bytes_sent"] - before["bytes_sent"], PART + (1 << 18))
        self.assertEqual(self.carrier.open_uploads(), [])
        self.fetch_in_two_halves(study, folder)

    def parts_sent(self):
        return {number: size for path, upload_id in self.carrier.open_uploads() for number, size in self.carrier.parts(path, upload_id).items()}

    def fetch_in_two_halves(self, study, folder):
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        received = self.proxy.counts()["bytes_received"]
        self.proxy.next("stall", kind="GET", target="storage/", skip=5)
        process = kitchen.start("get", *self.releases(kitchen))
        wait_until(lambda: process.poll() is not None or self.proxy.counts()["bytes_received"] - received > PART)
        self.assertIsNone(process.poll())
        self.end(process)
        received = self.proxy.counts()["bytes_received"]
        kitchen.run("get", *self.releases(kitchen))
        original, = folder.glob("*.wav")
        self.assertLess(self.proxy.counts()["bytes_received"] - received, original.stat().st_size - (1 << 20), "it began anew")
        copy, = (kitchen.path / "files").rglob("*.wav")
        self.assertEqual(sha256(copy), sha256(original))


@on_each_server
class Network(Interrupted):
    def test_killed_in_the_middle_of_a_sync(self):
        study, kitchen = self.two()
        study.run("import", self.more)
        for home, command, at in ((study, ["sync"], 9), (kitchen, ["sync"], 1), (kitchen, ["get", *self.releases(kitchen)], 5)):
            process = self.started(home, *command, at=at)
            self.proxy.kill()
            _, said = process.communicate()
            self.assertIn(process.returncode, (FAILED, PARTLY), said)
            if command == ["sync"]:
                self.assertTrue(home.status()["holds"])
            self.bear(home, "sync")
            self.assertIn("carrier_unreachable", [hold["reason"] for hold in home.status()["holds"]])
            self.proxy.restart()
        self.finish_all(study, kitchen)
        self.assertEqual(self.fetched(kitchen), self.audio)


@on_each_server
class Server(Interrupted):
    """With a server of its own, as nobody else likes this one."""

    def find_server(self):
        self.own = self.enterContext(OwnServer(self.kind, Path(os.environ["BAE_S3_SERVERS"]).parent / f"own-{self.kind}"))
        return self.own.settings

    def test_killed_in_the_middle_of_a_sync(self):
        study, kitchen = self.two()
        study.run("import", self.more)
        kitchen.run("tag", "add", "evening", *self.releases(kitchen))
        before = self.proxy.counts()["total"]
        self.proxy.set_faults(delay_ms=[300, 300])  # so that it is not over before
        running = [home.start("sync") for home in (study, kitchen)]
        wait_until(lambda: self.proxy.counts()["total"] > before + 3)
        self.own.crash(*(["--all"] if self.kind == "swift" else []))
        for process in running:
            process.communicate()
            self.assertIn(process.returncode, (DONE, FAILED, PARTLY))
        self.proxy.set_faults()
        for home in (study, kitchen):
            self.bear(home, "sync")
            self.assertIn("carrier_unreachable", [hold["reason"] for hold in home.status()["holds"]])
        self.own.start()
        self.finish_all(study, kitchen)
        self.assertEqual(self.fetched(kitchen), self.audio)


if __name__ == "__main__":
    main()
