"""Rows about audio over S3: upload and download against rclone's crypt remote and curl, at the same gateway."""
import os
import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.measuring import Failed, best, reached, row, run
from benchmarks.s3_storage import Rclone, gateway

TOTAL = 2 << 30
FILES = 70
PATIENCE_S = 90  # a figure is measured again only if there is time left of that
DEFAULTS, TUNED = (), ("--transfers", "8", "--s3-upload-concurrency", "8", "--s3-chunk-size", "16M")


def audio(bench):
    """Files of 30 MB; fewer and smaller ones at a small scale."""
    files = max(7, round(FILES * bench.scale))
    return bench.music(files, int(TOTAL * min(1, bench.scale)) // 1024 // files)


def size_of(directory):
    return sum(path.stat().st_size for path in Path(directory).rglob("*.flac"))


def gib(bench):
    return TOTAL * bench.scale / (1 << 30)


def rate(megabytes, seconds_by_flags):
    """Of the flags that took the least time: MB/s, and how the command is shown."""
    flags, took = min(seconds_by_flags.items(), key=lambda item: item[1])
    return megabytes / took, " ".join(["rclone copy, crypt over s3", *(flags or ["(defaults)"])])


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
    def reference(flags):
        with gateway(bench, gib(bench)) as storage:
            return Rclone(bench, storage).copy(music, "sealed:", flags)
    took = {flags: best(lambda: reference(flags), bench.times, PATIENCE_S / 2) for flags in (DEFAULTS, TUNED)}
    megabytes = size_of(music) / 1e6
    return [row("s3-upload", f"upload {megabytes:.0f} MB of audio, sealed", megabytes / best(ours, bench.times, PATIENCE_S), "MB/s",
                *rate(megabytes, took), 1.5)]


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


def curl(bench, storage):
    if not shutil.which("curl"):
        raise Failed("curl is not installed: tools/setup --bench")
    urls = storage.public_urls("library/storage/")
    return best(lambda: into_new_directory(bench, lambda target: curl_once(urls, target)), bench.times, PATIENCE_S / 2)


def download(bench):
    music = audio(bench)
    with gateway(bench, 2 * gib(bench)) as storage:
        home, _ = uploaded(bench, storage, music)
        rclone = Rclone(bench, storage)
        rclone.copy(music, "sealed:", TUNED)
        took = {flags: best(lambda: into_new_directory(bench, lambda target: rclone.copy("sealed:", target, flags)), bench.times, PATIENCE_S / 2)
                for flags in (DEFAULTS, TUNED)}
        curled = curl(bench, storage)
        ours = best(lambda: get_once(bench, home, storage), bench.times, PATIENCE_S)
    megabytes = size_of(music) / 1e6
    what = f"get {megabytes:.0f} MB of audio, opened, to files"
    rows = [row("s3-download", what, megabytes / ours, "MB/s", *rate(megabytes, took), 1.15),
            row("s3-download-curl", what, megabytes / ours, "MB/s", megabytes / curled, "4 curl of the sealed bytes, to files", 0.80)]
    for one, other in (rows, rows[::-1]):
        if reached(other) and not reached(one):
            one["instead"] = other["name"]
    return rows


SOURCES = [(("s3-upload",), upload), (("s3-download", "s3-download-curl"), download)]
