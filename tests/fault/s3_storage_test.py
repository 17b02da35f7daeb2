#!/usr/bin/env python3
"""Storage that is not what one hopes for: without conditional writes, with other bytes at our paths, emptied, closed to us, stuck at one
object, in another time."""
from concurrent.futures import ThreadPoolExecutor

from s3_fault import *


class StorageCase(S3FaultCase):
    def edit_both(self, study, kitchen, text):
        release = study.rows("releases")[0]["id"]
        study.run("edit", "release", release, f"label={text}")
        kitchen.run("edit", "release", release, f"country={text}")
        return release

    def reasons(self, home):
        return sorted(hold["reason"] for hold in home.status()["holds"])

    def alarms(self, home):
        return sorted(alarm["reason"] for alarm in home.status()["alarms"])

    def finish_after_alarms(self, *homes):
        """Alarms stay until somebody has seen them."""
        self.settle(*homes)
        for home in homes:
            home.run("status", "--seen")
        self.finish_all(*homes)

    def copied(self, home, name):
        shutil.copytree(home.path, self.live / name)
        return self.home(name)


@on_each_server
class WithoutConditions(StorageCase):
    """Swift refuses them itself; the proxy makes the gateway refuse them, and both ignore them."""

    def life(self, conditional_put, **rates):
        self.proxy.set_faults(**rates)
        probed = self.home("probing").init().run("bucket", "probe", self.bucket_url, "--json").summary
        self.assertEqual((probed["usable"], probed["conditional_put"]), (True, conditional_put))
        study, kitchen = self.two()
        before = self.written_once()
        release = self.edit_both(study, kitchen, "one")
        twin = self.copied(study, "twin")
        twin.run("edit", "release", release, "date=2001")
        study.run("edit", "release", release, "media=CD")
        with ThreadPoolExecutor(2) as pool:
            for ran in pool.map(lambda home: home.attempt("sync"), (study, twin)):
                self.assertIn(ran.code, (DONE, PARTLY), ran.err)
        for home in (study, twin, study, twin, kitchen):
            self.bear(home, "sync")
        self.finish_after_alarms(study, kitchen, twin)
        self.assertEqual(len({home.status()["device_id"] for home in (study, kitchen, twin)}), 3)
        row = kitchen.row("releases", id=release)
        self.assertEqual((row["label"], row["country"], row["date"], row["media"]), ("one", "one", "2001", "CD"))
        return before

    def test_refused(self):
        self.assert_written_once(self.life("refused", refuse_conditions=True))

    def test_ignored(self):
        self.life("ignored", ignore_conditions=True)


@on_each_server
class OtherBytes(StorageCase):
    def test_foreign_bytes_at_our_paths_are_named_and_overwritten(self):
        study, kitchen = self.two()
        number = max(int(path.split("/")[-1][:10]) for path in self.carrier.versions(f"changes/{study.status()['device_id']}/"))
        ours = f"changes/{study.status()['device_id']}/{number + 1:010}.enc"
        self.carrier.write(ours, b"somebody else was here")
        self.edit_both(study, kitchen, "one")
        for home in (study, kitchen):
            self.bear(home, "sync")
        self.assertEqual(self.alarms(study), ["foreign_bytes"])
        self.assertIn(ours, json.dumps(study.status()["alarms"]))
        self.assertNotEqual(self.carrier.read(ours), b"somebody else was here")
        self.finish_after_alarms(study, kitchen)

    def test_a_head_that_somebody_replaced_is_put_right(self):
        study, kitchen = self.two()
        path = f"heads/{study.status()['device_id']}.enc"
        good = self.carrier.read(path)
        self.carrier.write(path, good[:-1] + bytes([good[-1] ^ 1]))
        self.edit_both(study, kitchen, "one")
        ran = self.bear(kitchen, "sync")
        self.assertEqual((ran.code, self.reasons(kitchen)), (PARTLY, ["bad_signature"]))
        study.sync()
        self.assertEqual(self.alarms(study), ["foreign_bytes"])
        self.finish_after_alarms(study, kitchen)

    def test_a_copied_home_becomes_a_device_of_its_own_and_nothing_is_lost(self):
        study, kitchen = self.two()
        twin = self.copied(study, "twin")
        release = self.edit_both(study, kitchen, "one")
        study.run("import", "--copy", self.more)
        twin.run("edit", "release", release, "date=2001")
        twin.run("tag", "add", "of the twin", release)
        if self.kind == "radosgw":  # where of two creators one is told so
            for process in [home.start("sync") for home in (study, twin)]:
                process.communicate()
                self.assertIn(process.returncode, (DONE, PARTLY))
        for home in (twin, study, kitchen):
            self.bear(home, "sync")
        self.finish_after_alarms(study, kitchen, twin)
        self.assertNotEqual(study.status()["device_id"], twin.status()["device_id"])
        row = kitchen.row("releases", id=release)
        self.assertEqual((row["label"], row["country"], row["date"]), ("one", "one", "2001"))
        self.assertIn("of the twin", [tag["name"] for tag in kitchen.rows("tags")])
        self.assertEqual(self.fetched(kitchen), self.audio)


