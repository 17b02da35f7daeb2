"""Rows about a slow link: how much of it audio fills, and in how many round trips one edit is seen."""
from benchmarks.commands import two_devices
from benchmarks.measuring import best, row
from benchmarks.s3_blobs import size_of
from benchmarks.s3_storage import gateway, link

LINK = 20e6 / 8  # bytes per second
ROUND_TRIP_MS = 150
AUDIO = 48 << 20
FILES = 6
MODEL = f"a link of {LINK * 8 / 1e6:.0f} Mbit/s, {ROUND_TRIP_MS} ms"


def of_the_link(bench, storage):
    """Of an upload and a download, from the start of the program to its end; the library is there already."""
    music = bench.music(FILES, max(200, int(AUDIO * bench.scale) // 1024 // FILES))
    with link(storage) as quick:
        place = storage.place(quick.endpoint, "audio")
        a, *_ = two_devices(bench, place, 10)
        bench.bae(a, "import", music, "--quiet")
    with link(storage, ROUND_TRIP_MS, LINK, quick.address):
        up = bench.time(a, "sync")
    with link(storage, address=quick.address):
        b = bench.second_home(a, place)
    with link(storage, ROUND_TRIP_MS, LINK, quick.address):
        down = bench.time(b, "get", *bench.ids(b, "releases"))
    megabytes = size_of(music) / 1e6
    return [row(name, f"{verb} {megabytes:.0f} MB of audio", megabytes / took, "MB/s", LINK / 1e6, MODEL, 0.9)
            for name, verb, took in (("s3-slow-upload", "upload", up), ("s3-slow-download", "get", down))]


def time_of_edit(bench, a, b, track, tag):
    bench.bae(a, "tag", "add", tag, track)
    bench.bae(a, "sync")
    return bench.time(b, "sync")


def one_edit(bench, storage):
    """What a way of three times the length adds is how often requests wait for one another, and once for the connection."""
    with link(storage) as quick:
        a, b, ids = two_devices(bench, storage.place(quick.endpoint, "edit"), 12)
    took = {}
    for ways in (1, 3):
        with link(storage, ways * ROUND_TRIP_MS, LINK, quick.address):
            tags = iter(range(100))
            took[ways] = best(lambda: time_of_edit(bench, a, b, ids[0], f"{ways}-{next(tags)}"), bench.times)
    round_trips = (took[3] - took[1]) * 1000 / (2 * ROUND_TRIP_MS) - 1
    return [row("s3-slow-edit", "until one edit is on B", round(round_trips), "round trips", goal=3, at_most=True),
            row("s3-slow-edit-time", "the same with the program's start", took[1], "s", command=MODEL)]


def slow_link(bench):
    rows = []
    with gateway(bench) as storage:
        if bench.wants(*AUDIO_ROWS):
            rows += of_the_link(bench, storage)
        if bench.wants(*EDIT_ROWS):
            rows += one_edit(bench, storage)
    return rows


AUDIO_ROWS, EDIT_ROWS = ("s3-slow-upload", "s3-slow-download"), ("s3-slow-edit", "s3-slow-edit-time")
SOURCES = [(AUDIO_ROWS + EDIT_ROWS, slow_link)]
