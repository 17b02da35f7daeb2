"""Rows of whole commands on one machine: import, lists, a sync over a directory."""
import os
import re
import shutil

from benchmarks.measuring import Failed, best, row, run, seconds


def import_rate(bench, files, music, place=None):
    def measure():
        home = bench.new_home(place and place())
        took = bench.time(home, "import", music, "--quiet")
        shutil.rmtree(home, ignore_errors=True)
        return took
    return files / best(measure)


def imported(bench):
    files = bench.scaled(10_000)
    music = bench.music(files, 40)
    ours = bench.once("import rate", lambda: import_rate(bench, files, music))
    return files, music, ours


def import_against_sha256sum(bench):
    files, music, ours = imported(bench)
    listing = bench.work / "files"
    listing.write_bytes(b"\0".join(os.fsencode(path) for path in sorted(music.rglob("*.flac"))))
    reference = best(lambda: seconds(["sh", "-c", 'xargs -0 -a "$1" -P2 -n64 sha256sum >/dev/null', "sh", listing]))
    return [row("import", f"import {files} FLAC of 40 KB", ours, "files/s", files / reference, "xargs -P2 -n64 sha256sum", 0.30)]


def import_against_beets(bench):
    files, music, ours = imported(bench)
    if not shutil.which("beet"):
        raise Failed("beets is not installed: tools/setup --bench")
    def measure():
        place = bench.fresh("beets")
        place.mkdir()
        (place / "config.yaml").write_text(f"library: {place}/library.db\ndirectory: {place}/music\nplugins: []\nimport:\n    copy: no\n    write: no\n")
        return seconds(["beet", "import", "-qA", music], env={**bench.env, "BEETSDIR": str(place)})
    return [row("import-beets", f"import {files} FLAC of 40 KB", ours, "files/s", files / best(measure), "beet import -qA (no copy, no write)", 12)]


def import_with_bucket(bench):
    files, music, without = imported(bench)
    ours = import_rate(bench, files, music, lambda: bench.fresh("bucket").as_uri())
    return [row("import-bucket", "import with a bucket configured", ours, "files/s", without, "bae import without a bucket", 0.80)]


def list_large(bench):
    tracks = bench.scaled(100_000)
    home = bench.new_home(bench.fresh("bucket").as_uri())
    bench.bae(home, "import", bench.music(tracks, 1), "--quiet")
    status = best(lambda: bench.time(home, "status")) * 1000
    albums = best(lambda: bench.time(home, "list", "albums")) * 1000
    return [row("status", f"bae status, {tracks} tracks", status, "ms", goal=40, at_most=True),
            row("list", f"bae list albums, {tracks} tracks", albums, "ms", goal=150, at_most=True)]


def two_devices(bench, place, tracks):
    """Homes A and B of one library of so many tracks, both synced through `place`. Returns them and the track ids."""
    a = bench.new_home(place)
    bench.bae(a, "import", bench.music(tracks, 1), "--quiet")
    bench.bae(a, "sync")
    return a, bench.second_home(a, place), bench.ids(a, "tracks")


def time_to_b(bench, a, b, ids):
    """Least time of A's sync and B's, after a tag was put on each of these tracks."""
    tags = iter(range(100))
    def measure():
        bench.bae(a, "tag", "add", f"bench{next(tags)}", *ids)
        return bench.time(a, "sync") + bench.time(b, "sync")
    took = best(measure)
    if bench.bae(a, "digest") != bench.bae(b, "digest"):
        raise Failed("the two homes differ after the sync")
    return took


def visible_on_b(bench):
    bucket = bench.fresh("bucket")
    a, b, ids = two_devices(bench, bucket.as_uri(), bench.scaled(10_000))
    took = time_to_b(bench, a, b, ids)
    bench.bae(a, "tag", "add", "traced", *ids)
    traced = bench.work / "strace"
    run(["strace", "-f", "-y", "-e", "trace=fsync,fdatasync,syncfs", "-o", traced, *bench.command(a, "sync")], env=bench.env)
    on_carrier = [line for line in traced.read_text().splitlines() if re.search(r"(fsync|fdatasync|syncfs)\(\d+<" + re.escape(str(bucket)), line)]
    return [row("a-to-b", f"{len(ids)} rows from A to B, both processes", took, "s", goal=0.4, at_most=True),
            row("a-to-b-fsyncs", "fsyncs on the carrier for them", len(on_carrier), "fsyncs", goal=6, at_most=True)]


SOURCES = [(("import",), import_against_sha256sum), (("import-beets",), import_against_beets), (("import-bucket",), import_with_bucket),
           (("status", "list"), list_large), (("a-to-b", "a-to-b-fsyncs"), visible_on_b)]
