"""Libraries in temporary directories, driven through the real program. $BAE_PROGRAM names it."""
import functools
import hashlib
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

MUSIC = Path(os.environ.get("BAE_TEST_MUSIC", "/usr/share/games/wesnoth/1.16/data/core/music"))
SOURCE = Path(os.environ.get("BAE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "tests/servers"))
from carriers import DirectoryCarrier  # noqa: E402

PROGRAM = os.environ.get("BAE_PROGRAM", str(SOURCE / "build/dev/node/bae"))
SKIPPED = 77  # what ctest takes for skipped

DONE, FAILED, USAGE, PARTLY, NO_LIBRARY, LOCKED, WRONG_KEY, UPGRADE, INTERRUPTED = 0, 1, 2, 3, 10, 11, 12, 13, 130


class Ran:
    def __init__(self, process, out, err):
        self.code, self.out, self.err = process.returncode, out, err

    @property
    def objects(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self):
        return self.objects[-1]

    @property
    def last_line(self):
        return self.out.splitlines()[-1]

    @property
    def killed(self):
        return self.code == -signal.SIGKILL


def environment(root, extra=None):
    """Nothing of the person who runs the tests, and no waiting for storage that will not come back."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BAE_", "XDG_"))}
    env.update(HOME=str(root), XDG_CONFIG_HOME=str(root / "config"), BAE_BUCKET_ATTEMPTS="1", TZ="UTC")
    env.pop("CREDENTIALS_DIRECTORY", None)
    env.update(extra or {})
    return env


class Home:
    """One device: a library home and what is done with it."""

    def __init__(self, root, name, env=None):
        self.root, self.name, self.path, self.env = root, name, root / name, env or {}

    def start(self, *arguments, env=None, stdin=None, under=()):
        command = [*under, PROGRAM, "--home", str(self.path), *map(os.fspath, arguments)]
        return subprocess.Popen(command, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=environment(self.root, {**self.env, **(env or {})}), start_new_session=True)

    def attempt(self, *arguments, env=None, stdin=None, under=()):
        """Runs and says how it ended, whatever that is. `under`: a program that runs it."""
        process = self.start(*arguments, env=env, stdin=stdin, under=under)
        out, err = process.communicate(stdin.encode() if stdin is not None else None)
        return Ran(process, out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape"))

    def run(self, *arguments, code=DONE, env=None, stdin=None, under=()):
        ran = self.attempt(*arguments, env=env, stdin=stdin, under=under)
        if ran.code != code:
            raise AssertionError(f"bae {' '.join(map(str, arguments))} on {self.name}: exit code {ran.code}, expected {code}\n{ran.out}{ran.err}")
        return ran

    def init(self, *arguments):
        ran = self.run("init", "--name", self.name, *arguments)
        self.code = ran.last_line
        return self

    def restore(self, code, *arguments):
        self.run("restore", "-", "--name", self.name, *arguments, stdin=code + "\n")
        return self

    def rows(self, kind, *query):
        return self.run("list", kind, *query, "--json").objects

    def row(self, kind, **columns):
        found = [row for row in self.rows(kind) if all(row[name] == value for name, value in columns.items())]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} {kind} with {columns} on {self.name}")
        return found[0]

    def sync(self, code=DONE):
        return self.run("sync", "--json", code=code).summary

    def status(self):
        return self.run("status", "--json").summary

    def digest(self):
        return self.run("digest").out.strip()

    def dump(self):
        return self.run("dump").out

    def export(self):
        return self.run("identity", "export").last_line


def without_privileges(*folders):
    """What to run a program under so that permissions mean something, with these folders handed over; root ignores them."""
    if os.geteuid() != 0:
        return []
    for folder in folders:
        subprocess.run(["chown", "-R", "65534:65534", str(folder)], check=True)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Case(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="bae-e2e-"))
        self.addCleanup(self._remove)

    def _remove(self):
        subprocess.run(["chmod", "-R", "u+rwX", str(self.root)], check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def home(self, name):
        return Home(self.root, name, self.carrier.environment)

    @functools.cached_property
    def carrier(self):
        """What libraries sync through."""
        return self.make_carrier()

    def make_carrier(self):
        return DirectoryCarrier(self.bucket)

    @property
    def bucket(self):
        return self.root / "bucket"

    @property
    def bucket_url(self):
        return self.carrier.url

    def music(self, count=6, name="music", cover=True):
        """A folder with the smallest real files there are, and a picture."""
        folder = self.root / name
        folder.mkdir()
        for file in sorted(MUSIC.glob("*.ogg"), key=lambda f: f.stat().st_size)[:count]:
            shutil.copy(file, folder)
        if cover:
            (folder / "cover.png").write_bytes(png(64, 48))
        return folder

    def two_devices(self, **music):
        """A library with music on `study`, restored on `kitchen`, both synced."""
        study = self.home("study").init()
        study.run("import", self.music(**music))
        study.run("bucket", "use", self.bucket_url)
        study.sync()
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        study.sync()
        return study, kitchen

    def settle(self, *homes):
        """Syncs until nobody has anything to say."""
        for _ in range(5):
            rounds = [home.sync() for home in homes]
            if not any(round["received"] or round["bytes_sent"] for round in rounds):  # a head that was late is sent alone
                return
        self.fail("does not settle")

    def assert_same(self, *homes):
        first = homes[0]
        for other in homes[1:]:
            self.assertEqual(first.dump(), other.dump(), f"{first.name} and {other.name} differ")
            self.assertEqual(first.digest(), other.digest(), "equal dumps, different digests")


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes([row % 256, 90, 160]) * width for row in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tree(folder):
    """Every file below, with its bytes' hash."""
    return {str(path.relative_to(folder)): sha256(path) for path in Path(folder).rglob("*") if path.is_file()}


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def audio_hashes(folder):
    return sorted(sha256(file) for file in Path(folder).rglob("*.ogg"))


def require_music():
    if not any(MUSIC.glob("*.ogg")):
        print(f"skipped: no music in {MUSIC} (tools/setup --tests brings it)")
        sys.exit(SKIPPED)


def main():
    require_music()
    unittest.main()
