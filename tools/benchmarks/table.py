"""The table for people."""
from benchmarks.measuring import reached

COLUMNS = ("what", "ours", "reference", "ratio", "goal", "", "reference is")


def number(value):
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def cells(row):
    if row.get("error"):
        return [row["what"], "failed", "", "", "", "", row["error"]]
    goal = "" if row.get("goal") is None else ("at most " if row.get("at_most") else "at least ") + number(row["goal"])
    verdict = f"{row['instead']} is enough" if row.get("instead") else {True: "ok", False: "MISSED", None: ""}[reached(row)]
    reference = f"{number(row['reference'])} {row['unit']}" if row.get("reference") else ""
    return [row["what"], f"{number(row['ours'])} {row['unit']}", reference, number(row.get("ratio")), goal, verdict, row.get("command", "")]


def print_table(rows):
    lines = [list(COLUMNS)] + [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
