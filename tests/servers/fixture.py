#!/usr/bin/env -S python3 -B
"""Both real S3 servers for one ctest run: fixture.py start|stop DIR. Starts what an earlier, killed run left over anew.

DIR/env.json, which $BAE_S3_SERVERS names to the tests, has what tools/s3-server wrote of each: endpoint, region, bucket,
access_key, secret_key, domain; {"missing": reason} for one that is not installed.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(os.environ.get("BAE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
COMMAND = [sys.executable, "-B", str(SOURCE / "tools/s3-server")]
KINDS = ("radosgw", "swift")
SKIPPED = 77


def stop(directory):
    (directory / "env.json").unlink(missing_ok=True)
    for kind in KINDS:
        if (directory / kind / "server.json").exists():
            subprocess.run([*COMMAND, "stop", str(directory / kind)], check=True, timeout=60)


def start(directory):
    stop(directory)
    starting = {kind: subprocess.Popen([*COMMAND, kind, "start", str(directory / kind)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for kind in KINDS}
    found, code = {}, 0
    for kind, process in starting.items():
        out, err = process.communicate(timeout=240)
        print(out + err)
        if process.returncode == SKIPPED:
            found[kind] = {"missing": err.strip()}
        elif process.returncode == 0:
            found[kind] = json.loads((directory / kind / "server.json").read_text())
        code = max(code, process.returncode)
    (directory / "env.json.new").write_text(json.dumps(found, indent=2) + "\n")
    (directory / "env.json.new").rename(directory / "env.json")
    return code


def main(command, directory):
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    return start(directory) if command == "start" else stop(directory)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
