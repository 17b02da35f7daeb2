#!/usr/bin/env python3
"""What machines do to a library: a clock that is off, a home that cannot be written, a bucket that goes away in the middle, a newer
program's database, somebody else's recovery code. Each is named with its remedy, and nothing is lost."""
import sqlite3
import time

from disk import read_journal
from fault import *

HOUR, DAY, YEAR = 3600, 86400, 365 * 86400


class BadInput(FaultCase):
    def two(self):
        study, kitchen = self.home("study"), self.home("kitchen")
        self.finish(study, kitchen)
        return study, kitchen, study.rows("releases")[0]["id"]

    # --- clocks ----------------------------------------------------------------------------------------------------

    def label(self, home, release):
        return home.row("releases", id=release)["label"]

    def test_a_clock_that_is_a_day_off_loses_nothing(self):
        study, kitchen, release = self.two()
        for seconds in (-23 * HOUR, 23 * HOUR):
            with self.subTest(seconds=seconds):
                study.run("edit", "release", release, f"label={seconds}", env=clock(seconds))
                study.run("sync", env=clock(min(seconds, HOUR)))
                kitchen.sync()
                self.assertEqual(self.label(kitchen, release), str(seconds))
        self.settle(study, kitchen)
        self.assert_whole(study, kitchen)

    def test_a_device_that_is_years_behind_says_so_and_sends_when_its_clock_is_right(self):
        study, kitchen, release = self.two()
        for seconds in (-2 * DAY, -10 * YEAR):
            with self.subTest(seconds=seconds):
                before = objects_of(self.bucket)
                study.run("edit", "release", release, f"label={seconds}", env=clock(seconds))
                self.assertIn("clock", study.run("sync", env=clock(seconds), code=PARTLY).err)
                self.assertEqual([hold["reason"] for hold in study.status()["holds"]], ["own_clock"])
                self.assertEqual(objects_of(self.bucket), before)
                study.sync()
                kitchen.sync()
                self.assertEqual(self.label(kitchen, release), str(seconds))
                self.settle(study, kitchen)
                self.assert_whole(study, kitchen)

    def test_what_was_written_days_ahead_waits_here_until_the_clock_is_mended(self):
        study, kitchen, release = self.two()
        for seconds in (2 * DAY, 5 * YEAR):
            with self.subTest(seconds=seconds):
                before = objects_of(self.bucket)
                study.run("edit", "release", release, f"label={seconds}", env=clock(seconds))
                ran = study.run("sync", code=PARTLY)
                self.assertIn("--mend-clock", ran.err)
                self.assertEqual(objects_of(self.bucket), before, "changes dated ahead were sent")
                self.assertEqual([hold["reason"] for hold in study.status()["holds"]], ["own_clock"])
                self.assertEqual(self.label(study, release), str(seconds))
                study.run("sync", "--mend-clock", "--yes")
                kitchen.sync()
                self.assertEqual(self.label(kitchen, release), str(seconds))
                self.settle(study, kitchen)
                self.assert_whole(study, kitchen)

    def test_what_was_sent_days_ahead_is_held_by_the_others_until_its_time_comes(self):
        study, kitchen, release = self.two()
        study.run("edit", "release", release, "label=later", env=clock(3 * DAY))
        study.run("sync", env=clock(3 * DAY))
        kitchen.run("edit", "release", release, "country=SE")
        ran = kitchen.run("sync", code=PARTLY)
        self.assertIn("ahead", ran.err)
        self.assertEqual([hold["reason"] for hold in kitchen.status()["holds"]], ["dated_ahead"])
        self.assertNotEqual(self.label(kitchen, release), "later")
        stamps = {json.loads(line).get("_updated_at", "") for line in kitchen.dump().splitlines()}
        self.assertLess(max(stamps)[:13], str(int(time.time() * 1000) + DAY * 1000), "the clock followed a held stamp")
        for home in (kitchen, study, kitchen):
            home.run("sync", env=clock(3 * DAY + HOUR))
        self.assertEqual(self.label(kitchen, release), "later")
        self.assertEqual(kitchen.status()["holds"], [])
        self.assert_same(study, kitchen)

    def test_a_device_that_joined_years_ahead_holds_up_only_itself(self):
        study = self.home("study").init()
        study.run("bucket", "use", self.bucket_url)
        study.sync()
        kitchen = self.home("kitchen")
        kitchen.run("restore", "-", "--name", "kitchen", stdin=study.export(), env=clock(3 * YEAR))
        kitchen.run("sync", env=clock(3 * YEAR))
        study.run("import", self.one)
        study.sync(code=PARTLY)
        self.assertEqual([hold["reason"] for hold in study.status()["holds"]], ["dated_ahead"])
        kitchen.run("sync", env=clock(3 * YEAR))
        self.assertEqual(kitchen.rows("tracks"), study.rows("tracks"))
        study.run("sync", env=clock(3 * YEAR))
        self.assertEqual(study.status()["holds"], [])

    # --- places ----------------------------------------------------------------------------------------------------

    def test_a_bucket_that_vanishes_during_a_sync_is_unreachable_until_it_is_back(self):
        study = self.home("study").init()
        study.run("import", self.one)
        study.run("bucket", "use", self.bucket_url)
        chance, away = random.Random(SEED), self.root / "away"
        for number in range(rounds(4)):
            study.run("tag", "add", f"tag {number}", *[row["id"] for row in study.rows("tracks")])
            rows, at = self.rows_of(study), chance.randrange(1, 120)
            with self.subTest(gone_before=at):
                env = {"LD_PRELOAD": preload("file_journal"), "BAE_JOURNAL_UNDER": str(self.live), "BAE_MOVE_AT": str(at),
                       "BAE_MOVE_FROM": str(self.bucket), "BAE_MOVE_TO": str(away)}
                ran = study.attempt("sync", env=env)
                self.assertIn(ran.code, (DONE, FAILED, PARTLY), ran.err)
                if ran.code != DONE:
                    self.assertIn("bucket", ran.err + ran.out)
                if away.exists():
                    self.assertFalse(self.bucket.exists(), "something was made in its place")
                    self.assertIn("mounted", study.run("sync", code=FAILED).err)
                    self.assertIn("carrier_unreachable", [hold["reason"] for hold in study.status()["holds"]])
                    away.rename(self.bucket)
                self.assertEqual(self.rows_of(study), rows)
        self.finish(study, self.home("kitchen"))

    def test_a_home_that_cannot_be_written_is_named_with_the_remedy(self):
        if os.geteuid() != 0:
            self.skipTest("mounting read-only needs root")
        study, kitchen, release = self.two()
        before = self.rows_of(study)
        script = 'mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
        def readonly(*arguments):
            command = ["unshare", "-m", "sh", "-c", script, str(study.path), PROGRAM, "--home", str(study.path), *map(str, arguments)]
            ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment(self.root))
            return ran.returncode, ran.stdout.decode(), ran.stderr.decode()
        for command in (("import", self.one, "--copy"), ("tag", "add", "evening", release), ("edit", "release", release, "label=x"), ("sync",)):
            code, out, err = readonly(*command)
            with self.subTest(command=command[0]):
                self.assertIn(code, (FAILED, PARTLY), out + err)
                self.assertRegex(out + err, f"{study.path}.*(writable|permissions)")
        self.assertEqual(self.rows_of(study), before)
        self.settle(study, kitchen)
        self.assert_whole(study, kitchen)

    # --- other libraries -------------------------------------------------------------------------------------------

    def test_a_library_of_a_newer_schema_is_left_alone(self):
        study, kitchen, release = self.two()
        before, objects = study.dump(), objects_of(self.bucket)
        version = self.set_version(study, 999)
        for command in (("list", "releases"), ("edit", "release", release, "label=x"), ("import", self.one), ("sync",), ("status",), ("get", release), ("dump",), ("verify",)):
            with self.subTest(command=command[0]):
                self.assertRegex(study.run(*command, code=UPGRADE).err, "newer|upgrade")
        self.assertEqual(objects_of(self.bucket), objects)
        self.assertEqual(self.set_version(study, version), 999)
        self.assertEqual(study.dump(), before)
        self.settle(study, kitchen)
        self.assert_whole(study, kitchen)

    @staticmethod
    def set_version(home, version):
        database = sqlite3.connect(home.path / "library.db")
        before = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute(f"PRAGMA user_version = {version}")
        database.close()
        return before

    def test_a_recovery_code_of_another_library_is_refused_and_leaves_nothing(self):
        study, other = self.home("study").init(), self.home("other").init()
        study.run("bucket", "use", self.bucket_url)
        study.sync()
        other.run("bucket", "use", f"file://{self.live / 'other bucket'}".replace(" ", "%20"))
        other.sync()
        kitchen, objects = self.home("kitchen"), objects_of(self.bucket)
        ran = kitchen.run("restore", "-", "--from", self.bucket_url, stdin=other.export(), code=WRONG_KEY)
        self.assertTrue(ran.err.strip())
        self.assertFalse(self.exists(kitchen))
        self.assertEqual(objects_of(self.bucket), objects)
        kitchen.restore(study.export()).sync()
        self.settle(study, kitchen)
        self.assert_whole(study, kitchen)


if __name__ == "__main__":
    unittest.main()
