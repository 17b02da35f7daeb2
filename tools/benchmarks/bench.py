"""What the rows share: where the program lies, homes, music."""
import json
import os
from pathlib import Path

from benchmarks.measuring import run, seconds

ROOT = Path(__file__).resolve().parents[2]


class Bench:
    """`only`: words of which a row's name must contain one; empty: every row."""

    def __init__(self, scale, work, build, only=()):
        self.scale, self.work, self.build, self.only, self.count = scale, work, build, only, 0
        self.times = 3 if scale > 0.1 else 1  # that what takes long is measured
        self.program = build / "node" / "bae"
        places = {name: str(work / "xdg" / name) for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "BEETSDIR")}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RCLONE_"))}
        self.env = {**kept, **places, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
        self.made = {}

    def wants(self, *names):
        return not self.only or any(word in name for word in self.only for name in names)

    def scaled(self, number):
        return max(10, int(number * self.scale))

    def fresh(self, name):
        self.count += 1
        return self.work / f"{name}-{self.count}"

    def bae(self, home, *arguments, **how):
        return run(self.command(home, *arguments), env=self.env, **how)

    def command(self, home, *arguments):
        return [self.program, "--home", home, *arguments]

    def time(self, home, *arguments, **how):
        return seconds(self.command(home, *arguments), env=self.env, **how)

    def once(self, name, make):
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    def music(self, files, kilobytes):
        def make():
            directory = self.work / f"music-{files}-{kilobytes}"
            run([ROOT / "tools" / "make-music", directory, "--files", files, "--kb", kilobytes])
            run(["sh", "-c", 'find "$1" -type f -exec cat {} + >/dev/null', "sh", directory])  # warm
            return directory
        return self.once(f"music {files} {kilobytes}", make)

    def new_home(self, place=None):
        """Syncs through `place`, a URL, if one is given."""
        home = self.fresh("home")
        self.bae(home, "init", "--name", f"bench{self.count}")
        if place:
            self.bae(home, "bucket", "use", place)
        return home

    def second_home(self, first, place):
        """Another device of the same person, with everything that is at `place`."""
        code = self.bae(first, "identity", "export").strip().splitlines()[-1]
        home = self.fresh("home")
        self.bae(home, "restore", "-", "--from", place, stdin=code + "\n")
        self.bae(home, "sync", partly=True)
        return home

    def ids(self, home, kind):
        return [json.loads(line)["id"] for line in self.bae(home, "list", kind, "--json").splitlines() if '"id"' in line]
