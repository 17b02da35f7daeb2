#!/usr/bin/env python3
"""Audio travels as blobs and arrives as the same bytes."""
from homes import *


class Get(Case):
    def originals(self):
        return audio_hashes(self.root / "music")

    def releases(self, home):
        return [row["id"] for row in home.rows("releases")]

    def test_every_file_arrives_with_its_bytes(self):
        study, kitchen = self.two_devices()
        ran = kitchen.run("get", *self.releases(kitchen), "--json")
        self.assertEqual(ran.summary["fetched"], len(self.originals()))
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.originals())
        again = kitchen.run("get", *self.releases(kitchen), "--json").summary
        self.assertEqual((again["fetched"], again["present"]), (0, len(self.originals())))
        kitchen.run("verify", "--files")

    def test_files_can_go_to_another_directory(self):
        study, kitchen = self.two_devices()
        kitchen.run("get", *self.releases(kitchen), "--to", self.root / "out")
        self.assertEqual(audio_hashes(self.root / "out"), self.originals())
        study.run("get", *self.releases(study), "--to", self.root / "copy")
        self.assertEqual(audio_hashes(self.root / "copy"), self.originals())
        self.assertFalse(list((self.root / "out").rglob(".*")), "no parts are left")

    def test_an_album_and_a_track_stand_for_their_releases(self):
        _, kitchen = self.two_devices()
        track = kitchen.rows("tracks")[0]
        kitchen.run("get", track["id"][:13])
        self.assertIn("available", kitchen.run("show", track["release_id"]).out)
        for album in kitchen.rows("albums"):
            kitchen.run("get", album["id"])
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.originals())

    def test_what_is_still_uploading_says_where_and_comes_later(self):
        study, kitchen = self.two_devices()
        shutil.copytree(self.root / "music", self.root / "more")
        extra, = sorted((file for file in MUSIC.glob("*.ogg")), key=lambda f: f.stat().st_size)[6:7]
        shutil.copy(extra, self.root / "music")
        study.run("import", self.root / "music")
        known = {path for path in (self.bucket / "storage").rglob("*") if path.is_file()}
        study.sync()
        new, = {path for path in (self.bucket / "storage").rglob("*") if path.is_file()} - known
        hidden = new.with_name("hidden")
        new.rename(hidden)
        kitchen.sync()
        ran = kitchen.run("get", *self.releases(kitchen), "--json", code=PARTLY)
        states = {release["state"] for release in ran.objects if "release" in release}
        self.assertIn("uploading on study", states)
        self.assertIn("uploading on study", json.dumps(kitchen.status()["holds"]))
        hidden.rename(new)
        self.assertEqual(kitchen.run("get", *self.releases(kitchen), "--json").summary["fetched"], 1)
        self.assertEqual(kitchen.status()["holds"], [])
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.originals())

    def test_a_damaged_blob_is_refused_and_the_others_arrive(self):
        _, kitchen = self.two_devices()
        blobs = sorted(path for path in (self.bucket / "storage").rglob("*") if path.is_file())
        good = blobs[0].read_bytes()
        for damage in (good[:-1], good[:len(good) // 2] + bytes([good[len(good) // 2] ^ 1]) + good[len(good) // 2 + 1:], b"", blobs[1].read_bytes()):
            shutil.rmtree(kitchen.path / "files")
            blobs[0].chmod(0o600)
            blobs[0].write_bytes(damage)
            kitchen.attempt("sync")
            ran = kitchen.run("get", *self.releases(kitchen), "--json", "--to", self.root / f"out{len(damage)}", code=PARTLY)
            self.assertEqual((ran.summary["failed"], ran.summary["fetched"]), (1, len(self.originals()) - 1))
            self.assertTrue(set(audio_hashes(self.root / f"out{len(damage)}")) < set(self.originals()))
            (kitchen.path / "files").mkdir()
        blobs[0].write_bytes(good)
        kitchen.run("get", *self.releases(kitchen))
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.originals())

    def test_a_file_that_changed_is_not_sent_until_it_is_imported_again(self):
        study = self.home("study").init()
        folder = self.music()
        study.run("import", folder)
        study.run("bucket", "use", self.bucket_url)
        victim = sorted(folder.glob("*.ogg"))[0]
        content = victim.read_bytes()
        victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        summary = study.sync(code=PARTLY)
        self.assertEqual((len(summary["refused"]), summary["blobs_sent"]), (1, len(self.originals()) - 1))
        hold, = study.status()["holds"]
        self.assertEqual(hold["reason"], "file_changed")
        victim.write_bytes(content)
        study.run("import", folder)
        study.sync()
        self.assertEqual(study.status()["holds"], [])
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        kitchen.run("get", *self.releases(kitchen))
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.originals())

    def test_names_from_elsewhere_cannot_leave_the_directory(self):
        study, kitchen = self.two_devices(count=1)
        album = study.rows("albums")[0]["id"]
        study.run("edit", "album", album, "title=../../../evil", "artist_credit=/etc")
        for file in study.rows("files"):
            study.run("edit", "file", file["id"], "name=../../.profile")
        self.settle(study, kitchen)
        kitchen.run("get", *self.releases(kitchen), "--to", self.root / "out")
        files = [path for path in self.root.rglob("*profile*")]
        self.assertEqual(len(files), 1)
        self.assertTrue(files[0].is_relative_to(self.root / "out"))
        self.assertEqual(len(files[0].relative_to(self.root / "out").parts), 2)

    def test_what_a_person_put_there_is_not_replaced(self):
        _, kitchen = self.two_devices(count=1)
        ran = kitchen.run("get", *self.releases(kitchen), "--json")
        path = Path(next(release for release in ran.objects if "release" in release)["files"][0]["path"])
        self.assertTrue(path.is_relative_to(kitchen.path / "files"))
        name = path.relative_to(kitchen.path / "files")
        (self.root / "out" / name.parent).mkdir(parents=True)
        (self.root / "out" / name).write_bytes(b"mine")
        kitchen.run("get", *self.releases(kitchen), "--to", self.root / "out")
        self.assertEqual((self.root / "out" / name).read_bytes(), b"mine")
        self.assertIn(self.originals()[0], audio_hashes(self.root / "out"))


if __name__ == "__main__":
    main()
