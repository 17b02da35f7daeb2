#!/usr/bin/env python3
"""Audio on its way to the bucket: beside rows, after a kill, and what status says of it."""
from homes import *


class Blobs(Case):
    SLOW = {"BAE_LIMITS_UPLOAD": "16"}  # KiB per second: it is under way until it is killed

    def imported(self, **music):
        study = self.home("study").init()
        study.run("import", self.music(**music))
        study.run("bucket", "use", self.bucket_url)
        return study

    def start_sending(self, home):
        """A sync that has sent its rows, and is sending audio."""
        sending = home.start("sync", "--json", env=self.SLOW)
        self.addCleanup(self.end, sending)
        for line in sending.stdout:
            if json.loads(line).get("progress") == "audio":
                return sending
        self.fail(f"it ended: {sending.stderr.read()}")

    def end(self, process):
        process.kill()
        process.communicate()

    def blobs(self):
        return [path for path in (self.bucket / "storage").rglob("*") if path.is_file()]

    def originals(self):
        return audio_hashes(self.root / "music")

    def test_rows_are_sent_while_another_process_sends_audio(self):
        study = self.imported()
        self.start_sending(study)
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        release = kitchen.rows("releases")[0]["id"]
        kitchen.run("edit", "release", release, "country=SE")
        kitchen.sync()
        study.run("edit", "release", release, "label=Study")
        ran = study.run("sync", "--json", code=PARTLY)
        self.assertEqual((ran.summary["audio_elsewhere"], ran.summary["sent"], ran.summary["blobs_sent"]), (True, 1, 0))
        self.assertIn("another process is sending", study.run("sync", code=PARTLY).out)
        self.assertEqual(study.row("releases", id=release)["country"], "SE")
        kitchen.sync()
        self.assertEqual(kitchen.row("releases", id=release)["label"], "Study")

    def test_sending_goes_on_after_a_kill(self):
        study = self.imported()
        sending = self.start_sending(study)
        os.killpg(sending.pid, signal.SIGKILL)
        sending.communicate()
        summary = study.sync()
        self.assertFalse(summary["audio_elsewhere"], "a lock ends with its process")
        self.assertEqual(len(self.blobs()), len(self.originals()))
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        kitchen.run("get", *[row["id"] for row in kitchen.rows("releases")])
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.originals())

    def test_an_interrupt_ends_sending_and_keeps_what_was_sent(self):
        study = self.imported()
        sending = self.start_sending(study)
        sending.send_signal(signal.SIGINT)
        sending.communicate()
        self.assertEqual(sending.returncode, INTERRUPTED)
        self.assertEqual(study.status()["holds"], [], "an interrupt is nothing to wait for")
        study.sync()
        self.assertEqual(len(self.blobs()), len(self.originals()))

    def test_a_download_that_was_killed_is_continued(self):
        study = self.imported()
        study.sync()
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        releases = [row["id"] for row in kitchen.rows("releases")]
        getting = kitchen.start("get", *releases, "--json", env={"BAE_LIMITS_DOWNLOAD": "1"})
        self.addCleanup(self.end, getting)
        next(line for line in getting.stdout if json.loads(line).get("progress") == "getting")
        os.killpg(getting.pid, signal.SIGKILL)
        getting.communicate()
        kitchen.run("get", *releases)
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.originals())

    def test_progress_is_told_in_bytes(self):
        study = self.imported()
        sending = self.start_sending(study)
        line = next(line for line in map(json.loads, sending.stdout) if line["bytes"] > 0)
        size = sum(file.stat().st_size for file in (self.root / "music").glob("*.ogg"))
        self.assertEqual((line["total"], line["total_bytes"]), (len(self.originals()), size))
        self.assertLess(line["bytes"], size)
        self.assertIn("bytes_per_s", line)

    def test_one_file_that_cannot_be_sent_waits_and_the_others_go(self):
        study = self.imported()
        study.sync()
        blob = self.blobs()[0]
        shutil.rmtree(self.bucket / "storage")
        blob.mkdir(parents=True)  # a directory has the name of a file
        study.run("bucket", "use", self.bucket_url)
        ran = study.run("sync", "--json", code=PARTLY)
        self.assertEqual((ran.summary["blobs_waiting"], ran.summary["blobs_sent"]), (1, len(self.originals()) - 1))
        hold, = study.status()["holds"]
        self.assertEqual(hold["reason"], "cannot_send")
        self.assertIn("out of the way", hold["message"])
        self.assertIn("out of the way", study.run("sync", code=PARTLY).err)
        blob.rmdir()
        self.assertEqual(study.sync()["blobs_sent"], 1)
        self.assertEqual(study.status()["holds"], [])

    def test_a_bucket_chosen_again_is_not_sent_what_lies_there(self):
        study = self.imported()
        study.sync()
        before = {path: path.stat().st_mtime_ns for path in self.blobs()}
        study.run("bucket", "use", self.bucket_url)
        self.assertEqual(study.sync()["blobs_sent"], 0)
        self.assertEqual(before, {path: path.stat().st_mtime_ns for path in self.blobs()})

    def test_fetched_files_are_sent_to_another_bucket(self):
        study = self.imported()
        study.sync()
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        kitchen.run("get", *[row["id"] for row in kitchen.rows("releases")])
        shutil.rmtree(self.bucket / "storage")
        kitchen.run("bucket", "use", self.bucket_url)
        self.assertEqual(kitchen.sync()["blobs_sent"], len(self.originals()))
        third = self.home("third").restore(study.export())
        third.sync()
        third.run("get", *[row["id"] for row in third.rows("releases")])
        self.assertEqual(audio_hashes(third.path / "files"), self.originals())

    def test_status_says_what_is_uploading_and_missing(self):
        study = self.imported()
        self.assertEqual(study.status()["releases"]["uploading"], len(study.rows("releases")))
        sending = self.start_sending(study)
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        release = kitchen.rows("releases")[0]["id"]
        kitchen.run("get", release, code=FAILED)
        one, = kitchen.status()["releases"]["unavailable"]
        self.assertEqual((one["id"], one["state"]), (release, "uploading on study"))
        self.assertIn("uploading on study", kitchen.run("status").out)
        self.end(sending)
        study.sync()
        releases = study.status()["releases"]
        self.assertEqual((releases["available"], releases["unavailable"]), (releases["total"], []))
        kitchen.run("get", release)
        self.assertEqual(kitchen.status()["releases"]["unavailable"], [])
        for file in (self.root / "music").glob("*.ogg"):
            file.unlink()
        study.run("bucket", "use", self.bucket_url)
        shutil.rmtree(self.bucket / "storage")
        study.run("sync", code=PARTLY)
        self.assertIn("is not there", study.status()["holds"][0]["message"])
        self.assertIn(f" and {study.status()['blobs_pending']} files and pictures are to be sent", study.run("status").out)

    def test_what_vanished_from_the_bucket_is_found_and_sent_again(self):
        study = self.imported(count=1)  # one album: its file and its picture
        study.sync()
        ran = study.run("verify", "--bucket", "--json")
        self.assertEqual((ran.summary["problems"], ran.summary["blobs"]), ([], 2))
        shutil.rmtree(self.bucket / "storage")
        shutil.rmtree(self.bucket / "images")
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        releases = [row["id"] for row in kitchen.rows("releases")]
        kitchen.run("get", *releases, code=FAILED)
        self.assertEqual(study.sync()["blobs_sent"], 0, "it believes that all is there")
        ran = study.run("verify", "--bucket", "--json", code=FAILED)
        self.assertEqual((ran.summary["blobs_to_send"], ran.summary["blobs_missing"]), (2, 0))
        self.assertIn("to be sent again by `bae sync`", ran.summary["problems"][0])
        self.assertEqual(study.sync()["blobs_sent"], 2)
        study.run("verify", "--bucket", "--read-data")
        kitchen.run("get", *releases)
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.originals())

    def test_damage_of_equal_size_is_found_by_reading_and_mended(self):
        study = self.imported()
        study.sync()
        blob = self.blobs()[0]
        good = blob.read_bytes()
        blob.chmod(0o600)
        blob.write_bytes(good[:99] + bytes([good[99] ^ 1]) + good[100:])
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        releases = [row["id"] for row in kitchen.rows("releases")]
        kitchen.run("get", *releases, code=PARTLY)
        self.assertIn("bae verify --bucket --read-data", kitchen.status()["holds"][0]["message"])
        study.run("verify", "--bucket")
        ran = study.run("verify", "--bucket", "--read-data", code=FAILED)
        self.assertIn("is damaged in the bucket", ran.out)
        self.assertFalse(blob.exists())
        self.assertEqual(study.sync()["blobs_sent"], 1)
        self.assertEqual(blob.read_bytes(), good)
        kitchen.run("get", *releases)
        self.assertEqual(kitchen.status()["holds"], [])

    def days_pass(self, home, days):
        import sqlite3
        with sqlite3.connect(home.path / "library.db") as database:
            database.execute("UPDATE carriers SET audited_ms = audited_ms - ?", (days * 24 * 60 * 60 * 1000,))
        database.close()

    def test_a_sync_looks_every_seven_days_at_what_it_sent(self):
        study = self.imported()
        study.sync()
        study.sync()
        self.blobs()[0].unlink()
        self.days_pass(study, 6)
        summary = study.sync()
        self.assertEqual((summary["audited"], summary["requests"]), (False, 1))
        self.days_pass(study, 1)
        summary = study.sync()
        self.assertEqual((summary["audited"], summary["blobs_lost"], summary["blobs_sent"]), (True, 1, 1))
        self.assertEqual(len(self.blobs()), len(self.originals()))
        summary = study.sync()
        self.assertEqual((summary["audited"], summary["requests"]), (False, 1))

    def test_a_place_that_was_filled_anew_by_another_device_gets_everybodys_audio(self):
        study, kitchen = self.two_devices()
        self.settle(study, kitchen)
        shutil.rmtree(self.bucket)
        self.bucket.mkdir()
        kitchen.run("bucket", "use", self.bucket_url)
        kitchen.sync()
        summary = study.sync()
        self.assertEqual((summary["audited"], summary["blobs_lost"]), (True, len(self.originals())))
        kitchen.sync()
        kitchen.run("get", *[row["id"] for row in kitchen.rows("releases")])
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.originals())

    def test_an_emptied_place_is_not_compared(self):
        study = self.imported()
        study.sync()
        shutil.move(self.bucket, self.root / "elsewhere")
        self.bucket.mkdir()
        self.assertIn("does not hold this library now", study.run("verify", "--bucket", code=FAILED).err)
        self.days_pass(study, 8)
        self.assertFalse(study.sync(code=PARTLY)["audited"])
        self.bucket.rmdir()
        shutil.move(self.root / "elsewhere", self.bucket)
        self.assertEqual(study.sync()["blobs_sent"], 0)


if __name__ == "__main__":
    main()
