#!/usr/bin/env python3
"""Two devices edit and sync while the network and the server misbehave, in one way at a time and in all ways at once. Nothing that was
said is lost, `bae status` says meanwhile what is wrong, and when the trouble ends everything settles."""
from s3_fault import *

FAULTS = {
    "refused": {"refuse": 0.4},
    "delayed": {"delay_ms": [0, 10]},
    "cut": {"cut": 0.4},
    "500": {"status": {"500": 0.4}},
    "503, busy": {"status": {"503": 0.3}, "retry_after": 1},
    "429": {"status": {"429": 0.4}},
    "409": {"status": {"409": 0.5}},
    "412": {"status": {"412": 0.5}},
    "answers are lost": {"lose_answer": 0.5},
    "old objects": {"old_body": 0.5},
    "objects without their end": {"truncated_body": 0.4},
    "old listings": {"old_list": 0.5},
    "listings without their end": {"truncated_list": 0.5},
    "another time": {"clock_offset": 7200},
    "everything": {"refuse": 0.06, "cut": 0.06, "lose_answer": 0.1, "old_body": 0.1, "truncated_body": 0.1, "old_list": 0.1, "truncated_list": 0.1,
                   "status": {"500": 0.06, "503": 0.06, "429": 0.06, "409": 0.1, "412": 0.1}, "delay_ms": [0, 10]},
}
ONLY = os.environ.get("BAE_S3_FAULT")


@on_each_server
class Faults(S3FaultCase):
    def setUp(self):
        super().setUp()
        files = sorted(self.more.rglob("*.flac"))
        self.batches = []
        for number in range(len(FAULTS)):
            folder = self.root / f"batch{number}"
            folder.mkdir()
            for file in files[number::len(FAULTS)]:
                file.rename(folder / file.name)
            self.batches.append(folder)

    def test_a_life_in_trouble(self):
        study, kitchen = self.two()
        for number, (name, rates) in enumerate(FAULTS.items()):
            if ONLY in (None, name):
                with self.subTest(name):
                    self.trouble(study, kitchen, number, rates)
        kitchen.run("get", *self.releases(kitchen))
        study.run("verify", "--files")
        kitchen.run("verify", "--files")
        self.assertEqual(len(self.fetched(kitchen)), len(kitchen.rows("files")))
        self.assertEqual(set(self.fetched(kitchen)) - set(self.audio), set())

    def trouble(self, study, kitchen, number, rates):
        before, release = self.written_once(), study.rows("releases")[0]["id"]
        self.proxy.set_faults(**rates)
        study.run("import", self.batches[number])
        study.run("edit", "release", release, f"label={number}")
        kitchen.run("edit", "release", release, f"country={number}")
        kitchen.run("tag", "add", f"tag {number}", release)
        for home in (study, kitchen, study, kitchen):
            self.bear(home, "sync")
        self.bear(kitchen, "get", *self.releases(kitchen))
        self.proxy.set_faults()
        if "old_body" in rates:
            self.later(study, kitchen)
        self.finish_all(study, kitchen)
        self.assert_written_once(before)
        row = study.row("releases", id=release)
        self.assertEqual((row["label"], row["country"]), (str(number), str(number)))
        self.assertIn(f"tag {number}", [tag["name"] for tag in study.rows("tags")])


@on_each_server
class SlowLink(S3FaultCase):
    proxy_options = ("--throttle-kib", "400", "--latency-ms", "20")

    def test_everything_arrives(self):
        study, kitchen = self.two()
        study.run("import", self.more)
        study.sync()
        kitchen.sync()
        self.finish_all(study, kitchen)
        self.assertEqual(self.fetched(kitchen), self.audio)


@on_each_server
class Stalled(S3FaultCase):
    def test_a_transfer_that_does_not_get_on_is_begun_again(self):
        study, kitchen = self.two()
        study.run("import", self.more)
        self.proxy.next("stall", kind="PUT", target="storage/")
        self.proxy.next("stall", kind="GET", target="storage/")
        soon = {"BAE_BUCKET_STALL_AFTER": "2"}
        running = [study.start("sync", env=soon), kitchen.start("get", *self.releases(kitchen), env=soon)]
        for process in running:
            _, said = process.communicate()
            self.assertEqual(process.returncode, DONE, said)
        wait_until(lambda: self.proxy.counts()["faults"] == {"stall": 2})
        self.finish_all(study, kitchen)
        self.assertEqual(self.fetched(kitchen), self.audio)


if __name__ == "__main__":
    main()
