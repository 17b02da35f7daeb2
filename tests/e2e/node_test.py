#!/usr/bin/env python3
"""The daemon: real processes on libraries in temporary directories. Nothing here calls `bae sync` unless it says so."""
import contextlib
import socket
import threading
import time

from homes import *

PATIENCE_S = 60  # a safety, not a measure


def until(what, seen):
    """What `seen` returns once it is true; it runs a program, which is pause enough."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = seen()
        if found:
            return found
    raise AssertionError(f"not within {PATIENCE_S} s: {what}")


class Daemon:
    """`bae node` of a home, and the events it tells."""

    def __init__(self, home, *flags, env=None):
        named = [] if env and "BAE_HOME" in env else ["--home", str(home.path)]
        command = [PROGRAM, *named, "--json", *map(str, flags), "node"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env=environment(home.root, {**home.env, "BAE_NODE_POLL_S": "1", **(env or {})}), start_new_session=True)
        self.lines, self.ended, self.changed = [], False, threading.Condition()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    @property
    def text(self):
        return "".join(self.lines)

    def events(self, name, **fields):
        """Events of that name so far with these fields."""
        told = [json.loads(line) for line in self.lines if line.startswith("{")]
        return [one for one in told if one.get("event") == name and all(one.get(key) == value for key, value in fields.items())]

    def wait_for(self, name, **fields):
        with self.changed:
            self.changed.wait_for(lambda: self.ended or self.events(name, **fields), PATIENCE_S)
            if not self.events(name, **fields):
                raise AssertionError(f"no {name} {fields} was told:\n{self.text}")
        return self

    def send(self, number):
        os.kill(self.process.pid, number)

    def stop(self, number=signal.SIGTERM, within_s=5):
        began = time.monotonic()
        self.send(number)
        code = self.process.wait(timeout=PATIENCE_S)
        took = time.monotonic() - began
        self.reader.join()
        if took > within_s:
            raise AssertionError(f"took {took:.1f} s to stop:\n{self.text}")
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class Node(Case):
    def daemon(self, home, *flags, **options):
        daemon = Daemon(home, *flags, **options)
        self.addCleanup(daemon.close)
        return daemon.wait_for("started")

    def title(self, home):
        return home.rows("albums")[0]["title"]

    def rename(self, home, title):
        home.run("edit", "album", home.rows("albums")[0]["id"], f"title={title}")

    def node(self, home):
        return home.status()["node"]

    def lane(self, home, name):
        return (self.node(home) or {}).get(name) or {}

    def blobs(self):
        return list((self.bucket / "storage").rglob("*")) if (self.bucket / "storage").exists() else []

    def fetch_all(self, home):
        home.run("get", *[release["id"] for release in home.rows("releases")])

    def one_device(self, **music):
        study = self.home("study").init()
        study.run("import", self.music(**music))
        study.run("bucket", "use", self.bucket_url)
        return study


class Syncing(Node):
    def test_an_edit_on_one_device_arrives_on_the_other_by_itself(self):
        study, kitchen = self.two_devices(count=2)
        self.daemon(study)
        self.daemon(kitchen)
        self.rename(study, "from the study")
        until("the edit in the kitchen", lambda: self.title(kitchen) == "from the study")
        self.rename(kitchen, "from the kitchen")
        until("the edit in the study", lambda: self.title(study) == "from the kitchen")
        until("the same digest", lambda: study.digest() == kitchen.digest())
        self.assert_same(study, kitchen)

    def test_an_import_sends_rows_pictures_and_audio(self):
        study = self.one_device(count=2)
        self.daemon(study, "--node-poll-s", "3600").wait_for("synced", lane="audio")
        study.run("import", self.music(name="more", count=4))
        until("everything is sent", lambda: study.status()["state"] == "synced")
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        self.fetch_all(kitchen)
        self.assertEqual(set(audio_hashes(self.root / "more")), set(audio_hashes(kitchen.path / "files")))

    def test_commands_work_while_it_runs(self):
        study = self.one_device(count=3)
        daemon = self.daemon(study)
        for i in range(10):
            self.rename(study, f"title {i}")
            study.run("list", "tracks")
            study.attempt("sync", "--json")
        study.run("verify")
        until("everything is sent", lambda: study.status()["state"] == "synced")
        self.assertEqual(daemon.stop(), DONE)
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        self.assertEqual(self.title(kitchen), "title 9")
        study.sync()
        self.assert_same(study, kitchen)

    def test_a_library_without_a_bucket_is_put_into_its_mirror(self):
        study = self.home("study").init()
        daemon = self.daemon(study)
        study.run("import", self.music(count=1))
        until("it is in the mirror", lambda: study.status()["unsealed"] == 0)
        daemon.wait_for("synced", lane="rows")
        self.assertTrue(daemon.events("synced", lane="rows")[-1]["report"]["mirror_only"])
        study.run("bucket", "use", self.bucket_url)
        until("it is in the bucket", lambda: study.status()["state"] == "synced" and self.blobs())

    def test_a_signal_syncs_at_once(self):
        study, kitchen = self.two_devices(count=1)
        daemon = self.daemon(kitchen, "--node-poll-s", "3600")
        until("the first round is over", lambda: self.lane(kitchen, "rows").get("state") == "idle")
        self.rename(study, "new")
        study.sync()
        daemon.send(signal.SIGUSR1)
        daemon.wait_for("synced", lane="rows")
        self.assertEqual(self.title(kitchen), "new")


class OnePerLibrary(Node):
    def test_a_second_daemon_is_refused_and_told_of_the_first(self):
        study = self.one_device(count=1)
        first = self.daemon(study)
        self.assertIn(f"process {first.process.pid} ", study.run("node", code=LOCKED).err)
        first.stop()
        self.daemon(study)

    def test_another_library_is_another_daemon(self):
        for name in ("study", "kitchen"):
            self.daemon(self.home(name).init())

    def test_without_a_library_there_is_no_daemon(self):
        self.home("nothing").run("node", code=NO_LIBRARY)

    def test_after_a_kill_the_next_one_goes_on(self):
        study = self.one_device(count=1)
        first = self.daemon(study)
        until("status knows it", lambda: self.node(study)["pid"] == first.process.pid)
        first.process.kill()
        first.process.wait()
        self.assertIsNone(self.node(study), "what a dead daemon wrote is believed")
        self.rename(study, "new")
        second = self.daemon(study)
        until("everything is sent", lambda: study.status()["state"] == "synced")
        self.assertEqual(self.node(study)["pid"], second.process.pid)


class Stopping(Node):
    def test_idle(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            study = self.home(f"study-{number}").init()
            daemon = self.daemon(study)
            until("the first round is over", lambda: self.lane(study, "rows").get("state") == "idle")
            self.assertEqual(daemon.stop(number), DONE)
            self.assertTrue(daemon.events("stopped"))
            self.assertIsNone(self.node(study))

    def test_in_the_middle_of_an_upload_nothing_is_lost(self):
        study = self.one_device(count=4)
        daemon = self.daemon(study, "--limit-upload", "64")  # audio takes minutes
        until("audio is under way and rows are sent", lambda: self.lane(study, "audio").get("state") == "running" and study.status()["pending"] == 0)
        at = until("how far it is", lambda: self.lane(study, "audio")["progress"])
        self.assertEqual((at["phase"], at["total"]), ("audio", 4))
        self.rename(study, "while audio goes")
        until("rows go meanwhile", lambda: study.status()["pending"] == 0)
        self.assertEqual(self.lane(study, "audio")["state"], "running")
        self.assertEqual(daemon.stop(), DONE)
        self.assertGreater(study.status()["blobs_pending"], 0)
        self.daemon(study)
        until("everything is sent", lambda: study.status()["state"] == "synced")
        kitchen = self.home("kitchen").restore(study.export())
        kitchen.sync()
        self.fetch_all(kitchen)
        self.assertEqual(audio_hashes(self.root / "music"), audio_hashes(kitchen.path / "files"))

    def test_a_file_that_cannot_be_read_to_its_end_does_not_hold_it(self):
        study = self.one_device(count=1, cover=False)
        file = next((self.root / "music").iterdir())
        file.unlink()
        os.mkfifo(file)  # opening it never ends, as on a server that is gone
        daemon = self.daemon(study)
        until("rows are sent", lambda: study.status()["pending"] == 0 and self.lane(study, "audio").get("state") == "running")
        self.assertEqual(daemon.stop(), DONE)
        self.assertTrue(daemon.events("left"))

    def test_while_another_process_syncs(self):
        study = self.one_device(count=1)
        with open(study.path / "sync.lock", "w") as lock:
            import fcntl
            fcntl.flock(lock, fcntl.LOCK_EX)
            daemon = self.daemon(study)
            until("it waits", lambda: self.lane(study, "rows").get("state") == "running")
            self.assertEqual(daemon.stop(), DONE)


class Settings(Node):
    def write(self, text):
        (self.root / "config/bae").mkdir(parents=True, exist_ok=True)
        (self.root / "config/bae/config.toml").write_text(text)

    def test_are_read_again_on_a_signal(self):
        study = self.one_device(count=4)
        self.write("[limits]\nupload = 64\n")
        daemon = self.daemon(study)
        until("audio is under way", lambda: self.lane(study, "audio").get("state") == "running")
        self.write("[limits]\nupload = 0\n")
        daemon.send(signal.SIGHUP)
        daemon.wait_for("reloaded")
        self.assertEqual(self.node(study)["pid"], daemon.process.pid)
        until("everything is sent", lambda: study.status()["state"] == "synced")

    def test_that_are_wrong_are_refused_and_the_old_ones_stay(self):
        study = self.one_device(count=1)
        daemon = self.daemon(study)
        self.write("[bucket]\nworkers = 99\n")
        daemon.send(signal.SIGHUP)
        daemon.wait_for("settings_refused")
        self.assertIn("bucket.workers", daemon.events("settings_refused")[0]["message"])
        self.write('home = "/elsewhere"\n')
        daemon.send(signal.SIGHUP)
        daemon.wait_for("reloaded")  # --home wins over the file
        self.rename(study, "goes on")
        until("everything is sent", lambda: study.status()["state"] == "synced")

    def test_the_home_cannot_change(self):
        study = self.one_device(count=1)
        self.write(f'home = "{study.path}"\n')
        daemon = self.daemon(study, env={"BAE_HOME": ""})
        self.write(f'home = "{self.root / "elsewhere"}"\n')
        daemon.send(signal.SIGHUP)
        daemon.wait_for("settings_refused")
        self.rename(study, "goes on")
        until("everything is sent", lambda: study.status()["state"] == "synced")

    def test_that_are_wrong_at_the_start_end_it(self):
        study = self.one_device(count=1)
        study.run("node", env={"BAE_NODE_POLL_S": "0"}, code=USAGE)


class Trouble(Node):
    def test_a_bucket_that_goes_and_comes_back(self):
        study = self.one_device(count=1)
        daemon = self.daemon(study)
        until("everything is sent", lambda: study.status()["state"] == "synced")
        self.bucket.rename(self.root / "unmounted")
        daemon.wait_for("trouble", lane="rows")
        rows = until("status says so", lambda: self.lane(study, "rows").get("state") == "trouble" and self.lane(study, "rows"))
        self.assertIn(str(self.bucket), rows["error"])
        self.assertGreater(rows["next_ms"], rows["since_ms"])
        self.rename(study, "meanwhile")
        (self.root / "unmounted").rename(self.bucket)
        daemon.wait_for("recovered", lane="rows")
        until("everything is sent", lambda: study.status()["state"] == "synced")
        self.assertEqual(self.lane(study, "rows")["error"], "")

    def test_the_same_trouble_is_said_once(self):
        study = self.one_device(count=1)
        shutil.rmtree(self.bucket)
        daemon = self.daemon(study).wait_for("trouble", lane="rows")
        for _ in range(3):
            before = self.lane(study, "rows")["next_ms"]
            daemon.send(signal.SIGUSR1)
            until("one more try", lambda: self.lane(study, "rows")["state"] == "trouble" and self.lane(study, "rows")["next_ms"] != before)
        self.assertEqual(len(daemon.events("trouble", lane="rows")), 1)


class Secrets(Node):
    def test_under_a_passphrase(self):
        (self.root / "passphrase").write_text("correct horse\n")
        (self.root / "wrong").write_text("battery staple\n")
        study = self.home("study")
        study.env = {"BAE_PASSPHRASE_FILE": str(self.root / "passphrase")}
        study.init("--passphrase")
        study.run("bucket", "use", self.bucket_url)
        study.run("node", env={"BAE_PASSPHRASE_FILE": str(self.root / "wrong")}, code=WRONG_KEY)
        study.run("node", env={"BAE_PASSPHRASE_FILE": ""}, code=WRONG_KEY)
        daemon = self.daemon(study)
        study.run("import", self.music(count=1))
        until("everything is sent", lambda: study.status()["state"] == "synced")
        self.assertEqual(daemon.stop(), DONE)


class Systemd(Node):
    @contextlib.contextmanager
    def listening(self, address):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(address)
            listener.settimeout(PATIENCE_S)
            yield listener

    def hear(self, listener, wanted):
        heard = []
        while not heard or wanted not in heard[-1].split("\n"):
            heard.append(listener.recv(4096).decode())
        return heard

    def test_is_told_when_it_is_ready_reloads_and_stops(self):
        study = self.one_device(count=1)
        path = str(self.root / "notify")
        for address, name in ((path, path), ("\0bae-test-" + self.root.name, "@bae-test-" + self.root.name)):
            with self.listening(address) as listener:
                daemon = self.daemon(study, env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000"})
                self.hear(listener, "READY=1")
                self.hear(listener, "WATCHDOG=1")
                daemon.send(signal.SIGHUP)
                self.hear(listener, "RELOADING=1")
                self.hear(listener, "READY=1")
                daemon.send(signal.SIGTERM)
                self.hear(listener, "STOPPING=1")
                self.assertEqual(daemon.process.wait(timeout=PATIENCE_S), DONE)


class WhatIsShown(Node):
    def test_status(self):
        study = self.one_device(count=1)
        self.assertIsNone(self.node(study))
        daemon = self.daemon(study)
        until("idle", lambda: all(self.lane(study, name).get("state") == "idle" for name in ("rows", "artwork", "audio")))
        node = self.node(study)
        self.assertEqual(set(node), {"pid", "since_ms", "version", "stopping", "rows", "artwork", "audio"})
        for name in ("rows", "artwork", "audio"):
            self.assertEqual(set(node[name]), {"state", "since_ms", "next_ms", "last_done_ms", "in_vain", "error", "progress"})
        self.assertEqual(node["pid"], daemon.process.pid)
        self.assertGreater(node["rows"]["next_ms"], node["since_ms"])
        self.assertIn(f"daemon: process {daemon.process.pid} since ", study.run("status").out)

    def test_nothing_is_said_when_nothing_happens(self):
        study = self.one_device(count=1)
        daemon = self.daemon(study)
        until("everything is sent", lambda: study.status()["state"] == "synced")
        until("idle", lambda: all(self.lane(study, name).get("state") == "idle" for name in ("rows", "artwork", "audio")))
        said, before = daemon.text, self.lane(study, "rows")["last_done_ms"]
        until("another round", lambda: self.lane(study, "rows")["last_done_ms"] > before)
        self.assertEqual(daemon.text, said)

    def test_memory_is_small(self):
        study = self.one_device(count=6)
        daemon = self.daemon(study)
        until("everything is sent", lambda: study.status()["state"] == "synced")
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
        resident_kib = int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        self.assertLess(resident_kib, 60 * 1024)


if __name__ == "__main__":
    main()
