"""Ceph's object gateway with the smallest cluster under it: one monitor, one store, no keys between them."""
import signal
import subprocess
import uuid

from .processes import Daemon, ServerError
from .server import Server

ATTEMPTS = 20  # to reach the monitor, of 5 s each


class Radosgw(Server):
    """Options: store "memstore" (objects are in memory) or "bluestore" (in a sparse file), size_gib, certificate and key (PEM files)."""

    kind = "radosgw"
    programs = ("radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd", "monmaptool")
    port_names = ("http", "monitor")  # the store finds ports for itself, from 6800 on
    access_key = "testaccesskey"

    def choose_settings(self, options):
        defaults = {"store": "memstore", "size_gib": 8, "fsid": str(uuid.uuid4())}
        super().choose_settings({**defaults, **options})

    def daemons(self):
        config = ("-c", self.conf / "ceph.conf")
        return [Daemon(self.directory, "monitor", ("ceph-mon", "-f", "-i", "a", *config)),
                Daemon(self.directory, "store", ("ceph-osd", "-f", "-i", "0", *config)),
                Daemon(self.directory, "gateway", ("radosgw", "-f", "-n", "client.rgw.a", *config))]

    def keeps_objects(self):
        if not (self.directory / "complete").exists():
            return False
        return self.settings["store"] == "bluestore" or self.daemons()[1].pid() is not None

    def prepare(self):
        for name in ("mon", "osd", "rgw", "run", "crash"):
            (self.directory / name).mkdir(exist_ok=True)
        scheme = "ssl_endpoint={address} ssl_certificate={certificate} ssl_private_key={key}" if "certificate" in self.settings else "endpoint={address}"
        address = f"127.0.0.1:{self.ports['http']}"
        frontend = scheme.format(**{**self.settings, "address": address})
        self.write_conf("ceph.conf", "ceph.conf", frontend=frontend, monitor_port=self.ports["monitor"], size=self.settings["size_gib"] << 30)

    def bring_up(self):
        monitor, store, gateway = self.daemons()
        new = not (self.directory / "complete").exists()
        if new:
            self.make_monitor()
        monitor.start()
        if new:
            self.make_store(monitor)
        store.start()
        gateway.start()
        self.wait_until_it_answers()
        if new:
            self.make_user()
            (self.directory / "complete").touch()

    def stop_daemons(self, number):
        """What is only in memory is gone either way."""
        super().stop_daemons(signal.SIGKILL if self.settings and self.settings["store"] == "memstore" else number)

    def make_monitor(self):
        address = f"[v2:127.0.0.1:{self.ports['monitor']}]"
        monmap = self.directory / "monmap"
        self.run("monmaptool", "--create", "--clobber", "--fsid", self.settings["fsid"], "--addv", "a", address, monmap)
        self.run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap)

    def make_store(self, monitor):
        name = str(uuid.uuid4())
        for attempt in range(ATTEMPTS):
            monitor.require()
            try:
                self.run("ceph", "--connect-timeout", "5", "osd", "new", name, "0")
                break
            except ServerError:
                if attempt + 1 == ATTEMPTS:
                    raise
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", name)

    def make_user(self):
        self.run("radosgw-admin", "-n", "client.rgw.a", "user", "create", "--uid", "tester", "--display-name", "tester",
                 "--access-key", self.settings["access_key"], "--secret-key", self.settings["secret_key"])

    def run(self, program, *arguments):
        command = [program, "-c", self.conf / "ceph.conf", *arguments]
        try:
            ran = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=90)
        except subprocess.TimeoutExpired:
            raise ServerError(f"{program} {' '.join(map(str, arguments[:2]))} did not end; see {self.directory}/*.log") from None
        if ran.returncode != 0:
            raise ServerError(f"{program} failed: {ran.stdout.decode(errors='replace')[-1000:]}")
