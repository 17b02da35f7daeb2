#!/usr/bin/env python3
"""kill -9 at every named crash point and at random instants: nothing committed is lost, and the next try completes."""
from concurrent.futures import ThreadPoolExecutor

from homes import *

POINT = re.compile(r'CRASH_POINT\("([^"]+)"\)')
SEED = int(os.environ.get("BAE_SEED", random.SystemRandom().randrange(1 << 32)))


def points_in_the_sources():
    names = set()
    for folder in ("crypto", "s3", "sync", "dht", "node"):
        for file in (SOURCE / folder).rglob("*.cpp"):
            names.update(POINT.findall(file.read_text(encoding="utf-8")))
    return names


class Story:
    """A life of two devices and a copy of one, through every command that writes. Each step may be killed once; it is then tried again."""

    def __init__(self, case, root, env):
        self.case, self.env, self.kills = case, env, 0
        self.study, self.kitchen, self.twin = (Home(root, name) for name in ("study", "kitchen", "twin"))
        self.root, self.bucket = root, root / "bucket"

    def step(self, home, *arguments, stdin=None, done=lambda ran: ran.code == DONE):
        ran = home.attempt(*arguments, env=self.env, stdin=stdin)
        while ran.killed:
            self.kills += 1
            self.case.assertLess(self.kills, 50)
            ran = home.attempt(*arguments, env=self.again(), stdin=stdin)
        self.case.assertTrue(done(ran), f"{arguments} on {home.name}: {ran.code}\n{ran.out}{ran.err}")
        return ran

    def again(self):
        return {name: value for name, value in self.env.items() if name != "BAE_CRASH_AT"}

    def make(self, home, *arguments, stdin=None):
        """init or restore: either there is no library yet, or it is whole and the second try finds it."""
        self.step(home, *arguments, stdin=stdin, done=lambda ran: ran.code == DONE or "library already" in ran.err)

    def live(self, music, more):
        study, kitchen, twin = self.study, self.kitchen, self.twin
        self.make(study, "init", "--name", "study")
        self.step(study, "import", music)
        self.step(study, "import", "--copy", more)
        self.step(study, "bucket", "use", f"file://{self.bucket}")
        self.step(study, "sync")
        code = study.run("identity", "export", env=self.again()).last_line
        self.make(kitchen, "restore", "-", "--name", "kitchen", stdin=code)
        self.step(kitchen, "sync")
        self.release = study.rows("releases")[0]["id"]
        self.step(study, "edit", "release", self.release, "label=Study")
        self.step(kitchen, "edit", "release", self.release, "country=SE")
        for home in (study, kitchen, study):
            self.step(home, "sync")
        self.step(kitchen, "get", *[row["id"] for row in kitchen.rows("releases")])
        self.copy_the_kitchen()

    def copy_the_kitchen(self):
        shutil.copytree(self.kitchen.path, self.twin.path)
        self.step(self.kitchen, "edit", "release", self.release, "date=2001")
        self.step(self.kitchen, "sync")
        self.step(self.twin, "edit", "release", self.release, "media=CD")
        self.step(self.twin, "sync", done=lambda ran: ran.code in (DONE, PARTLY))

    def check(self, files):
        self.case.settle(self.study, self.kitchen, self.twin)
        row = self.study.row("releases", id=self.release)
        self.case.assertEqual((row["label"], row["country"], row["date"], row["media"]), ("Study", "SE", "2001", "CD"))
        self.case.assertEqual(audio_hashes(self.kitchen.path / "files"), files)
        self.case.assert_same(self.study, self.kitchen, self.twin)
        for home in (self.study, self.kitchen):
            home.run("verify", "--files")


class Crash(Case):
    def setUp(self):
        super().setUp()
        self.one = self.music(count=1, name="one")
        self.more = self.root / "more"
        self.more.mkdir()
        for file in sorted(MUSIC.glob("*.ogg"), key=lambda f: f.stat().st_size)[1:4]:
            shutil.copy(file, self.more)
        self.files = sorted(audio_hashes(self.one) + audio_hashes(self.more))

    def tell(self, name, env):
        root = self.root / name
        root.mkdir()
        story = Story(self, root, env)
        story.live(self.one, self.more)
        story.check(self.files)
        shutil.rmtree(root)
        return story

    def test_every_crash_point_is_reached_and_survived(self):
        names = points_in_the_sources()
        self.assertTrue(names)
        log = self.root / "reached"
        self.tell("unharmed", {"BAE_CRASH_LOG": str(log)})
        self.assertEqual(names - set(log.read_text().splitlines()), set(), "crash points that no test reaches")
        with ThreadPoolExecutor(4) as pool:
            stories = {name: pool.submit(self.tell, f"story{number}", {"BAE_CRASH_AT": name}) for number, name in enumerate(sorted(names))}
        for name, story in stories.items():
            with self.subTest(name):
                self.assertGreater(story.result().kills, 0, "it did not die")

    def test_random_instants_of_import_sync_and_get(self):
        print(f"seed {SEED} (BAE_SEED)", file=sys.stderr)
        chance = random.Random(SEED)
        study = self.home("study").init()
        study.run("bucket", "use", self.bucket_url)
        kitchen = None
        for _ in range(6):
            self.kill_somewhere(chance, study, "import", self.one)
            self.kill_somewhere(chance, study, "import", "--copy", self.more)
            self.kill_somewhere(chance, study, "sync")
        study.run("import", self.one)
        study.run("import", "--copy", self.more)
        study.sync()
        kitchen = self.home("kitchen").restore(study.export())
        for _ in range(6):
            self.kill_somewhere(chance, kitchen, "sync")
        kitchen.sync()
        releases = [row["id"] for row in kitchen.rows("releases")]
        for _ in range(10):
            self.kill_somewhere(chance, kitchen, "get", *releases)
        kitchen.run("get", *releases)
        self.assertEqual(audio_hashes(kitchen.path / "files"), self.files)
        self.settle(study, kitchen)
        self.assert_same(study, kitchen)
        for home in (study, kitchen):
            home.run("verify", "--files")

    def kill_somewhere(self, chance, home, *arguments):
        process = home.start(*arguments)
        try:
            process.wait(timeout=chance.uniform(0.001, 0.08))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()


if __name__ == "__main__":
    main()
