"""What the servers have in common: settings in DIR/server.json, a start that may be repeated, a stop by process id."""
import contextlib
import fcntl
import http.client
import json
import os
import pwd
import shutil
import signal
import socket
from pathlib import Path
from string import Template

from .ports import free_ports, is_free
from .processes import ServerError, wait_until
from .s3_request import S3, error_code

SECRET = "testsecretkey0123456789"  # loopback only
DOMAIN = "localhost"  # virtual hosts are BUCKET.localhost, which libcurl takes to loopback without asking a name server
REGION = "us-east-1"
START_S = 120


class NotInstalled(ServerError):
    pass


class Server:
    """A kind of server in a directory. Subclasses say what it is made of."""

    kind = ""
    programs = ()  # what must be installed
    port_names = ()  # "http" is the endpoint's
    access_key = ""

    def __init__(self, directory):
        self.directory = Path(directory).resolve()
        self.settings_file = self.directory / "server.json"
        self.settings = json.loads(self.settings_file.read_text()) if self.settings_file.exists() else {}

    # --- what subclasses define

    def daemons(self):
        """In the order in which they start; the last one speaks S3."""
        raise NotImplementedError

    def keeps_objects(self):
        """Whether what runs, or lies in the directory, still has the objects that were stored."""
        raise NotImplementedError

    def prepare(self):
        """Writes what the daemons need; called before each start."""

    def bring_up(self):
        """Starts the daemons and waits until the last one answers."""
        raise NotImplementedError

    # --- what commands do

    def start(self, **options):
        """Makes it run, whatever is left of an earlier run. Options count for a new server only."""
        self.require_programs()
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.locked():
            if not self.settings or not self.keeps_objects():
                self.require_own_directory()
                self.start_empty(options)
            else:
                self.require_ports()
                self.prepare()
                self.bring_up()
        return self.settings

    def start_empty(self, options):
        for attempt in range(3):
            self.stop_daemons(signal.SIGKILL)
            self.clear()
            self.choose_settings(options)
            self.prepare()
            try:
                self.bring_up()
                return self.make_bucket()
            except ServerError:
                self.stop_daemons(signal.SIGKILL)
                if attempt == 2 or all(is_free(port) for port in self.ports.values()):
                    raise  # nobody took a port from us, so another try would end alike

    def stop(self):
        with self.locked():
            self.stop_daemons(signal.SIGTERM)

    def crash(self, everything):
        """kill -9 of the program that speaks S3, or all of them."""
        for daemon in reversed(self.daemons() if everything else self.daemons()[-1:]):
            daemon.stop(signal.SIGKILL)

    def is_running(self):
        return bool(self.settings) and all(daemon.pid() for daemon in self.daemons()) and self.answers()

    # --- parts of these

    @property
    def ports(self):
        return self.settings["ports"]

    @property
    def conf(self):
        return self.directory / "conf"

    def client(self, timeout_s=60):
        settings = self.settings
        return S3(settings["endpoint"], settings["access_key"], settings["secret_key"], settings["region"], timeout_s)

    def answers(self):
        """Whether every port takes connections, and S3 requests are answered."""
        try:
            for port in self.ports.values():
                socket.create_connection(("127.0.0.1", port), 5).close()
            return self.client(5).request("GET", "/").status < 500
        except (OSError, http.client.HTTPException):
            return False

    def require_programs(self):
        missing = [program for program in self.programs if not shutil.which(program)]
        if missing:
            raise NotInstalled(f"{self.kind} is not installed ({', '.join(missing)} missing): run tools/setup --servers")

    def require_own_directory(self):
        """What else lies there would be removed."""
        if not self.settings and any(entry.name != "lock" for entry in self.directory.iterdir()):
            raise ServerError(f"{self.directory} is neither empty nor a server's: name another directory")

    def require_ports(self):
        """A server that was stopped comes back where its clients look for it."""
        if not any(daemon.pid() for daemon in self.daemons()):
            taken = [port for port in self.ports.values() if not is_free(port)]
            if taken:
                raise ServerError(f"{self.directory} used port {taken[0]}, where another program listens now: start in another directory")

    def choose_settings(self, options):
        ports = dict(zip(self.port_names, free_ports(len(self.port_names))))
        scheme = "https" if options.get("certificate") else "http"
        self.settings = {"kind": self.kind, "endpoint": f"{scheme}://127.0.0.1:{ports['http']}", "region": REGION, "domain": DOMAIN, "bucket": "bae",
                         "access_key": self.access_key, "secret_key": SECRET, "ports": ports, **options}
        self.settings_file.write_text(json.dumps(self.settings, indent=2) + "\n")

    def make_bucket(self):
        try:
            answer = self.client().request("PUT", "/" + self.settings["bucket"])
        except (OSError, http.client.HTTPException) as error:
            raise ServerError(f"the bucket could not be made: {error!r}") from None
        if answer.status not in (200, 409):
            raise ServerError(f"the bucket could not be made: {answer.status} {error_code(answer.body)}")

    def wait_until_it_answers(self):
        def answers_or_ended():
            for daemon in self.daemons():
                daemon.require()
            return self.answers()

        if not wait_until(answers_or_ended, START_S):
            raise ServerError(f"{self.kind} did not answer within {START_S} s; see {self.directory}/*.log")

    def stop_daemons(self, number):
        if self.settings:
            for daemon in reversed(self.daemons()):
                daemon.stop(number)

    def clear(self):
        """All but what says that the directory is a server's."""
        for entry in self.directory.iterdir():
            if entry.name not in ("lock", "server.json"):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def write_conf(self, name, template, **values):
        """A file of conf/ from a template beside this one."""
        self.conf.mkdir(exist_ok=True)
        text = (Path(__file__).parent / template).read_text()
        (self.conf / name).write_text(Template(text).substitute(values, directory=self.directory, conf=self.conf, **self.settings))

    @contextlib.contextmanager
    def locked(self):
        """One command at a time per directory."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.settings_file.exists():
                self.settings = json.loads(self.settings_file.read_text())
            yield


def user_name():
    return pwd.getpwuid(os.geteuid()).pw_name
