"""What the fault tests share: a small library of generated music, and what must hold however a device was treated."""
import os
import sys
from pathlib import Path

SOURCE = Path(os.environ.get("BAE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/e2e"))
from homes import *  # noqa: E402

SEED = int(os.environ.get("BAE_SEED", random.SystemRandom().randrange(1 << 32)))
FILES = int(os.environ.get("BAE_FAULT_FILES", 30))
if "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 1 << 30:
    tempfile.tempdir = "/dev/shm"  # thousands of fsyncs that need not reach a disk
REPLACED = ("heads/", ".tmp/")  # all else in a bucket is written once


def preload(name):
    """A library of this folder, which the build puts beside the tests."""
    folder = Path(os.environ.get("BAE_FAULT_LIBRARIES", SOURCE / "build/dev/tests/fault"))
    return str(folder / f"lib{name}.so")


def clock(seconds):
    """The environment of a program whose clock is so far ahead."""
    return {"LD_PRELOAD": preload("clock_shift"), "BAE_CLOCK_SHIFT": str(seconds)}


def rounds(default):
    return int(os.environ.get("BAE_FAULT_ROUNDS", default))


def make_music(folder, *options):
    subprocess.run([sys.executable, str(SOURCE / "tools/make-music"), str(folder), *options], check=True, stdout=subprocess.DEVNULL)


def objects_of(bucket):
    """What must never change: path and hash of every object that is written once."""
    found = {}
    for file in bucket.rglob("*") if bucket.exists() else ():
        path = str(file.relative_to(bucket))
        if file.is_file() and not path.startswith(REPLACED):
            found[path] = sha256(file)
    return found


class FaultCase(Case):
    def setUp(self):
        super().setUp()
        print(f"seed {SEED} (BAE_SEED)", file=sys.stderr)
        self.live = self.root / "live"
        self.live.mkdir()
        self.one, self.more = self.root / "one", self.root / "more"
        make_music(self.one, "--files", str(FILES // 2), "--kb", "8", "--artwork", "--seed", "1")
        make_music(self.more, "--files", str(FILES - FILES // 2), "--kb", "8", "--artwork", "--seed", "2")
        self.audio = sorted(sha256(file) for folder in (self.one, self.more) for file in folder.rglob("*.flac"))

    def home(self, name):
        return Home(self.live, name, self.carrier.environment)

    @property
    def bucket(self):
        return self.live / "bucket"

    def exists(self, home):
        ran = home.attempt("digest")
        self.assertIn(ran.code, (DONE, NO_LIBRARY), ran.err)
        return ran.code == DONE

    def rows_of(self, home):
        return set(home.dump().splitlines()) if self.exists(home) else set()

    def finish_study(self, study):
        if not self.exists(study):
            study.init()
        study.run("import", self.one)
        study.run("import", "--copy", self.more)
        study.run("bucket", "use", self.bucket_url)
        study.sync()

    def finish(self, study, kitchen, *others, env=None):
        """Whatever happened: do what was wanted, until both have everything; then look at everything."""
        self.finish_study(study)
        if not self.exists(kitchen):
            kitchen.restore(study.export())
        kitchen.sync()
        self.settle(study, kitchen, *others)
        kitchen.run("get", *[row["id"] for row in kitchen.rows("releases")])
        self.assert_whole(study, kitchen, *others)
        self.assertEqual(sorted(sha256(file) for file in (kitchen.path / "files").rglob("*.flac")), self.audio)
        kitchen.run("verify", "--files")

    def assert_whole(self, *homes):
        self.assert_same(*homes)
        for home in homes:
            status = home.status()
            self.assertEqual((status["pending"], status["holds"]), (0, []), home.name)
            home.run("verify", *(["--files"] if home is homes[0] else []))

    def assert_written_once(self, before):
        now = objects_of(self.bucket)
        self.assertEqual({path: now.get(path) for path in before}, before, "objects of the bucket changed")
