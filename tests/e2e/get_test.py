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

    def test_a_damaged_file_is_found_by_verify_and_fetched_by_get(self):
        study, kitchen = self.two_devices()
        kitchen.run("get", *self.releases(kitchen))
        damaged = sorted((kitchen.path / "files").rglob("*.ogg"))[0]
        self.rot(damaged)
        self.assertIn(damaged.name, kitchen.run("verify", "--files", code=FAILED).out)
        self.assertIn(damaged.name, kitchen.run("verify", "--files", code=FAILED).out, "it stays said")
        self.assertEqual(kitchen.run("get", *self.releases(kitchen), "--json").summary["fetched"], 1)
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.originals())
        kitchen.run("verify", "--files")

    def test_a_damaged_original_is_left_where_it_is(self):
        study, _ = self.two_devices()
        before = self.originals()
        damaged = sorted((self.root / "music").glob("*.ogg"))[0]
        gone = sorted((self.root / "music").glob("*.ogg"))[1]
        self.rot(damaged)
        gone.unlink()
        out = study.run("verify", "--files", code=FAILED).out
        self.assertIn(damaged.name, out)
        self.assertIn(gone.name, out)
        rotten = sha256(damaged)
        self.assertEqual(study.run("get", *self.releases(study), "--json").summary["fetched"], 2)
        self.assertEqual(sha256(damaged), rotten)
        study.run("verify", "--files")
        self.assertTrue(set(audio_hashes(study.path / "files")) <= set(before))

    def rot(self, file):
        """Another byte, the same size and time."""
        times, good = file.stat(), file.read_bytes()
        file.write_bytes(good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    def test_ids_of_others_name_no_files_and_move_no_cursor(self):
        _, kitchen = self.two_devices()
        import sqlite3
        release = self.releases(kitchen)[0]
        rows = sqlite3.connect(kitchen.path / "library.db")
        first, second = [row[0] for row in rows.execute("SELECT id FROM release_files ORDER BY id LIMIT 2")]
        for file, id in ((first, "../../../evil"), (second, "\x1b[2J/../x")):
            rows.execute("UPDATE release_files SET id = ? WHERE id = ?", (id, file))
        rows.commit()
        rows.close()
        before = {path for path in self.root.rglob("*")}
        ran = kitchen.run("get", *self.releases(kitchen))
        new = {path for path in self.root.rglob("*")} - before
        self.assertEqual([path for path in new if not path.is_relative_to(kitchen.path / "files")], [])
        self.assertEqual(len(audio_hashes(kitchen.path / "files")), len(kitchen.rows("files")))
        for said in (ran, kitchen.run("show", release), kitchen.run("list", "files"), kitchen.run("status")):
            self.assertNotIn("\x1b", said.out + said.err)

    def test_rows_that_stand_for_no_bytes_stop_nothing_else(self):
        study, kitchen = self.two_devices(count=1)
        study.run("import", self.music(name="more", cover=False))
        self.settle(study, kitchen)
        import sqlite3
        rows = sqlite3.connect(kitchen.path / "library.db")
        bad = rows.execute("SELECT name FROM release_files ORDER BY id LIMIT 1").fetchone()[0]
        rows.execute("UPDATE release_files SET file_hash = x'00' WHERE id = (SELECT min(id) FROM release_files)")
        self.assertEqual(rows.execute("UPDATE library_images SET size = 1 << 40").rowcount, 1)
        rows.execute("INSERT INTO blob_queue SELECT id, 'image' FROM library_images WHERE true ON CONFLICT DO NOTHING")
        rows.commit()
        rows.close()
        self.assertEqual(kitchen.sync()["blobs_waiting"], 1)
        self.assertIn("no sound hash or size", json.dumps(kitchen.status()["holds"]))
        files = len(kitchen.rows("files"))
        ran = kitchen.run("get", *self.releases(kitchen), "--json", code=PARTLY)
        self.assertEqual((ran.summary["failed"], ran.summary["fetched"]), (1, files - 1))
        self.assertIn(bad, kitchen.run("get", *self.releases(kitchen), code=PARTLY).err)

    def test_two_at_once_give_only_whole_files_their_names(self):
        study, _ = self.two_devices()
        running = [study.start("get", *self.releases(study), "--to", self.root / "out") for _ in range(4)]
        for process in running:
            process.communicate()
            self.assertIn(process.returncode, (DONE, PARTLY, FAILED))
        self.assertEqual(set(audio_hashes(self.root / "out")) - set(self.originals()), set())
        study.run("get", *self.releases(study), "--to", self.root / "out")
        self.assertEqual(audio_hashes(self.root / "out"), self.originals())

    def test_files_are_as_readable_as_the_folder_they_go_to(self):
        _, kitchen = self.two_devices(count=1)
        kitchen.run("get", *self.releases(kitchen))
        kitchen.run("get", *self.releases(kitchen), "--to", self.root / "out/deep")
        for file in [*(kitchen.path / "files").rglob("*.ogg"), *(self.root / "out").rglob("*.ogg")]:
            self.assertEqual(file.stat().st_mode & 0o777, 0o644)
        self.assertEqual((self.root / "out/deep").stat().st_mode & 0o777, 0o755)

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
        known = set(self.carrier.versions("storage/"))
        study.sync()
        new, = set(self.carrier.versions("storage/")) - known
        content = self.carrier.read(new)
        self.carrier.remove(new)
        kitchen.sync()
        ran = kitchen.run("get", *self.releases(kitchen), "--json", code=PARTLY)
        states = {release["state"] for release in ran.objects if "release" in release}
        self.assertIn("uploading on study", states)
        self.assertIn("uploading on study", json.dumps(kitchen.status()["holds"]))
        self.carrier.write(new, content)
        self.assertEqual(kitchen.run("get", *self.releases(kitchen), "--json").summary["fetched"], 1)
        self.assertEqual(kitchen.status()["holds"], [])
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.originals())

    def test_a_damaged_blob_is_refused_and_the_others_arrive(self):
        _, kitchen = self.two_devices()
        victim, other = list(self.carrier.versions("storage/"))[:2]
        good = self.carrier.read(victim)
        for damage in (good[:-1], good[:len(good) // 2] + bytes([good[len(good) // 2] ^ 1]) + good[len(good) // 2 + 1:], b"", self.carrier.read(other)):
            shutil.rmtree(kitchen.path / "files")
            self.carrier.write(victim, damage)
            kitchen.attempt("sync")
            ran = kitchen.run("get", *self.releases(kitchen), "--json", "--to", self.root / f"out{len(damage)}", code=PARTLY)
            self.assertEqual((ran.summary["failed"], ran.summary["fetched"]), (1, len(self.originals()) - 1))
            self.assertTrue(set(audio_hashes(self.root / f"out{len(damage)}")) < set(self.originals()))
            (kitchen.path / "files").mkdir()
        self.carrier.write(victim, good)
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
