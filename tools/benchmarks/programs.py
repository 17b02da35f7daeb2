"""Rows of our own programs that measure: the inner loops, and what needs a library of a million rows."""
import json
import os

from benchmarks.measuring import row, run

GOALS = {"seal": 0.90}  # of the inner loops: ratio at least


def inner_program(bench):
    return bench.build / "tools" / "bae_bench_inner"


def inner_names(bench):
    if not inner_program(bench).exists():
        return []
    listed = run([inner_program(bench), "--benchmark_list_tests"], env=bench.env).splitlines()
    return list(dict.fromkeys(name.split("/", 1)[0] for name in listed))


def inner_results(bench):
    wanted = "|".join(name for name in inner_names(bench) if bench.wants(name))
    out = run([inner_program(bench), "--benchmark_format=json", "--benchmark_repetitions=3", "--benchmark_min_time=0.2", f"--benchmark_filter=^({wanted})/"],
              env={**bench.env, "BAE_BENCH_SCALE": str(bench.scale)})
    return [result for result in json.loads(out)["benchmarks"] if result.get("run_type") == "iteration"]


def inner_loops(bench):
    figures, labels = {}, {}
    for result in inner_results(bench):
        rate = result.get("bytes_per_second", 0) / 1e6 or result.get("items_per_second", 0)
        name = result["run_name"].removesuffix("/real_time")
        figures[name] = max(rate, figures.get(name, 0))
        labels[name] = ("MB/s" if "bytes_per_second" in result else "/s", result.get("label", ""))
    rows = []
    for name in [n.removesuffix("/ours") for n in figures if n.endswith("/ours")]:
        reference = f"{name}/reference"
        rows.append(row(name, name, figures[f"{name}/ours"], labels[f"{name}/ours"][0], figures.get(reference),
                        labels.get(reference, ("", ""))[1], GOALS.get(name)))
    return rows


def measurements(bench):
    """(program, measurement, names of its rows) of every other bae_bench_NAME; `--list` prints them."""
    for program in sorted((bench.build / "tools").glob("bae_bench_*")):
        if program.name != "bae_bench_inner" and os.access(program, os.X_OK):
            for line in run([program, "--list"], env=bench.env).splitlines():
                measurement, *names = line.split("\t")
                yield program, measurement, names


def program_names(bench):
    return [name for _, _, names in measurements(bench) for name in names]


def programs(bench):
    found = []
    for program, measurement, names in measurements(bench):
        if bench.wants(*names):
            out = run([program, "--json", "--scale", bench.scale, "--only", measurement], env={**bench.env, "TMPDIR": str(bench.work)})
            found += [{**row("", "", 0, ""), **json.loads(line)} for line in out.splitlines() if line.startswith("{")]
    return found


SOURCES = [(program_names, programs), (inner_names, inner_loops)]
