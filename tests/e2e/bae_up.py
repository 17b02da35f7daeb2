#!/usr/bin/env python3
"""The README's first command on real music: a library on its bucket, and what it tells to do next works as printed."""
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ["BAE_SOURCE_DIR"])
MUSIC = Path("/usr/share/games/wesnoth/1.16/data/core/music")


def run(*command, stdin=None):
    ran = subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=900)
    assert ran.returncode == 0, f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


class BaeUp(unittest.TestCase):
    def test_one_command_makes_a_library_that_a_second_device_can_join(self):
        with tempfile.TemporaryDirectory(prefix="bae-up-") as folder:
            home, second, bucket = (os.path.join(folder, name) for name in ("home", "second", "a bucket"))
            up = (str(SOURCE / "tools/bae-up"), "--home", home, "--bucket", bucket, str(MUSIC))
            first = run(*up)
            self.assertIn("Everything is sent", first)
            code = re.search(r"^[A-Z2-7]{5}(-[A-Z2-7]{1,5}){10,}$", first, re.MULTILINE).group()
            program = re.search(r"^The program is (\S+);", first, re.MULTILINE).group(1)
            url = re.search(r"restore --from (\S+)$", first, re.MULTILINE).group(1)

            run(program, "--home", second, "restore", "-", "--from", url, stdin=code + "\n")
            run(program, "--home", second, "sync")
            run(program, "--home", home, "sync")
            digests = {run(program, "--home", each, "digest") for each in (home, second)}
            self.assertEqual(len(digests), 1)

            again = run(*up)
            self.assertNotIn("recovery code: write it down", again)
            self.assertIn(f"restore --from {url}", again)
            self.assertRegex(again, r"\b0 failed")


if __name__ == "__main__":
    if not MUSIC.is_dir():
        print("skipped: wesnoth-1.16-music is not installed")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
