"""Running programs, timing them, and the rows that come of it."""
import shlex
import subprocess
import time


class Failed(Exception):
    """Why a row has no figure."""


def run(command, env=None, stdin=None, partly=False):
    """Its output. Exit code 3 (partly done) counts as done if `partly`."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace", env=env, input=stdin or "")
    if done.returncode != 0 and not (partly and done.returncode == 3):
        shown = shlex.join(str(c) for c in command)[:200]
        raise Failed(f"exit code {done.returncode} of {shown}: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


def seconds(command, **how):
    start = time.perf_counter()
    run(command, **how)
    return time.perf_counter() - start


def best_of_each(measures, times=3, patience_s=240):
    """The least of up to `times` figures of each; a reference that is slow is not run again and again. They take turns, so that
    what else the machine does falls on all of them."""
    start, rounds = time.perf_counter(), []
    while len(rounds) < times and (not rounds or time.perf_counter() - start < patience_s):
        rounds.append([measure() for measure in measures])
    return [min(figures) for figures in zip(*rounds)]


def best(measure, times=3, patience_s=240):
    return best_of_each([measure], times, patience_s)[0]


def row(name, what, ours, unit, reference=None, command="", goal=None, at_most=False, ratio=None):
    if ratio is None and reference:
        ratio = ours / reference
    return {"name": name, "what": what, "ours": ours, "unit": unit, "reference": reference, "command": command,
            "ratio": ratio, "goal": goal, "at_most": at_most}


def reached(row):
    """None: there is no goal. `instead`: another row's goal, which was reached and is enough."""
    if row.get("error"):
        return False
    if row.get("instead"):
        return True
    if row.get("goal") is None:
        return None
    figure = row["ratio"] if row.get("ratio") is not None else row["ours"]
    return figure <= row["goal"] if row.get("at_most") else figure >= row["goal"]
