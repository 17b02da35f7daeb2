#!/usr/bin/env python3
"""kill -9 at every named crash point, at its first passes: nothing committed is lost, nothing is sent twice with different
bytes, and the next try completes. BAE_FAULT_PASSES: how many passes; BAE_FAULT_POINT: one point only; BAE_FAULT_PART=i/n."""
from fault import *

POINT = re.compile(r'CRASH_POINT\("([^"]+)"\)')
PASSES = int(os.environ.get("BAE_FAULT_PASSES", 3))
PART, PARTS = map(int, os.environ.get("BAE_FAULT_PART", "0/1").split("/"))


def points_in_the_sources():
    """Those of the S3 client ("s3: ...") lie behind a server; tests/s3/multipart_test.cpp kills at each of its requests."""
    names = []
    for folder in ("crypto", "s3", "sync", "dht", "node"):
        for file in sorted((SOURCE / folder).rglob("*.cpp")):
            names += POINT.findall(file.read_text(encoding="utf-8"))
    return sorted(name for name in set(names) if not name.startswith("s3: "))


class Step:
    def __init__(self, home, *arguments, stdin=None, codes=(DONE,), before=lambda: None):
        self.home, self.arguments, self.stdin, self.codes, self.before = home, arguments, stdin, codes, before


class CrashPoints(FaultCase):
    def steps(self):
        """Every command that writes, in a life of two devices and a copy of one of them; as it goes."""
        study, kitchen, twin = self.homes
        yield Step(study, "init", "--name", "study")
        yield Step(study, "import", self.one)
        yield Step(study, "import", "--copy", self.more)
        yield Step(study, "tag", "add", "evening", study.rows("releases")[0]["id"])
        yield Step(study, "bucket", "use", self.bucket_url)
        yield Step(study, "sync")
        yield Step(kitchen, "restore", "-", "--name", "kitchen", stdin=study.export())
        yield Step(kitchen, "sync")
        releases = [row["id"] for row in kitchen.rows("releases")]
        yield Step(kitchen, "get", *releases)
        yield Step(kitchen, "edit", "release", releases[0], "country=SE")
        yield Step(study, "edit", "release", releases[0], "label=Study")
        yield Step(kitchen, "sync")
        yield Step(study, "sync")
        yield Step(kitchen, "edit", "release", releases[1], "date=2001", before=lambda: shutil.copytree(kitchen.path, twin.path))
        yield Step(kitchen, "sync")
        yield Step(twin, "edit", "release", releases[1], "media=CD")
        yield Step(twin, "sync", codes=(DONE, PARTLY))

    def setUp(self):
        super().setUp()
        self.homes = [self.home(name) for name in ("study", "kitchen", "twin")]
        self.reached, self.done, self.rows = [], [], []
        for number, step in enumerate(self.steps()):
            self.tell(number, step)

    def tell(self, number, step):
        """The story without harm; what it looked like before each step is kept."""
        step.before()
        self.rows.append(self.rows_of(step.home))
        shutil.copytree(self.live, self.root / f"before{number}", symlinks=True)
        log = self.root / "log"
        ran = step.home.attempt(*step.arguments, env={"BAE_CRASH_LOG": str(log)}, stdin=step.stdin)
        self.assertIn(ran.code, step.codes, ran.err)
        self.reached.append(set(log.read_text().splitlines()) if log.exists() else set())
        log.unlink(missing_ok=True)
        self.done.append(step)
        self.rows.append(self.rows_of(step.home))

    def steps_that_reach(self, point):
        return [number for number, reached in enumerate(self.reached) if point in reached]

    def test_every_crash_point_is_reached_and_survived(self):
        names = points_in_the_sources()
        self.assertTrue(names)
        self.assertEqual([name for name in names if not self.steps_that_reach(name)], [], "crash points that no test reaches")
        wanted = [name for name in names if name == os.environ.get("BAE_FAULT_POINT", name)]
        for name in wanted[PART::PARTS]:
            steps = self.steps_that_reach(name)
            for passed in range(1, PASSES + 1):
                number = steps[0] if passed == 1 else steps[-1]
                with self.subTest(point=name, passed=passed, step=" ".join(map(str, self.done[number].arguments))[:60]):
                    self.die_and_go_on(number, name, passed)

    def die_and_go_on(self, number, name, passed):
        step = self.done[number]
        shutil.rmtree(self.live)
        shutil.copytree(self.root / f"before{number}", self.live, symlinks=True)
        ran = step.home.attempt(*step.arguments, env={"BAE_CRASH_AT": f"{name}:{passed}"}, stdin=step.stdin)
        if passed > 1 and not ran.killed:
            return  # there is no such pass
        self.assertTrue(ran.killed, f"it did not die: {ran.code}\n{ran.err}")
        objects = objects_of(self.bucket)
        kept = self.rows[2 * number] & self.rows[2 * number + 1]
        self.assertEqual(kept - self.rows_of(step.home), set(), "committed rows are gone")
        ran = step.home.attempt(*step.arguments, stdin=step.stdin)
        self.assertTrue(ran.code in step.codes or "library already" in ran.err, ran.err)
        study, kitchen, twin = self.homes
        self.finish(study, kitchen, *([twin] if self.exists(twin) else []))
        self.assert_written_once(objects)
        self.assert_edits_of(number)

    def assert_edits_of(self, last):
        """What was reported as done is there at the end, on every device."""
        for step in self.done[:last + 1]:
            if step.arguments[0] == "edit":
                column, value = step.arguments[3].split("=")
                self.assertEqual(self.homes[1].row("releases", id=step.arguments[2])[column], value)


if __name__ == "__main__":
    main()
