#!/usr/bin/env python3
"""Several processes write and sync one library at once, a few of them killed; a second home then converges.
BAE_FAULT_ROUNDS: how often each loop goes round."""
from concurrent.futures import ThreadPoolExecutor

from fault import *

POINTS = ("write: before commit", "write: after commit", "push: sealed", "push: in the mirror", "push: recorded", "push: sent", "push: head sent",
          "import: before commit", "merge: before commit", "pull: fetched")


class TwoProcesses(FaultCase):
    def test_imports_edits_and_syncs_at_once_lose_nothing(self):
        study, kitchen = self.home("study").init(), self.home("kitchen")
        study.run("import", self.one)
        study.run("bucket", "use", self.bucket_url)
        study.sync()
        kitchen.restore(study.export()).sync()
        self.tracks = [row["id"] for row in study.rows("tracks")]
        self.chance = random.Random(SEED)
        self.rounds = rounds(20)
        with ThreadPoolExecutor(6) as pool:
            loops = [pool.submit(self.tag, study, "study"), pool.submit(self.tag, study, "desk"), pool.submit(self.tag, kitchen, "kitchen"),
                     pool.submit(self.sync, study), pool.submit(self.sync, study), pool.submit(self.sync, kitchen)]
            loops.append(pool.submit(self.imports, study))
            for loop in loops:
                loop.result()
        self.finish(study, kitchen)
        reported = {tag for loop in loops for tag in loop.result() or ()}
        tags = {row["name"] for row in kitchen.rows("tags")}
        self.assertEqual(reported - tags, set(), "tags whose commit was reported are gone")
        self.assertGreaterEqual(len(reported), self.rounds)

    def doomed(self):
        """Now and then the order to die somewhere."""
        return {"BAE_CRASH_AT": self.chance.choice(POINTS)} if self.chance.random() < 0.3 else {}

    def tag(self, home, word):
        reported = []
        for number in range(self.rounds):
            ran = home.attempt("tag", "add", f"{word} {number}", *self.chance.sample(self.tracks, 3), env=self.doomed())
            self.assertTrue(ran.code == DONE or ran.killed, ran.err)
            if ran.code == DONE:
                reported.append(f"{word} {number}")
        return reported

    def sync(self, home):
        for _ in range(self.rounds):
            ran = home.attempt("sync", env=self.doomed())
            self.assertTrue(ran.code in (DONE, PARTLY, LOCKED) or ran.killed, f"{ran.code} {ran.out} {ran.err}")

    def imports(self, home):
        for number in range(3):
            ran = home.attempt("import", "--copy", self.more, env=self.doomed())
            self.assertTrue(ran.code == DONE or ran.killed, ran.err)


if __name__ == "__main__":
    unittest.main()