@on_each_server
class Emptied(StorageCase):
    def test_it_is_named_and_filled_again_when_it_is_chosen_again(self):
        study, kitchen = self.two()
        kitchen.run("import", "--copy", self.more)
        self.settle(kitchen, study)
        objects = set(self.carrier.versions())
        self.carrier.empty()
        for home in (study, kitchen):
            self.edit_both(study, kitchen, home.name)
            self.bear(home, "sync")
            self.assertEqual(self.reasons(home), ["carrier_emptied"])
            self.assertIn("bucket use", json.dumps(home.status()["holds"]))
        self.assertEqual(self.carrier.versions(), {}, "it was filled again, and nobody was asked")
        study.run("bucket", "use", self.bucket_url)
        study.sync()
        self.settle(kitchen, study)
        kitchen.run("bucket", "use", self.bucket_url)
        self.finish_all(study, kitchen)
        self.assertEqual(objects - set(self.carrier.versions()), set(), "not everything is back")
        phone = self.home("phone").restore(study.export())
        phone.sync()
        phone.run("get", *self.releases(phone))
        self.assertEqual(self.fetched(phone), self.audio)


@on_each_server
class Closed(StorageCase):
    """Rights that are taken away from a bucket in use. What a bucket is worth that never gave them is tested with `bucket use`."""

    def test_what_may_only_be_read_still_receives(self):
        study, kitchen = self.two()
        self.edit_both(study, kitchen, "one")
        kitchen.run("import", self.more)
        kitchen_before = self.written_once()
        study.sync()
        self.proxy.set_faults(deny=["PUT", "POST", "DELETE"])
        ran = self.bear(kitchen, "sync")
        self.assertEqual(ran.code, PARTLY)
        self.assertIn("carrier_denied", self.reasons(kitchen))
        self.assertEqual(kitchen.row("releases", label="one")["country"], "one")
        kitchen.run("get", *self.releases(study))
        self.proxy.set_faults()
        self.finish_all(study, kitchen)
        self.assert_written_once(kitchen_before)

    def test_what_may_only_be_written_is_named(self):
        study, kitchen = self.two()
        self.edit_both(study, kitchen, "one")
        self.proxy.set_faults(deny=["GET", "HEAD"])
        for home in (study, kitchen):
            self.bear(home, "sync")
            self.assertIn("carrier_denied", self.reasons(home))
        self.proxy.set_faults()
        self.finish_all(study, kitchen)


@on_each_server
class Stuck(StorageCase):
    def test_one_file_holds_up_neither_rows_nor_other_files(self):
        study, kitchen = self.two()
        stuck = sorted(self.carrier.versions("storage/"))[3]
        self.proxy.next("status", target=stuck, status=503, count=1000)
        kitchen.run("import", "--copy", self.more)
        self.edit_both(study, kitchen, "one")
        for home in (study, kitchen):
            home.sync()
        fetched = kitchen.run("get", *self.releases(kitchen), "--json", code=PARTLY).summary
        self.assertEqual((fetched["failed"], len(self.fetched(kitchen))), (1, FILES - 1))
        study.sync()
        self.assertEqual((len(study.rows("files")), study.row("releases", label="one")["country"]), (FILES, "one"))
        self.proxy.forget()
        self.finish_all(study, kitchen)

    def test_one_upload_holds_up_neither_rows_nor_other_files(self):
        study, kitchen = self.two()
        study.run("import", self.more)
        study.sync()
        blobs = list(self.carrier.versions("storage/"))
        for path in blobs:
            self.carrier.remove(path)
        study.run("bucket", "use", self.bucket_url)  # sends again what is not there
        self.proxy.next("status", kind="PUT", target=blobs[3], status=500, count=1000)
        self.edit_both(study, kitchen, "one")
        for _ in range(2):
            summary = study.sync(code=PARTLY)
            self.assertEqual((summary["blobs_waiting"], self.reasons(study)), (1, ["cannot_send"]))
        self.assertEqual(set(blobs) - set(self.carrier.versions("storage/")), {blobs[3]})
        kitchen.sync()
        self.assertEqual((len(kitchen.rows("files")), kitchen.row("releases", country="one")["label"]), (FILES, "one"))
        self.proxy.forget()
        self.finish_all(study, kitchen)


@on_each_server
class Together(StorageCase):
    def test_two_processes_of_one_device_and_three_devices_at_once(self):
        study, kitchen = self.two()
        phone = self.home("phone").restore(study.export())
        phone.sync()
        tracks, said = [row["id"] for row in study.rows("tracks")], []
        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(study.run, "import", "--copy", self.more)]
            for number in range(rounds(5)):
                for home in (study, kitchen, phone):
                    said.append(f"{home.name} {number}")
                    jobs.append(pool.submit(home.run, "tag", "add", said[-1], tracks[number]))
                    jobs += [pool.submit(self.in_passing, home) for _ in range(2)]
            for job in jobs:
                job.result()
        self.finish_all(study, kitchen, phone)
        self.assertEqual(set(said) - {tag["name"] for tag in kitchen.rows("tags")}, set())
        self.assertEqual(self.fetched(kitchen), self.audio)

    def in_passing(self, home):
        ran = home.attempt("sync")
        self.assertIn(ran.code, (DONE, PARTLY, LOCKED), ran.out + ran.err)


@on_each_server
class AnotherTime(StorageCase):
    def test_a_device_whose_clock_is_hours_off_still_syncs(self):
        study, kitchen = self.two()
        for seconds in (-5 * 3600, 5 * 3600):
            self.edit_both(study, kitchen, str(seconds))
            kitchen.run("sync", env=clock(seconds))
            study.sync()
            kitchen.run("sync", env=clock(seconds))
            self.finish_all(study, kitchen)


if __name__ == "__main__":
    main()
