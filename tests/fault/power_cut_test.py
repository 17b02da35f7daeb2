#!/usr/bin/env python3
"""The power goes: what was not fsynced is lost, kept or cut. What was reported as done before is there, sync completes, and all
devices are equal. Each of study, kitchen and bucket may be a machine of its own, so each loses its power alone, too.
BAE_FAULT_ROUNDS: how many cuts at random besides those right after each command; BAE_FAULT_CUT=n,mode,machines,seed: only this."""
import copy

from disk import CHANCE, DROP, Disk, read_journal
from fault import *

TEN_MINUTES = 11 * 60  # by then a node looks again at what it wrote without fsync


class Mark:
    """After a command: how far the journal was, and what each device held."""

    def __init__(self, label, at, rows, files):
        self.label, self.at, self.rows, self.files = label, at, rows, files


class PowerCut(FaultCase):
    def setUp(self):
        super().setUp()
        self.study, self.kitchen = self.home("study"), self.home("kitchen")
        for name in ("study", "kitchen", "bucket"):
            (self.live / name).mkdir()  # mounted, so to speak
        self.journal, self.marks = self.root / "journal", []
        self.start = Disk(self.live)
        self.live_once()
        self.records = read_journal(self.journal)

    def do(self, home, *arguments, stdin=None):
        env = self.env()
        ran = home.run(*arguments, stdin=stdin, env=env)
        at = len(read_journal(self.journal))
        rows = {one.name: set(self.looked_at(one, env)) for one in (self.study, self.kitchen)}
        files = {one.name: self.audio_of(one) for one in (self.study, self.kitchen)}
        self.marks.append(Mark(" ".join(map(str, (home.name, *arguments)))[:70], at, rows, files))
        return ran

    def looked_at(self, home, env):
        """With the journal: who opens a database last tidies it up."""
        ran = home.attempt("dump", env=env)
        return ran.out.splitlines() if ran.code == DONE else []

    def audio_of(self, home):
        return sorted(sha256(file) for file in (home.path / "files").rglob("*.flac"))

    def live_once(self):
        study, kitchen = self.study, self.kitchen
        self.do(study, "init", "--name", "study")
        self.do(study, "import", "--copy", self.more)
        self.do(study, "bucket", "use", self.bucket_url)
        self.do(study, "sync")
        self.do(study, "import", self.one)
        self.do(kitchen, "restore", "-", "--name", "kitchen", "--from", self.bucket_url, stdin=study.run("identity", "export", env=self.env()).last_line)
        self.do(kitchen, "sync")
        release = kitchen.run("list", "releases", "--json", env=self.env()).objects[0]["id"]
        self.do(kitchen, "get", release)
        self.do(study, "tag", "add", "evening", release)
        self.do(study, "edit", "release", release, "label=Study")
        self.do(study, "sync")
        self.do(kitchen, "sync")
        self.do(kitchen, "edit", "release", release, "country=SE")
        self.do(kitchen, "sync")
        self.do(study, "sync")
        self.do(kitchen, "sync")

    def env(self):
        return {"LD_PRELOAD": preload("file_journal"), "BAE_JOURNAL_UNDER": str(self.live), "BAE_JOURNAL": str(self.journal)}

    # --- cutting ---------------------------------------------------------------------------------------------------

    def test_what_was_reported_survives_a_power_cut(self):
        chance = random.Random(SEED)
        cuts = [(mark.at, DROP, "all") for mark in self.marks]
        for mark in self.marks[1::2]:
            cuts.append((mark.at, CHANCE, chance.choice(("study", "kitchen", "bucket"))))
        for _ in range(rounds(12)):
            cuts.append((chance.randrange(1, len(self.records)), chance.choice((DROP, CHANCE)), chance.choice(("all", "study", "kitchen", "bucket"))))
        if "BAE_FAULT_CUT" in os.environ:
            at, mode, machines, seed = os.environ["BAE_FAULT_CUT"].split(",")
            return self.cut(int(at), mode, machines, int(seed))
        for at, mode, machines in cuts:
            with self.subTest(BAE_FAULT_CUT=f"{at},{mode},{machines},{SEED}"):
                self.cut(at, mode, machines, SEED)

    def cut(self, at, mode, machines, seed):
        disk = copy.deepcopy(self.start).replay(self.records[:at])
        names = ("study", "kitchen", "bucket")
        disk.write_out(self.live, {name: mode for name in (names if machines == "all" else (machines,))}, f"{seed}{at}")
        self.assert_nothing_reported_is_lost(at)
        objects = objects_of(self.bucket)
        self.go_on()
        self.assert_written_once(objects)

    def assert_nothing_reported_is_lost(self, at):
        before = max((mark for mark in self.marks if mark.at <= at), key=lambda mark: mark.at, default=None)
        if before is None:
            return
        after = min((mark for mark in self.marks if mark.at >= at), key=lambda mark: mark.at, default=before)
        for home in (self.study, self.kitchen):
            kept = before.rows[home.name] & after.rows[home.name]
            self.assertEqual(kept - self.rows_of(home), set(), f"rows that were there after '{before.label}' are lost on {home.name}")
            audio = self.audio_of(home)
            self.assertEqual([one for one in before.files[home.name] if one not in audio], [], f"audio of {home.name} is lost after '{before.label}'")

    def go_on(self):
        self.finish_study(self.study)
        if not self.exists(self.kitchen):
            self.kitchen.restore(self.study.export())
        self.kitchen.sync()
        self.settle(self.study, self.kitchen)
        for home in (self.study, self.kitchen):
            home.run("sync", env=clock(TEN_MINUTES))
            home.run("tag", "add", f"after {home.name}", home.rows("releases")[0]["id"])  # news, and with it a whole head in every mirror
        self.finish(self.study, self.kitchen)
        for home in (self.study, self.kitchen):
            self.assertEqual(home.status()["alarms"], [])


if __name__ == "__main__":
    main()
