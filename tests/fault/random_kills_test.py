#!/usr/bin/env python3
"""kill -9 before the n-th operation on a file, n at random, of import, sync on either side, restore and get: nothing committed is
lost, nothing is sent twice with different bytes, and the next try completes. BAE_FAULT_ROUNDS: how many lives."""
from disk import read_journal
from fault import *


class RandomKills(FaultCase):
    def operations(self, home, *arguments, stdin=None):
        """How many a run without harm does; on a copy, so that the run itself has still to come."""
        copy, journal = self.root / "copy", self.root / "journal"
        journal.unlink(missing_ok=True)
        shutil.copytree(self.live, copy, symlinks=True)
        home.run(*arguments, stdin=stdin, env=self.preloaded(BAE_JOURNAL=str(journal)))
        shutil.rmtree(self.live)
        copy.rename(self.live)
        return len(read_journal(journal))

    def preloaded(self, **variables):
        return {"LD_PRELOAD": preload("file_journal"), "BAE_JOURNAL_UNDER": str(self.live), **variables}

    def harm(self, home, *arguments, stdin=None):
        """Kills twice somewhere in it, then lets it end. Threads may order things differently each time: then it lives."""
        total = self.operations(home, *arguments, stdin=stdin)
        for _ in range(2):
            at = self.chance.randrange(1, total + 1)
            objects, rows = objects_of(self.bucket), self.rows_of(home)
            with self.subTest(arguments=" ".join(map(str, arguments))[:60], killed_before=at, of=total):
                ran = home.attempt(*arguments, stdin=stdin, env=self.preloaded(BAE_KILL_AT=str(at)))
                self.kills += ran.killed
                self.assert_written_once(objects)
                self.assertEqual({line for line in rows - self.rows_of(home) if not self.may_change(line)}, set(), "committed rows are gone")
        ran = home.attempt(*arguments, stdin=stdin)
        self.assertTrue(ran.code == DONE or "library already" in ran.err, ran.err)

    def may_change(self, line):
        return self.edited in line

    def test_a_life_with_kills(self):
        self.chance, self.kills = random.Random(SEED), 0
        for number in range(rounds(2)):
            with self.subTest(life=number):
                self.live_once()
        print(f"{self.kills} kills", file=sys.stderr)
        self.assertGreater(self.kills, 10)

    def live_once(self):
        shutil.rmtree(self.live)
        self.live.mkdir()
        self.edited = "nothing yet"
        study, kitchen = self.home("study"), self.home("kitchen")
        self.harm(study, "init", "--name", "study")
        self.harm(study, "import", self.one)
        self.harm(study, "import", "--copy", self.more)
        self.harm(study, "bucket", "use", self.bucket_url)
        self.harm(study, "sync")
        self.harm(kitchen, "restore", "-", "--name", "kitchen", stdin=study.export())
        self.harm(kitchen, "sync")
        releases = [row["id"] for row in kitchen.rows("releases")]
        self.harm(kitchen, "get", *releases)
        self.edited = releases[0]
        self.harm(kitchen, "edit", "release", releases[0], "country=SE")
        self.harm(study, "edit", "release", releases[0], "label=Study")
        for home in (kitchen, study, kitchen):
            self.harm(home, "sync")
        self.finish(study, kitchen)
        row = study.row("releases", id=releases[0])
        self.assertEqual((row["country"], row["label"]), ("SE", "Study"))


if __name__ == "__main__":
    main()
