#!/usr/bin/env python3
"""A full disk: the home and the bucket each on a small tmpfs of a private mount namespace. A message that names the remedy, nothing
lost, and the same command completes once there is space."""
import ctypes

from fault import *

CLONE_NEWNS, MS_REC, MS_PRIVATE, MS_REMOUNT = 0x20000, 0x4000, 0x40000, 0x20
LIBC = ctypes.CDLL(None, use_errno=True)
PLENTY = 64 << 20
STEPS = int(os.environ.get("BAE_FAULT_STEPS", 6))


def private_mounts():
    """False where that is not allowed."""
    return LIBC.unshare(CLONE_NEWNS) == 0 and LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0


class Volume:
    def __init__(self, path):
        self.path = path
        path.mkdir(parents=True)
        self.mount(PLENTY, 0)

    def mount(self, size, flags):
        if LIBC.mount(b"tmpfs", os.fsencode(str(self.path)), b"tmpfs", flags, f"size={size},mode=700".encode()) != 0:
            raise OSError(ctypes.get_errno(), "mount")

    def used(self):
        info = os.statvfs(self.path)
        return (info.f_blocks - info.f_bfree) * info.f_frsize

    def leave(self, free):
        self.mount(self.used() + free, MS_REMOUNT)

    def enlarge(self):
        self.mount(PLENTY, MS_REMOUNT)

    def remove(self):
        LIBC.umount2(os.fsencode(str(self.path)), 2)


class FullDisk(FaultCase):
    def setUp(self):
        super().setUp()
        self.volumes = {name: Volume(self.live / name) for name in ("a", "b", "c")}
        for volume in self.volumes.values():
            self.addCleanup(volume.remove)

    def home(self, name):
        return Home(self.live / {"study": "a", "kitchen": "b"}[name], name)

    @property
    def bucket(self):
        return self.live / "c" / "bucket"

    def fill(self, volume, home, *arguments, stdin=None):
        """With less and less space too little: all that was committed stays, and it says what to do. Then with enough."""
        need = self.space_needed(volume, home, *arguments, stdin=stdin)
        failures = 0
        for step in range(STEPS):
            free = need * step // STEPS // 4096 * 4096
            volume.enlarge()
            rows, objects = self.rows_of(home), objects_of(self.bucket)
            volume.leave(free)
            with self.subTest(arguments=" ".join(map(str, arguments))[:40], free=free, of=need):
                ran = home.attempt(*arguments, stdin=stdin)
                if ran.code not in (DONE,):
                    failures += 1
                    self.assertIn(ran.code, (FAILED, PARTLY), ran.err)
                    self.assertIn("free some space", ran.err + ran.out)
                volume.enlarge()
                self.assertEqual(rows - self.rows_of(home), set(), "committed rows are gone")
                self.assert_written_once(objects)
        self.assertGreater(failures, 0, "the disk was never full")
        home.run(*arguments, stdin=stdin)

    def space_needed(self, volume, home, *arguments, stdin=None):
        """By doing it once on a copy."""
        copy = self.root / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(volume.path, copy, symlinks=True)
        others = {name: one for name, one in self.volumes.items() if one is not volume}
        for name, one in others.items():
            shutil.copytree(one.path, self.root / f"copy-{name}", symlinks=True)
        before = volume.used()
        home.run(*arguments, stdin=stdin)
        need = volume.used() - before
        self.put_back(volume, copy)
        for name, one in others.items():
            self.put_back(one, self.root / f"copy-{name}")
        return max(need, 64 << 10)

    @staticmethod
    def put_back(volume, copy):
        for entry in volume.path.iterdir():
            shutil.rmtree(entry)
        shutil.copytree(copy, volume.path, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(copy)

    def test_every_command_that_writes_survives_a_full_disk(self):
        study, kitchen = self.home("study"), self.home("kitchen")
        home_of_study, home_of_kitchen, bucket = (self.volumes[name] for name in ("a", "b", "c"))
        study.init()
        self.fill(home_of_study, study, "import", self.one)
        self.fill(home_of_study, study, "import", "--copy", self.more)
        study.run("bucket", "use", self.bucket_url)
        self.fill(bucket, study, "sync")
        study.run("tag", "add", "evening", study.rows("releases")[0]["id"])
        self.fill(home_of_study, study, "edit", "release", study.rows("releases")[0]["id"], "label=" + "long" * 9000)
        study.sync()
        kitchen.restore(study.export())
        self.fill(home_of_kitchen, kitchen, "sync")
        self.fill(home_of_kitchen, kitchen, "get", *[row["id"] for row in kitchen.rows("releases")])
        self.finish(study, kitchen)


if __name__ == "__main__":
    if os.geteuid() != 0 or not private_mounts():
        print("skipped: mounting a small disk needs root")
        sys.exit(SKIPPED)
    unittest.main()
