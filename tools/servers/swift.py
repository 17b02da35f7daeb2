"""OpenStack Swift with its S3 front: a proxy, one server each for accounts, containers and objects, and memcached between them."""
import http.client
import os
import subprocess
from pathlib import Path

from .processes import Daemon, ServerError
from .server import Server, user_name

RINGS = Path(__file__).with_name("swift_rings.py")
DEBIAN_PYTHON = "/usr/bin/python3"  # has the modules of Swift, whatever python3 comes first in the path
STORAGE = ("account", "container", "object")


def is_healthy(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthcheck")
        return connection.getresponse().read() == b"OK"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Swift(Server):
    """Objects lie in DIR/devices, on a file system that has extended attributes for users, and stay when it is stopped."""

    kind = "swift"
    programs = ("swift-proxy-server", "swift-account-server", "swift-container-server", "swift-object-server", "memcached")
    port_names = ("http", "account", "container", "object", "cache")
    access_key = "test:tester"

    def daemons(self):
        cache = Daemon(self.directory, "cache", ("memcached", "-l", "127.0.0.1", "-p", self.ports["cache"], "-U", "0", "-m", "16", "-u", user_name()))
        servers = [Daemon(self.directory, kind, (f"swift-{kind}-server", self.conf / f"{kind}-server.conf", "-v")) for kind in (*STORAGE, "proxy")]
        return [cache, *servers]

    def keeps_objects(self):
        return (self.directory / "devices").is_dir()

    def prepare(self):
        for name in ("devices/one", "recon"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        self.require_attributes()
        self.write_conf("swift.conf", "swift.conf")
        for kind in STORAGE:
            self.write_conf(f"{kind}-server.conf", "swift-storage.conf", storage=kind, port=self.ports[kind], user=user_name())
        self.write_rings()
        account, user = self.settings["access_key"].split(":")
        self.write_conf("proxy-server.conf", "swift-proxy.conf", port=self.ports["http"], cache_port=self.ports["cache"], account=account,
                        user_of_account=user, user=user_name())

    def bring_up(self):
        for daemon in self.daemons():
            daemon.start()
        self.wait_until_it_answers()

    def answers(self):
        """A stranger on one of the ports does not pass for a server of ours."""
        return super().answers() and all(is_healthy(self.ports[kind]) for kind in STORAGE)

    def require_attributes(self):
        try:
            os.setxattr(self.directory / "devices", "user.bae", b"1")
        except OSError:
            raise ServerError(f"swift needs extended attributes for users, which the file system of {self.directory} has not: name another directory") from None

    def write_rings(self):
        servers = [f"{kind}={self.ports[kind]}" for kind in STORAGE]
        ran = subprocess.run([DEBIAN_PYTHON, "-BI", RINGS, self.conf, *servers], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ran.returncode != 0:
            raise ServerError(f"the rings could not be written: {ran.stderr}")
