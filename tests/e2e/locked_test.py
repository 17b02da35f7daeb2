#!/usr/bin/env python3
"""A library that another program keeps locked. Apart from the others because the program waits a minute before it gives up."""
import sqlite3

from homes import *


class Locked(Case):
    def test_a_locked_library_is_11(self):
        home = self.home("study").init()
        home.run("import", self.music(count=1))
        album = home.rows("albums")[0]["id"]
        lock = sqlite3.connect(home.path / "library.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        try:
            self.assertIn("locked", home.run("edit", "album", album, "title=x", code=LOCKED).err)
            home.run("list", "albums")
        finally:
            lock.execute("ROLLBACK")
            lock.close()
        home.run("edit", "album", album, "title=x")


if __name__ == "__main__":
    main()
