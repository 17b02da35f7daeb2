#!/usr/bin/env python3
"""What scripts rely on: exit codes, where text goes, --json, --quiet, and what terminals are spared."""
from homes import *


class ExitCodes(Case):
    def test_usage_is_2_and_says_how(self):
        home = self.home("study").init()
        album = "0" * 36
        for arguments in ([], ["nonsense"], ["list"], ["list", "songs"], ["edit", "album"], ["import"], ["tag"], ["show", "not an id!"], ["sync", "--wrong"],
                          ["edit", "planet", album, "title=x"], ["bucket", "use", "ftp://host/x"], ["conflicts", "restore", "1"], ["identity"]):
            ran = home.run(*arguments, code=USAGE)
            self.assertTrue(ran.err.startswith("bae: "), ran.err)
            self.assertEqual(ran.out, "")

    def test_help_and_version_are_0_for_every_command(self):
        home = self.home("study")
        self.assertIn("bae 0.", home.run("--version").out)
        for command in ("", "init", "import", "list", "show", "get", "edit", "remove", "tag", "bucket", "sync", "status", "conflicts", "identity", "restore",
                        "digest", "dump", "verify"):
            self.assertIn("Usage", home.run(*command.split(), "--help").out)

    def test_without_a_library_every_command_says_10(self):
        home = self.home("empty")
        for arguments in (["list", "albums"], ["show", "ab"], ["get", "ab"], ["edit", "album", "ab", "title=x"], ["remove", "album", "ab"], ["tag", "add", "x", "ab"],
                          ["bucket"], ["bucket", "use", self.bucket_url], ["sync"], ["status"], ["conflicts"], ["identity", "export"], ["digest"], ["dump"],
                          ["verify"], ["import", self.root], ["import", "--dry-run", self.root]):
            self.assertIn("bae init", home.run(*arguments, code=NO_LIBRARY).err)
        self.assertFalse(self.bucket.exists())

    def test_what_is_not_there_is_1(self):
        home = self.home("study").init()
        for arguments in (["show", "abc"], ["get", "abc"], ["edit", "album", "abc", "title=x"], ["import", self.root / "nowhere"], ["tag", "remove", "x", "abc"]):
            self.assertTrue(home.run(*arguments, code=FAILED).err)

    def test_a_library_of_a_newer_schema_is_13_and_is_left_alone(self):
        import sqlite3
        home = self.home("study").init()
        database = sqlite3.connect(home.path / "library.db")
        database.execute("PRAGMA user_version = 9999")
        changed = database.execute("UPDATE sync_meta SET value = 9999 WHERE key = 'schema'").rowcount
        database.commit()
        database.close()
        before = sha256(home.path / "library.db")
        for arguments in (["list", "albums"], ["digest"], ["status"]):
            self.assertIn("newer", home.run(*arguments, code=UPGRADE).err, changed)
        self.assertEqual(sha256(home.path / "library.db"), before)

    def test_ids_may_be_shortened_until_they_are_ambiguous(self):
        home = self.home("study").init()
        home.run("import", self.music())
        ids = [row["id"] for row in home.rows("tracks")]
        self.assertIn(ids[0], home.run("show", ids[0][:20]).out)
        digits = {}
        for kind in ("artists", "tracks", "files", "albums", "releases", "tags"):
            for row in home.rows(kind):
                digits.setdefault(row["id"][0], []).append(row["id"])
        digit = next(digit for digit, those in sorted(digits.items()) if len(those) > 1)
        self.assertIn("several", home.run("show", digit, code=USAGE).err)

    def test_results_go_to_standard_output_and_errors_to_standard_error(self):
        home = self.home("study").init()
        self.assertEqual(home.run("list", "albums", "--quiet").out, "")
        self.assertEqual(home.run("list", "albums", "--json").out, "")
        self.assertEqual(home.run("import", self.music(), "--quiet").err, "")
        for command in (["status"], ["list", "tracks"], ["digest"], ["bucket"], ["identity", "show"], ["verify"]):
            for line in home.run(*command, "--json").out.splitlines():
                json.loads(line)

    def test_text_of_others_cannot_move_the_cursor(self):
        home = self.home("study").init()
        home.run("import", self.music(count=1))
        album = home.rows("albums")[0]["id"]
        home.run("edit", "album", album, "title=a\u202eb\u2066c")
        for ran in (home.run("list", "albums"), home.run("show", album), home.run("list", "albums", "--json")):
            self.assertNotRegex(ran.out, "[\u202a-\u202e\u2066-\u2069\x1b\x07]")
        self.assertEqual(home.rows("albums")[0]["title"], "a\u202eb\u2066c")
        self.assertIn("\\u{202e}", home.run("list", "albums").out)
        self.assertEqual(home.run("edit", "album", album, "title=a\x1b[2Jb", code=USAGE).out, "")
        self.assertNotIn("\x1b", home.run("show", "\x1b[2J", code=USAGE).err)
        self.assertNotIn("\x1b", home.run("--\x1b[2J", code=USAGE).err)

    def test_edits_are_checked_before_anything_is_written(self):
        home = self.home("study").init()
        home.run("import", self.music(count=1))
        release = home.rows("releases")[0]
        before = home.digest()
        for bad in ("id=x", "_updated_at=x", "key_epoch=x", "content_hash=00", "label", "colour=red", "public=maybe", "album_gain=loud", "album_gain=inf", "album_id="):
            self.assertTrue(home.run("edit", "release", release["id"], "label=ok", bad, code=USAGE).err, bad)
        self.assertIn("catalog_number", home.run("edit", "release", release["id"], "colour=red", code=USAGE).err)
        home.run("edit", "release", release["id"], "album_id=" + "0" * 36, code=FAILED)
        self.assertEqual(home.digest(), before)
        home.run("edit", "release", release["id"], "public=1", "album_gain=-7.5", "label=Ünïcödé = yes")
        row = home.row("releases", id=release["id"])
        self.assertEqual((row["public"], row["album_gain"], row["label"]), (1, -7.5, "Ünïcödé = yes"))
        digest = home.digest()
        home.run("edit", "release", release["id"], "public=1")
        self.assertEqual(home.digest(), digest, "a value that is there already is no edit")
        home.run("edit", "release", release["id"], "label=")
        self.assertIsNone(home.row("releases", id=release["id"])["label"])

    def test_numbers_have_their_range(self):
        home = self.home("study").init()
        home.run("import", self.music(count=1))
        track = home.rows("tracks")[0]["id"]
        for bad in ("disc=-5", "disc=0", "length_ms=-100", "number=-1", "number=9999999"):
            self.assertIn("goes from", home.run("edit", "track", track, bad, code=USAGE).err)
        home.run("edit", "track", track, "disc=2", "number=0")

    def test_a_device_does_not_remove_itself(self):
        study, kitchen = self.two_devices(count=1)
        own, other = (study.row("devices", name=name)["id"] for name in ("study", "kitchen"))
        self.assertIn("device you are on", study.run("remove", "device", own, code=FAILED).err)
        study.run("remove", "device", other)

    def test_queries_find_every_spelling(self):
        home = self.home("study").init()
        home.run("import", self.music(count=1))
        album = home.rows("albums")[0]["id"]
        home.run("edit", "album", album, "title=Début 100%_x", "artist_credit=Björk")
        for query in ("BJÖRK", "bjo\u0308rk", "björk", "DÉBUT", "100%_X", "but 100"):
            self.assertEqual(len(home.rows("albums", query)), 1, query)
            self.assertIn("Björk", home.run("list", "albums", query).out)
        for query in ("bjork", "100_", "Björk Début"):
            self.assertEqual(home.rows("albums", query), [], query)

    def test_words_in_brackets_are_words(self):
        home = self.home("study").init()
        self.music(count=1, name="[Soundtracks]")
        self.assertEqual(home.run("import", self.root / "[Soundtracks]", "--json").summary["files"], 1)
        os_path = os.getcwd()
        try:
            os.chdir(self.root)
            self.assertEqual(home.run("import", "[Soundtracks]", "--json").summary["skipped"], 1)
        finally:
            os.chdir(os_path)

    def test_what_a_home_holds_is_private(self):
        (self.root / "study").mkdir(mode=0o755)
        study = self.home("study").init()
        self.assertEqual(study.path.stat().st_mode & 0o777, 0o700)
        study.run("import", "--copy", self.music(count=1))
        for name in ("library.db", "library.id", "secrets"):
            self.assertEqual((study.path / name).stat().st_mode & 0o777, 0o600, name)
        for folder in ("mirror", "files", "artwork", "cache"):
            self.assertEqual((study.path / folder).stat().st_mode & 0o077, 0, folder)

    def test_tags_are_put_on_and_taken_off(self):
        home = self.home("study").init()
        home.run("import", self.music(count=2))
        track, release = home.rows("tracks")[0], home.rows("releases")[0]
        before = len(home.rows("tags"))
        home.run("tag", "add", "Evening", track["id"], release["id"])
        home.run("tag", "add", "evening ", track["id"])
        self.assertEqual(len(home.rows("tags")), before + 1, "spellings are one tag")
        self.assertIn("release_tag", home.run("show", release["id"]).out)
        home.run("tag", "remove", "Evening", release["id"])
        tagged = [json.loads(line) for line in home.dump().splitlines()]
        tag = home.rows("tags", "evening")[0]["id"]
        self.assertEqual([row["columns"]["track_id"] for row in tagged if row["table"] == "track_tags" and row["columns"]["tag_id"] == tag], [track["id"]])
        self.assertEqual([row for row in tagged if row["table"] == "release_tags" and row["columns"]["tag_id"] == tag], [])

    def test_a_setting_that_does_not_exist_names_the_nearest(self):
        (self.root / "config/bae").mkdir(parents=True)
        config = self.root / "config/bae/config.toml"
        home = self.home("study")
        config.write_text("[bucket]\natempts = 3\n")
        self.assertIn('did you mean "bucket.attempts"', home.run("init", code=USAGE).err)
        config.write_text("[bucket]\nattempts = 0\n")
        self.assertIn("from 1 to 1000", home.run("init", code=USAGE).err)
        config.write_text("[bucket\n")
        self.assertIn("config.toml", home.run("init", code=USAGE).err)
        config.write_text("[bucket]\nattempts = 3\n")
        home.run("init")

    def test_an_s3_url_that_is_wrong_says_what_would_be_right_and_quotes_no_secret(self):
        home = self.home("study").init()
        for url, word in {"s3://Bad_Name/x": "bucket name", "s3://": "bucket name", "s3://bucket?endpoint=http://example.org": "https", "s3://bucket?size=1": "region=",
                          "s3://key:hunter2@bucket/x": "AWS_SECRET_ACCESS_KEY", "s3://bucket?secret_key=hunter2": "AWS_SECRET_ACCESS_KEY"}.items():
            for command in ("use", "probe"):
                said = home.run("bucket", command, url, code=USAGE).err
                self.assertIn(word, said)
                self.assertNotIn("hunter2", said)
        self.assertIsNone(home.run("bucket", "--json").summary["bucket"])

    def test_an_interrupt_is_130_and_what_was_done_is_kept(self):
        home = self.home("study").init()
        folder = self.root / "many"
        folder.mkdir()
        source = min(MUSIC.glob("*.ogg"), key=lambda f: f.stat().st_size).read_bytes()
        for number in range(3000):
            (folder / f"{number}.ogg").write_bytes(source + b"\0" * number)
        process = home.start("import", folder, "--json")
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        self.assertIn(process.returncode, (INTERRUPTED, DONE), err)
        self.assertEqual(process.returncode, INTERRUPTED, "the import was too quick to be interrupted")
        home.run("import", folder)
        self.assertEqual(len(home.rows("files")), 3000)


if __name__ == "__main__":
    main()
