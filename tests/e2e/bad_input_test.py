#!/usr/bin/env python3
"""What people and machines get wrong: a message that names the thing and the remedy, and nothing lost."""
from homes import *


class BadInput(Case):
    def test_damaged_and_unreadable_files_are_named_and_do_not_stop_the_rest(self):
        home = self.home("study").init()
        folder = self.music()
        good = len(audio_hashes(folder))
        whole = sorted(folder.glob("*.ogg"))[0].read_bytes()
        (folder / "damaged.flac").write_bytes(b"fLaC" + whole[:5000])
        (folder / "empty.ogg").write_bytes(b"")
        (folder / "noise.mp3").write_bytes(random.Random(1).randbytes(20000))
        (folder / "gone.ogg").symlink_to(self.root / "nowhere")
        ran = home.run("import", folder, "--json", code=PARTLY)
        failed = {Path(file["path"]).name for file in ran.summary["failed"]}
        self.assertTrue({"damaged.flac", "empty.ogg"} <= failed, failed)
        self.assertEqual(ran.summary["files"], good)
        self.assertTrue(all(file["reason"] for file in ran.summary["failed"]))
        home.run("verify", "--files")

    def test_files_and_folders_that_cannot_be_read_are_named(self):
        home = self.home("study").init()
        folder = self.music()
        (folder / "closed").mkdir()
        file = sorted(folder.glob("*.ogg"))[0]
        under = without_privileges(self.root)
        (folder / "closed").chmod(0)
        file.chmod(0)
        ran = home.run("import", folder, "--json", code=PARTLY, under=under)
        self.assertEqual({Path(failed["path"]).name for failed in ran.summary["failed"]}, {"closed", file.name})
        self.assertEqual(ran.summary["files"], 5)

    def test_a_read_only_home_says_what_to_do_and_loses_nothing(self):
        study, _ = self.two_devices(count=1)
        digest, release = study.digest(), study.rows("releases")[0]["id"]
        under = without_privileges(self.root)
        subprocess.run(["chmod", "-R", "a-w", str(study.path)], check=True)
        for arguments in (["edit", "release", release, "label=x"], ["import", self.root / "music"], ["bucket", "use", self.bucket_url]):
            self.assertIn("permissions", study.run(*arguments, code=FAILED, under=under).err)
        subprocess.run(["chmod", "-R", "u+w", str(study.path)], check=True)
        self.assertEqual(study.run("digest", under=under).out.strip(), digest)

    def test_a_full_disk_loses_nothing_and_the_next_try_completes(self):
        full = self.root / "full"
        full.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(full)], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("mounting a small tmpfs needs privileges")
        self.addCleanup(subprocess.run, ["umount", "-l", str(full)])
        home = self.home("full/study").init()
        home.run("bucket", "use", self.bucket_url)
        folder = self.music(count=12)
        home.run("import", folder)
        before, release = home.digest(), home.rows("releases")[0]["id"]
        (full / "ballast").write_bytes(b"")
        with open(full / "ballast", "wb", buffering=0) as ballast:
            try:
                while ballast.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        ran = home.attempt("import", "--copy", self.music(count=12, name="again"))
        self.assertIn(ran.code, (FAILED, PARTLY), ran.out + ran.err)
        ran = home.attempt("edit", "release", release, "label=" + "long " * 3000 + "x")
        self.assertIn("space", ran.err)
        self.assertEqual(ran.code, FAILED)
        self.assertIn("space", home.run("sync", code=FAILED).err)
        (full / "ballast").unlink()
        self.assertEqual(home.digest(), before)
        home.sync()
        home.run("verify", "--files")
        kitchen = self.home("kitchen").restore(home.export())
        self.settle(home, kitchen)
        self.assert_same(home, kitchen)

    def test_names_that_are_no_text_work_and_are_shown_escaped(self):
        home = self.home("study").init()
        folder = self.root / "odd\nname\x1b[31m"
        folder.mkdir()
        sources = sorted(MUSIC.glob("*.ogg"), key=lambda f: f.stat().st_size)
        for source, name in zip(sources, (b"\xff\xfe.ogg", b"new\nline.ogg", b"-rf.ogg", b"tab\t.ogg")):
            shutil.copy(source, os.path.join(os.fsencode(folder), name))
        (folder / "broken\x07.ogg").write_bytes(b"OggS nonsense")
        ran = home.run("import", folder, code=PARTLY)
        self.assertNotRegex(ran.out + ran.err, "[\x1b\x07]")
        self.assertEqual(len(home.rows("files")), 4)
        self.assertNotRegex(home.run("list", "files").out, "[\x1b\x07\t]")
        home.run("verify", "--files")
        home.run("bucket", "use", self.bucket_url)
        home.sync()
        kitchen = self.home("kitchen").restore(home.export())
        kitchen.sync()
        kitchen.run("get", *[row["id"] for row in kitchen.rows("releases")])
        self.assertEqual(audio_hashes(kitchen.path / "files"), sorted(sha256(file) for file in sources[:4]))

    def test_an_empty_folder_changes_nothing_and_a_missing_one_is_named(self):
        home = self.home("study").init()
        (self.root / "nothing").mkdir()
        before = home.digest()
        self.assertEqual(home.run("import", self.root / "nothing", "--json").summary["files"], 0)
        self.assertIn("nowhere", home.run("import", self.root / "nowhere", code=FAILED).err)
        self.assertEqual(home.digest(), before)

    def test_a_dry_run_changes_nothing(self):
        home = self.home("study").init()
        before = home.digest()
        ran = home.run("import", self.music(), "--dry-run", "--json")
        self.assertEqual(ran.summary["files"], 6)
        self.assertEqual((home.digest(), home.rows("files")), (before, []))

    def test_copied_files_lie_in_the_home_and_are_sent(self):
        home = self.home("study").init()
        folder = self.music()
        originals = audio_hashes(folder)
        home.run("import", "--copy", folder)
        shutil.rmtree(folder)
        self.assertEqual(audio_hashes(home.path / "files"), originals)
        home.run("bucket", "use", self.bucket_url)
        self.assertEqual(home.sync()["refused"], [])
        home.run("verify", "--files")

    def test_a_bucket_that_vanishes_is_unreachable_and_nothing_is_made_in_its_place(self):
        study, kitchen = self.two_devices()
        release = study.rows("releases")[0]["id"]
        self.bucket.rename(self.root / "unmounted")
        study.run("edit", "release", release, "label=Later")
        self.assertIn("bucket", study.run("sync", code=FAILED).err)
        self.assertFalse(self.bucket.exists())
        status = study.status()
        self.assertEqual((status["pending"], [hold["reason"] for hold in status["holds"]]), (1, ["carrier_unreachable"]))
        study.run("list", "albums")
        (self.root / "unmounted").rename(self.bucket)
        self.settle(study, kitchen)
        self.assertEqual(kitchen.row("releases", id=release)["label"], "Later")
        self.assertEqual(study.status()["holds"], [])

    def test_a_bucket_below_a_folder_that_is_not_there_is_not_made(self):
        study = self.home("study").init()
        ran = study.run("bucket", "use", f"file://{self.root / 'mnt/nas'}", code=FAILED)
        self.assertIn("is the disk mounted?", ran.err)
        self.assertFalse((self.root / "mnt").exists())
        (self.root / "mnt").mkdir()
        study.run("bucket", "use", f"file://{self.root / 'mnt/nas'}")

    def test_files_that_cannot_be_opened_wait_and_the_others_are_sent(self):
        study = self.home("study").init()
        folder = self.music()
        study.run("import", folder)
        study.run("bucket", "use", self.bucket_url)
        files = sorted(folder.glob("*.ogg"))
        kept = files[0].read_bytes()
        files[0].unlink()
        files[0].symlink_to(files[0].name)
        summary = study.sync(code=PARTLY)
        self.assertEqual((summary["blobs_waiting"], summary["refused"]), (1, []))
        self.assertEqual(len([path for path in (self.bucket / "storage").rglob("*") if path.is_file()]), len(files) - 1)
        hold, = study.status()["holds"]
        self.assertIn(files[0].name, hold["message"])
        self.assertNotIn("storage/", hold["message"])
        files[0].unlink()
        study.sync(code=PARTLY)
        files[0].write_bytes(kept)
        study.sync()
        self.assertEqual(study.status()["holds"], [])

    def test_damaged_objects_hold_their_stream_until_good_ones_arrive(self):
        study, kitchen = self.two_devices()
        release = study.rows("releases")[0]["id"]
        study.run("edit", "release", release, "label=New")
        study.sync()
        newest = sorted((self.bucket / "changes" / study.status()["device_id"]).iterdir())[-1]
        good = newest.read_bytes()
        newest.chmod(0o600)
        for damage in (good[:-1], good[:100] + bytes([good[100] ^ 4]) + good[101:], b""):
            newest.write_bytes(damage)
            kitchen.attempt("sync")
            self.assertNotEqual(kitchen.row("releases", id=release)["label"], "New")
            self.assertTrue(kitchen.status()["holds"])
        newest.write_bytes(good)
        self.settle(kitchen, study)
        self.assertEqual(kitchen.row("releases", id=release)["label"], "New")
        self.assertEqual(kitchen.status()["holds"], [])

    def test_a_home_that_is_damaged_says_so(self):
        home = self.home("study").init()
        record = home.path / "library.id"
        good = record.read_text()
        record.write_text("rubbish")
        self.assertIn("library.id", home.run("status", code=FAILED).err)
        record.write_text(good.replace("bae library 1", "bae library 2"))
        self.assertIn("upgrade", home.run("status", code=UPGRADE).err)
        record.write_text(good)
        database = (home.path / "library.db").read_bytes()
        (home.path / "library.db").write_bytes(b"rubbish" * 1000)
        self.assertTrue(home.run("list", "albums", code=FAILED).err)
        (home.path / "library.db").write_bytes(database)
        (home.path / "secrets").rename(home.path / "lost")
        home.run("list", "albums")
        self.assertIn("device", home.run("sync", code=FAILED).err + home.run("status", code=FAILED).err)

    def test_secrets_that_others_can_read_are_refused(self):
        home = self.home("study").init()
        (home.path / "secrets").chmod(0o644)
        self.assertIn("secrets", home.run("identity", "export", code=WRONG_KEY).err)

    def test_a_place_that_cannot_be_written_is_named(self):
        (self.root / "file").write_text("in the way")
        self.assertIn("file", self.home("file").run("init", code=FAILED).err)
        self.assertIn("file", self.home("file/below").run("init", code=FAILED).err)
        study = self.home("study").init()
        self.assertIn("file", study.run("bucket", "use", f"file://{self.root / 'file'}", code=USAGE).err)

    def test_a_verify_finds_what_was_changed_behind_the_librarys_back(self):
        study, _ = self.two_devices(count=1)
        study.run("verify", "--files")
        audio = next((self.root / "music").glob("*.ogg"))
        good = audio.read_bytes()
        audio.write_bytes(good[:-1] + b"\0\0")
        self.assertIn(audio.name, study.run("verify", "--files", code=FAILED).out)
        audio.write_bytes(good)
        change = next((study.path / "mirror/changes").rglob("*.enc"))
        content = change.read_bytes()
        change.chmod(0o600)
        change.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
        self.assertIn("changes/", study.run("verify", code=FAILED).out)


if __name__ == "__main__":
    main()
