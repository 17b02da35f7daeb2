#!/usr/bin/env python3
"""Several processes on one library at once."""
from concurrent.futures import ThreadPoolExecutor

from homes import *


class Together(Case):
    def test_edits_imports_and_syncs_at_once_lose_nothing(self):
        study, kitchen = self.two_devices()
        tracks = [row["id"] for row in study.rows("tracks")]
        more = self.root / "more"
        more.mkdir()
        for number, file in enumerate(sorted(MUSIC.glob("*.ogg"), key=lambda f: f.stat().st_size)[6:12]):
            shutil.copy(file, more / f"{number}.ogg")
        with ThreadPoolExecutor(6) as pool:
            jobs = [pool.submit(study.run, "import", more)]
            for number, track in enumerate(tracks * 3):
                home = (study, kitchen)[number % 2]
                jobs.append(pool.submit(home.run, "edit", "track", track, f"{('isrc', 'disc_title', 'sort_title')[number // len(tracks)]}=v{number}"))
                jobs.append(pool.submit(self.sync_among_others, home))
            for job in jobs:
                job.result()
        self.settle(study, kitchen)
        self.assert_same(study, kitchen)
        values = {value for row in study.rows("tracks") for value in (row["isrc"], row["disc_title"], row["sort_title"]) if value and re.fullmatch(r"v\d+", value)}
        self.assertEqual(len(values), len(tracks) * 3)
        self.assertEqual(len(study.rows("files")), 12)
        for home in (study, kitchen):
            home.run("verify", "--files")

    def sync_among_others(self, home):
        """Partly done: another one is sending the audio."""
        ran = home.attempt("sync")
        self.assertIn(ran.code, (DONE, PARTLY), ran.err)

    def test_one_library_is_made_however_many_try(self):
        home = self.home("study")
        with ThreadPoolExecutor(5) as pool:
            results = list(pool.map(lambda _: home.attempt("init", "--json"), range(5)))
        made = [ran for ran in results if ran.code == DONE]
        self.assertEqual(len(made), 1)
        self.assertEqual({ran.code for ran in results if ran.code != DONE} - {FAILED, LOCKED}, set())
        self.assertEqual(home.status()["library_id"], made[0].summary["library_id"])

    def test_two_gets_of_one_release_do_not_disturb_each_other(self):
        study, kitchen = self.two_devices()
        releases = [row["id"] for row in kitchen.rows("releases")]
        with ThreadPoolExecutor(3) as pool:
            for ran in pool.map(lambda _: kitchen.attempt("get", *releases), range(3)):
                self.assertIn(ran.code, (DONE, PARTLY, FAILED), ran.err)
        kitchen.run("get", *releases)
        self.assertEqual(audio_hashes(kitchen.path / "files"), audio_hashes(self.root / "music"))


if __name__ == "__main__":
    main()
