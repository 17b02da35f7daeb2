"""Processes that outlive the command that started them. DIR/NAME.pid says which process it was, DIR/NAME.log what it said."""
import os
import signal
import subprocess
import time
from pathlib import Path


class ServerError(Exception):
    """What went wrong, for people."""


def started_at(pid):
    """When a process started (clock ticks after boot); None if there is none. With the pid it names one process, for good."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def wait_until(condition, patience_s, pause_s=0.05):
    """The first true answer of condition(), or what it said last."""
    deadline = time.monotonic() + patience_s
    while not (answer := condition()) and time.monotonic() < deadline:
        time.sleep(pause_s)
    return answer


def tail_of(file, lines=5):
    text = file.read_text(errors="replace") if file.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


class Daemon:
    def __init__(self, directory, name, command):
        self.name, self.command = name, [str(word) for word in command]
        self.directory, self.pid_file, self.log = directory, directory / f"{name}.pid", directory / f"{name}.log"

    def pid(self):
        """Of the process that was started here, if it still runs; its number may belong to a stranger by now."""
        try:
            pid, started = map(int, self.pid_file.read_text().split())
        except (OSError, ValueError):
            return None
        return pid if started_at(pid) == started else None

    def start(self):
        if self.pid() is not None:
            return
        with open(self.log, "ab") as log:
            process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, start_new_session=True)
        self.pid_file.write_text(f"{process.pid} {started_at(process.pid) or 0}\n")

    def require(self):
        if self.pid() is None:
            raise ServerError(f"{self.command[0]} ended by itself; {self.log} says:\n{tail_of(self.log)}")

    def kill(self, number):
        pid = self.pid()
        if pid is not None:
            os.kill(pid, number)

    def stop(self, number=signal.SIGTERM, patience_s=15):
        self.kill(number)
        if not wait_until(lambda: self.pid() is None, patience_s, 0.02):
            self.kill(signal.SIGKILL)
            wait_until(lambda: self.pid() is None, patience_s, 0.02)
        self.pid_file.unlink(missing_ok=True)
