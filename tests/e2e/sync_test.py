#!/usr/bin/env python3
"""Two devices that share nothing but a directory."""
from homes import *


class Sync(Case):
    def test_edits_of_different_columns_made_offline_are_both_there(self):
        study, kitchen = self.two_devices()
        release = study.rows("releases")[0]["id"]
        study.run("edit", "release", release, "label=Blue Note", "country=DE")
        kitchen.run("edit", "release", release, "date=1997-06-16")
        self.settle(study, kitchen)
        for home in (study, kitchen):
            row = home.row("releases", id=release)
            self.assertEqual((row["label"], row["country"], row["date"]), ("Blue Note", "DE", "1997-06-16"))
        self.assert_same(study, kitchen)

    def test_an_album_deleted_on_one_device_and_tagged_on_the_other_is_gone_on_both(self):
        study, kitchen = self.two_devices()
        release = study.rows("releases")[0]
        study.run("remove", "album", release["album_id"])
        kitchen.run("tag", "add", "Evening", release["id"])
        self.settle(study, kitchen)
        for home in (study, kitchen):
            self.assertNotIn(release["id"], [row["id"] for row in home.rows("releases")])
            self.assertEqual([tag["name"] for tag in home.rows("tags", "Evening")], ["Evening"])
            parked = [hold for hold in home.status()["holds"] if hold["reason"] == "parked"]
            self.assertTrue(parked, "the tag waits for its release, and status says so")
        self.assert_same(study, kitchen)

    def test_the_same_column_edited_twice_is_a_conflict_that_can_be_restored(self):
        study, kitchen = self.two_devices()
        release = study.rows("releases")[0]["id"]
        study.run("edit", "release", release, "label=Lost")
        study.sync()
        kitchen.run("edit", "release", release, "label=Won")
        self.settle(study, kitchen)
        conflict, = study.run("conflicts", "--json").objects
        self.assertEqual((conflict["column"], conflict["lost"], conflict["lost_by"], conflict["won_by"]), ("label", '"Lost"', "study", "kitchen"))
        study.run("conflicts", "restore", "1")
        self.settle(study, kitchen)
        self.assertEqual(kitchen.row("releases", id=release)["label"], "Lost")
        self.assert_same(study, kitchen)

    def test_an_idle_round_is_one_request_and_writes_nothing(self):
        study, kitchen = self.two_devices()
        self.settle(study, kitchen)
        before = self.carrier.versions()
        summary = study.sync()
        self.assertEqual((summary["requests"], summary["bytes_sent"]), (1, 0))
        self.assertLess(summary["bytes_received"], 2000, "more than a listing of two heads")
        self.assertEqual(before, self.carrier.versions())

    def test_artwork_comes_with_the_rows_and_is_the_same_picture(self):
        study, kitchen = self.two_devices(count=1)
        pictures = [sorted(sha256(file) for file in (home.path / "artwork").rglob("*") if file.is_file()) for home in (study, kitchen)]
        self.assertEqual(pictures[0], pictures[1])
        self.assertEqual(pictures[0], [sha256(self.root / "music/cover.png")])

    def test_the_bucket_reveals_no_name(self):
        study, _ = self.two_devices()
        words = [row["title"].encode() for row in study.rows("tracks") if len(row["title"]) > 6] + [b"study", b"kitchen", b"vorbis", b"cover.png"]
        self.assertTrue(self.carrier.versions())
        for path in self.carrier.versions():
            content = self.carrier.read(path)
            self.assertFalse([word for word in words if word in content or word in path.encode()], path)

    def test_a_bucket_that_is_gone_is_named(self):
        study, _ = self.two_devices(count=1)
        shutil.rmtree(self.bucket)
        self.assertIn("bucket", study.run("sync", code=FAILED).err)

    def test_an_emptied_bucket_is_filled_again_when_it_is_chosen_again(self):
        study, kitchen = self.two_devices()
        objects = self.carrier.versions()
        self.carrier.empty()
        for _ in range(2):
            study.run("edit", "release", study.rows("releases")[0]["id"], "label=Meanwhile")
            self.assertIn("bucket use", study.run("sync", code=PARTLY).err)
            self.assertEqual(self.carrier.versions(), {}, "it was filled again, and nobody was asked")
            self.assertEqual([hold["reason"] for hold in study.status()["holds"]], ["carrier_emptied"])
        study.run("bucket", "use", self.bucket_url)
        self.settle(study, kitchen)
        self.assertEqual(set(objects) - set(self.carrier.versions()), set())
        self.assertEqual(study.status()["holds"], [])
        self.assert_same(study, kitchen)
        third = self.home("third").restore(kitchen.export())
        self.settle(third, study, kitchen)
        self.assert_same(third, study)
        third.run("get", *[row["id"] for row in third.rows("releases")])
        self.assertEqual(audio_hashes(third.path / "files"), audio_hashes(self.root / "music"))

    def test_a_bucket_of_another_library_is_refused(self):
        self.two_devices()
        other = self.home("other").init()
        ran = other.run("bucket", "use", self.bucket_url, code=FAILED)
        self.assertIn("another library", ran.err)

    def test_a_copied_home_becomes_a_device_of_its_own(self):
        study, kitchen = self.two_devices()
        release = study.rows("releases")[0]["id"]
        shutil.copytree(study.path, self.root / "twin")
        twin = self.home("twin")
        study.run("edit", "release", release, "label=Study")
        twin.run("edit", "release", release, "country=SE")
        study.sync()
        twin.attempt("sync")
        self.settle(twin, study, kitchen)
        self.assertNotEqual(twin.status()["device_id"], study.status()["device_id"])
        row = kitchen.row("releases", id=release)
        self.assertEqual((row["label"], row["country"]), ("Study", "SE"))
        self.assert_same(study, twin, kitchen)

    def test_what_was_removed_before_it_was_sent_is_not_waited_for(self):
        study = self.home("study").init()
        study.run("bucket", "use", self.bucket_url)
        study.run("import", self.music())
        self.assertEqual(study.status()["state"], "pending")
        for album in study.rows("albums"):
            study.run("remove", "album", album["id"])
        self.assertEqual(study.sync()["blobs_sent"], 0)
        self.assertEqual((study.status()["state"], study.status()["blobs_pending"]), ("synced", 0))

    def test_dump_is_canonical(self):
        study, kitchen = self.two_devices()
        rows = [json.loads(line) for line in study.dump().splitlines()]
        self.assertEqual([(row["table"], row["id"]) for row in rows], sorted((row["table"], row["id"]) for row in rows))
        self.assertEqual({"table", "id", "columns"}, set(rows[0]))
        self.assertEqual({row["columns"]["name"] for row in rows if row["table"] == "devices"}, {"study", "kitchen"})


if __name__ == "__main__":
    main()
