"""Rows about audio over S3: upload and download against rclone's crypt remote and curl, at the same gateway."""
import os
import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.measuring import Failed, best_of_each, reached, row
from benchmarks.s3_storage import Rclone, gateway

TOTAL = 2 << 30
FILES = 70
PATIENCE_S = 120  # another round is begun only if there is time left of that
TUNED = ("--transfers", "8", "--s3-upload-concurrency", "8", "--s3-chunk-size", "16M")


def audio(bench):
    """Files of 30 MB; fewer and smaller ones at a small scale."""
    files = max(7, round(FILES * bench.scale))
    return bench.music(files, int(TOTAL * min(1, bench.scale)) // 1024 // files)


def size_of(directory):
    return sum(path.stat().st_size for path in Path(directory).rglob("*.flac"))


def gib(bench):
    return TOTAL * bench.scale / (1 << 30)


def against_rclone(name, what, megabytes, ours, defaults, tuned, goal):
    """A row of three times; of rclone's the better one counts."""
    shown = "rclone copy, crypt over s3"
    flags = "" if defaults < tuned else " " + " ".join(TUNED)
    return row(name, what, megabytes / ours, "MB/s", megabytes / min(defaults, tuned), shown + flags, goal)


def uploaded(bench, storage, music):
    """A home whose rows and audio lie at the gateway, and how long sending them took."""
    home = bench.new_home(storage.place())
    bench.bae(home, "import", music, "--quiet")
    return home, bench.time(home, "sync")


def upload(bench):
    music = audio(bench)
    def ours():
        with gateway(bench, gib(bench)) as storage:
            return uploaded(bench, storage, music)[1]
    def rclone(flags):
        with gateway(bench, gib(bench)) as storage:
            return Rclone(bench, storage).copy(music, "sealed:", flags)
    times = best_of_each([ours, lambda: rclone(()), lambda: rclone(TUNED)], bench.times, PATIENCE_S)
    megabytes = size_of(music) / 1e6
    return [against_rclone("s3-upload", f"upload {megabytes:.0f} MB of audio, sealed", megabytes, *times, 1.5)]


def get_once(bench, first, storage):
    home = bench.second_home(first, storage.place())
    os.sync()
    took = bench.time(home, "get", *bench.ids(home, "releases"))
    shutil.rmtree(home)
    return took


def into_new_directory(bench, copy):
    target = bench.fresh("copied")
    target.mkdir()
    os.sync()
    took = copy(target)
    shutil.rmtree(target)
    return took


def curl_once(urls, target):
    """Four at a time, each with a quarter of the list and one connection."""
    lists = [target / f"list-{i}" for i in range(4)]
    for i, listing in enumerate(lists):
        listing.write_text("".join(f'url = "{url}"\noutput = "{target}/{number}"\n' for number, url in list(enumerate(urls))[i::4]))
    start = time.perf_counter()
    running = [subprocess.Popen(["curl", "--silent", "--show-error", "--fail", "--config", str(listing)]) for listing in lists]
    codes = [process.wait() for process in running]
    if any(codes):
        raise Failed(f"curl ended with {codes}")
    return time.perf_counter() - start


def download(bench):
    if not shutil.which("curl"):
        raise Failed("curl is not installed: tools/setup --bench")
    music = audio(bench)
    with gateway(bench, 2 * gib(bench)) as storage:
        home, _ = uploaded(bench, storage, music)
        rclone = Rclone(bench, storage)
        rclone.copy(music, "sealed:", TUNED)
        urls = storage.public_urls("library/storage/")
        copies = [lambda target: rclone.copy("sealed:", target), lambda target: rclone.copy("sealed:", target, TUNED),
                  lambda target: curl_once(urls, target)]
        measures = [lambda: get_once(bench, home, storage)] + [lambda copy=copy: into_new_directory(bench, copy) for copy in copies]
        ours, defaults, tuned, curl = best_of_each(measures, bench.times, PATIENCE_S)
    megabytes = size_of(music) / 1e6
    what = f"get {megabytes:.0f} MB of audio, opened, to files"
    rows = [against_rclone("s3-download", what, megabytes, ours, defaults, tuned, 1.15),
            row("s3-download-curl", what, megabytes / ours, "MB/s", megabytes / curl, "4 curl of the sealed bytes, to files", 0.80)]
    for one, other in (rows, rows[::-1]):
        if reached(other) and not reached(one):
            one["instead"] = other["name"]
    return rows


SOURCES = [(("s3-upload",), upload), (("s3-download", "s3-download-curl"), download)]
