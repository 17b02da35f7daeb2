#!/usr/bin/env python3
"""`bucket use` and `bucket probe` on real servers: credentials, permissions, buckets that are missing, empty or somebody else's."""
import contextlib
import pty
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))
from homes import *  # noqa: E402,F403
from carriers import S3Carrier  # noqa: E402
from s3_servers import FaultProxy  # noqa: E402
from on_servers import KINDS, OverS3, main, on_each_server  # noqa: E402


HONOURS = {"radosgw": "honoured", "swift": "refused"}  # what the server does with a condition


def keys(access_key, secret_key):
    return {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}


def typed(home, command, answers):
    """Exit code and what a terminal shows. `answers`: what is typed after each question, by words of it."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(PROGRAM, [PROGRAM, "--home", str(home.path), *command], environment(home.root))
    said, seen = "", 0
    with contextlib.suppress(OSError):  # how a terminal ends whose other side is gone
        for question, answer in answers.items():
            while question not in said[seen:] or not said.endswith(": "):
                said += os.read(terminal, 4096).decode()
            seen = len(said)
            os.write(terminal, answer.encode() + b"\n")
        while more := os.read(terminal, 4096):
            said += more.decode()
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


class Buckets(OverS3, Case):
    """Homes here have no credentials in their environment unless a test gives them."""

    def home(self, name):
        return Home(self.root, name)

    @property
    def keys(self):
        return self.carrier.environment

    @property
    def secret(self):
        return self.carrier.environment["AWS_SECRET_ACCESS_KEY"]

    def wrong_keys(self):
        return {**self.keys, "AWS_SECRET_ACCESS_KEY": "not-the-secret-key"}

    def new_bucket(self, name, make=True):
        """A bucket of this test's own, empty again at its end."""
        carrier = S3Carrier(self.server, bucket=f"{name}-{time.time_ns()}", prefix="bae")
        self.addCleanup(carrier.close)
        if make:
            carrier.request("PUT", "/" + carrier.bucket)
        return carrier

    def synced(self, **music):
        study = self.home("study").init()
        study.run("import", self.music(**music))
        study.run("bucket", "use", self.carrier.url, env=self.keys)
        study.sync()
        return study

    def findings(self, summary):
        return {finding["what"]: finding["level"] for finding in summary["findings"]}


@on_each_server
class Use(Buckets):
    def test_two_homes_sync_and_play_with_credentials_that_only_their_secret_stores_have(self):
        study = self.synced()
        kitchen = self.home("kitchen")
        kitchen.run("restore", "-", "--name", "kitchen", env=self.keys, stdin=study.export() + "\n")
        kitchen.sync()
        kitchen.run("get", *[row["id"] for row in kitchen.rows("releases")])
        self.assertEqual(audio_hashes(kitchen.path / "files"), audio_hashes(self.root / "music"))
        study.sync()
        self.assert_same(study, kitchen)
        for home in (study, kitchen):
            holders = [file.name for file in home.path.rglob("*") if file.is_file() and self.secret.encode() in file.read_bytes()]
            self.assertEqual(holders, ["secrets"])
            self.assertEqual((home.path / "secrets").stat().st_mode & 0o777, 0o600)
            for said in (home.dump(), home.run("status", "--json").out, home.run("bucket").out, home.run("inspect", home.path / "library.id").out):
                self.assertNotIn(self.secret, said)
        self.assertFalse((self.root / "config").exists())

    def test_the_environment_is_looked_at_when_a_bucket_is_chosen_and_not_by_a_sync(self):
        study = self.synced(count=1)
        study.run("tag", "add", "New", study.rows("releases")[0]["id"])
        self.assertEqual(study.run("sync", "--json", env=keys("somebody", "else")).summary["sent"], 1)

    def test_credentials_are_in_no_command_line(self):
        study = self.home("study").init()
        process = study.start("bucket", "use", self.carrier.url, env=self.keys)
        command_line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.communicate()
        self.assertEqual(process.returncode, DONE)
        self.assertNotIn(self.secret.encode(), command_line)

    def test_wrong_credentials_are_named_and_leave_what_was_there(self):
        study = self.synced(count=1)
        before = (study.path / "secrets").read_bytes()
        for wrong in (self.wrong_keys(), keys("test:nobody", "x"), keys("nobody", self.secret)):
            said = study.run("bucket", "use", self.carrier.url, env=wrong, code=FAILED).err
            self.assertRegex(said, "secret key|access key")
            self.assertNotIn(self.secret, said)
            self.assertNotIn("not-the-secret-key", said)
        self.assertEqual((study.path / "secrets").read_bytes(), before)
        study.sync()
        other = self.new_bucket("other")
        study.run("bucket", "use", other.url, env=self.wrong_keys(), code=FAILED)
        self.assertEqual(study.run("bucket").out.strip(), study.status()["bucket"])
        self.assertIn(self.carrier.bucket + "/", study.run("bucket").out)

    def test_without_a_terminal_the_variables_are_named(self):
        study = self.home("study").init()
        for command in (("use", self.carrier.url), ("probe", self.carrier.url)):
            self.assertIn("AWS_SECRET_ACCESS_KEY", study.run("bucket", *command, code=FAILED).err)
            half = study.run("bucket", *command, env={"AWS_ACCESS_KEY_ID": "test"}, code=USAGE).err
            self.assertIn("AWS_SECRET_ACCESS_KEY is not", half)
            blank = study.run("bucket", *command, env=keys("test", "se cret"), code=USAGE).err
            self.assertNotIn("se cret", blank)

    def test_at_a_terminal_they_are_asked_for_and_the_secret_is_not_shown(self):
        study = self.home("study").init()
        access_key, secret = self.keys["AWS_ACCESS_KEY_ID"], self.secret
        wrong = typed(study, ["bucket", "use", self.carrier.url], {"access key": access_key, "secret key": "wrong", "session token": ""})
        self.assertEqual(wrong[0], FAILED, wrong[1])
        code, said = typed(study, ["bucket", "use", self.carrier.url], {"access key": access_key, "secret key": secret, "session token": ""})
        self.assertEqual(code, DONE, said)
        self.assertIn(access_key, said)
        self.assertNotIn(secret, said)
        study.sync()
        code, said = typed(study, ["bucket", "use", self.carrier.url], {"access key": ""})
        self.assertEqual(code, DONE, said)
        self.assertNotIn("credentials", said)

    def test_choosing_it_again_keeps_or_replaces_the_credentials(self):
        study = self.synced(count=1)
        again = study.run("bucket", "use", self.carrier.url)
        self.assertNotIn("credentials", again.out)
        self.assertFalse(study.run("bucket", "use", self.carrier.url, "--json").summary["new_credentials"])
        rotated = study.run("bucket", "use", self.carrier.url, env=self.keys)
        self.assertIn("replaced", rotated.out)
        study.sync()

    def test_each_bucket_has_credentials_of_its_own(self):
        study = self.synced(count=1)
        other = self.new_bucket("other")
        self.assertIn("AWS_ACCESS_KEY_ID", study.run("bucket", "use", other.url, code=FAILED).err)
        study.run("bucket", "use", other.url, env=self.keys)
        study.sync()
        study.run("bucket", "use", self.carrier.url)
        study.sync()

    def test_a_bucket_that_is_missing_is_named_and_made_when_asked_to(self):
        missing = self.new_bucket("missing", make=False)
        study = self.home("study").init()
        said = study.run("bucket", "use", missing.url, env=self.keys, code=FAILED).err
        self.assertIn("--create", said)
        self.assertIn("no such bucket", study.run("bucket", "probe", missing.url, env=self.keys, code=FAILED).err)
        study.run("bucket", "use", missing.url, "--create", env=self.keys)
        study.run("bucket", "use", missing.url, "--create")
        study.sync()
        self.assertIn("library.bae", missing.versions())

    def test_a_bucket_of_another_library_is_refused_and_nothing_is_changed(self):
        self.synced(count=1)
        before = self.carrier.versions()
        other = self.home("other").init()
        secrets = (other.path / "secrets").read_bytes()
        self.assertIn("another library", other.run("bucket", "use", self.carrier.url, env=self.keys, code=FAILED).err)
        self.assertEqual((other.path / "secrets").read_bytes(), secrets)
        self.assertIsNone(other.run("bucket", "--json").summary["bucket"])
        self.assertEqual(self.carrier.versions(), before)

    def test_a_bucket_with_strangers_in_it_is_refused_and_leftovers_of_a_probe_are_not_strangers(self):
        self.carrier.write("probe-0123456789abcdef-a", b"left over")
        study = self.home("study").init()
        study.run("bucket", "use", self.carrier.url, env=self.keys)
        self.carrier.remove("library.bae")
        self.carrier.write("notes.txt", b"mine")
        other = self.home("other").init()
        self.assertIn("not empty", other.run("bucket", "use", self.carrier.url, env=self.keys, code=FAILED).err)

    def test_restore_takes_credentials_anew_and_tells_wrong_ones_from_a_wrong_code(self):
        study = self.synced(count=1)
        code = study.export() + "\n"
        self.assertNotIn(self.secret, code)
        kitchen = self.home("kitchen")
        self.assertIn("AWS_ACCESS_KEY_ID", kitchen.run("restore", "-", stdin=code, code=FAILED).err)
        self.assertIn("key", kitchen.run("restore", "-", env=self.wrong_keys(), stdin=code, code=FAILED).err)
        kitchen.run("list", "albums", code=NO_LIBRARY)
        kitchen.run("restore", "-", env=self.keys, stdin=code)
        known = kitchen.run("bucket", "--json").summary
        self.assertEqual(known, study.run("bucket", "--json").summary)
        self.assertEqual(known["conditional_put"], HONOURS[self.kind])
        kitchen.sync()
        study.sync()
        self.assert_same(study, kitchen)

    def test_restore_from_a_mirror_goes_on_through_the_bucket_in_the_code_if_it_can(self):
        study = self.synced(count=1)
        code = study.export() + "\n"
        mirror = f"file://{study.path}/mirror"
        kitchen = self.home("kitchen")
        kitchen.run("restore", "-", "--from", mirror, env=self.keys, stdin=code)
        self.assertEqual(kitchen.run("bucket").out, study.run("bucket").out)
        kitchen.sync()
        attic = self.home("attic")
        self.assertIn('bae bucket use "' + study.run('bucket').out.strip() + '"', attic.run("restore", "-", "--from", mirror, stdin=code).err)
        self.assertIsNone(attic.run("bucket", "--json").summary["bucket"])
        attic.run("bucket", "use", self.carrier.url, env=self.keys)
        self.settle(attic, study, kitchen)
        self.assert_same(attic, study, kitchen)
        shutil.copytree(study.path / "mirror", self.root / "copy")
        said = self.home("shed").run("restore", "-", "--from", self.root / "copy", stdin=code)
        self.assertIn("/copy", said.out)
        self.assertIn('bae bucket use "s3://', said.err, "that it goes on apart from the others is not left unsaid")

    def test_restore_from_a_place_that_holds_no_library_or_can_be_none_says_so(self):
        study = self.synced(count=1)
        code = study.export() + "\n"
        kitchen = self.home("kitchen")
        elsewhere = kitchen.run("restore", "-", "--from", self.carrier.url.replace("?", "/elsewhere?"), env=self.keys, stdin=code, code=FAILED)
        self.assertIn("there is no library in", elsewhere.err)
        for none in ("s3://bucket?endpoint=http://s3.example.org", "ftp://host", "https://name:pass-word@host/"):
            self.assertNotIn("pass-word", kitchen.run("restore", "-", "--from", none, env=self.keys, stdin=code, code=USAGE).err)
        kitchen.run("list", "albums", code=NO_LIBRARY)


@on_each_server
class Probe(Buckets):
    def test_says_what_the_server_does_and_leaves_nothing(self):
        study = self.home("study").init()
        found = study.run("bucket", "probe", self.carrier.url, "--thorough", "--json", env=self.keys).summary
        self.assertTrue(found["usable"])
        self.assertFalse(found["read_only"])
        self.assertEqual(found["conditional_put"], HONOURS[self.kind])
        levels = self.findings(found)
        self.assertEqual(levels.pop("conditional_put"), "ok" if self.kind == "radosgw" else "note")
        self.assertEqual(set(levels.values()), {"ok"}, found["findings"])
        self.assertTrue({"write", "read", "range", "list", "overwrite", "large", "clock", "versioning", "remove"} <= set(levels))
        self.assertEqual(self.carrier.versions(), {})
        self.assertIsNone(study.run("bucket", "--json").summary["bucket"], "a probe changes nothing")
        self.assertNotIn(self.secret.encode(), (study.path / "secrets").read_bytes())

    def test_prints_the_least_policy_for_bucket_and_prefix(self):
        found = self.home("none").run("bucket", "probe", self.carrier.url, "--json", env=self.keys).summary
        policy = json.loads(found["policy"])
        below = f"arn:aws:s3:::{self.carrier.bucket}/{self.carrier.prefix}/*"
        actions = {action for statement in policy["Statement"] for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])}
        self.assertEqual(actions, {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:ListBucket",
                                   "s3:ListBucketMultipartUploads", "s3:GetBucketVersioning"})
        self.assertEqual(policy["Statement"][0]["Resource"], below)
        self.assertIn(below, self.home("none").run("bucket", "probe", self.carrier.url, env=self.keys).out)

    def test_of_the_bucket_in_use_takes_the_credentials_that_are_kept(self):
        study = self.synced(count=1)
        before = self.carrier.versions()
        self.assertIn("can hold a library", study.run("bucket", "probe").out)
        self.assertEqual(self.carrier.versions(), before)


@on_each_server
class Behind(Buckets):
    """A server with habits that neither of the real ones has."""

    def through(self, *options):
        proxy = self.enterContext(FaultProxy(self.server, *options))
        return proxy, self.carrier.at(proxy.url)

    def test_conditions_that_are_ignored_are_noticed_and_sync_works_without(self):
        _, url = self.through("--ignore-conditions")
        study = self.home("study").init()
        used = study.run("bucket", "use", url, "--json", env=self.keys).summary
        self.assertEqual((used["conditional_put"], self.findings(used)["conditional_put"]), ("ignored", "note"))
        self.assertNotIn("race", self.findings(used))
        study.sync()
        self.assertIn("library.bae", self.carrier.versions())

    def test_a_clock_that_is_off_is_named_and_corrected(self):
        _, url = self.through("--clock-offset", "1200")
        found = self.home("none").run("bucket", "probe", url, "--json", env=self.keys).summary
        clock, = [finding for finding in found["findings"] if finding["what"] == "clock"]
        self.assertEqual((clock["level"], found["usable"]), ("note", True))
        self.assertIn("20 min behind", clock["found"])
        study = self.home("study").init()
        study.run("bucket", "use", url, env=self.keys)
        study.sync()

    def test_a_place_that_is_read_only_for_now_holds_up_sending_until_it_is_not(self):
        proxy, url = self.through()
        study = self.home("study").init()
        study.run("bucket", "use", url, env=self.keys)
        study.sync()
        study.run("import", self.music(count=1))
        proxy.set_faults(deny=["PUT"])
        self.assertTrue(study.run("bucket", "probe", "--json").summary["read_only"])
        self.assertEqual([hold["reason"] for hold in study.run("sync", "--json", code=PARTLY).summary["holds"]], ["carrier_denied"])
        proxy.set_faults(deny=["GET"])
        self.assertIn("bae bucket use", study.run("sync", code=FAILED).err)
        self.assertIn("carrier_denied", [hold["reason"] for hold in study.status()["holds"]])
        proxy.set_faults()
        study.sync()
        self.assertEqual(study.status()["holds"], [])

    def test_a_bad_day_keeps_nobody_from_choosing_a_bucket(self):
        proxy, url = self.through("--refuse", "0.05", "--cut", "0.05", "--status", "503:0.05,500:0.05,412:0.05", "--lose-answer", "0.05", "--old-list", "0.1",
                                  "--truncated-list", "0.1", "--truncated-body", "0.05")
        study = self.home("study").init()
        study.run("bucket", "use", url, env={**self.keys, "BAE_BUCKET_ATTEMPTS": "20"})
        self.assertGreater(sum(proxy.counts()["faults"].values()), 0)
        proxy.set_faults()
        study.sync()


@unittest.skipUnless("radosgw" in KINDS, "of the gateway alone")
class Permissions(Buckets):
    """Users with less than all rights, which only the gateway lets us make."""

    kind = "radosgw"

    def setUp(self):
        super().setUp()
        self.shared = self.new_bucket("shared")

    def make_carrier(self):
        return self.shared

    def admin(self, *arguments):
        config = Path(os.environ["BAE_S3_SERVERS"]).parent / "radosgw/conf/ceph.conf"
        subprocess.run(["radosgw-admin", "-c", str(config), "-n", "client.rgw.a", *arguments], check=True, capture_output=True, timeout=120)

    def user(self, name):
        name = f"{name}{time.time_ns()}"
        self.admin("user", "create", "--uid", name, "--display-name", name, "--access-key", name, "--secret-key", "their-own-secret")
        return name, keys(name, "their-own-secret")

    def allow(self, user, of_objects, of_bucket, condition=None, denied=None):
        principal = {"AWS": [f"arn:aws:iam:::user/{user}"]}
        policy = {"Version": "2012-10-17",
                  "Statement": [{"Effect": "Allow", "Principal": principal, "Action": of_objects, "Resource": [f"arn:aws:s3:::{self.shared.bucket}/*"]},
                                {"Effect": "Allow", "Principal": principal, "Action": of_bucket, "Resource": [f"arn:aws:s3:::{self.shared.bucket}"]}]}
        if condition:
            policy["Statement"][1]["Condition"] = condition
        if denied:
            policy["Statement"].append({**policy["Statement"][0], "Effect": "Deny", "Action": denied})
        self.put_policy(policy)

    def put_policy(self, policy):
        self.shared.request("PUT", "/" + self.shared.bucket, json.dumps(policy).encode(), query={"policy": ""})

    def reader(self):
        user, theirs = self.user("reader")
        self.allow(user, ["s3:GetObject"], ["s3:ListBucket"])
        return theirs

    def test_what_may_only_be_read_is_received_and_what_waits_says_for_what(self):
        study = self.synced()
        theirs = self.reader()
        kitchen = self.home("kitchen")
        kitchen.run("restore", "-", env=theirs, stdin=study.export() + "\n")
        received = kitchen.run("sync", "--json", code=PARTLY).summary
        self.assertGreater(received["rows_received"], 0)
        self.assertEqual([hold["reason"] for hold in received["holds"]], ["carrier_denied"])
        kitchen.run("get", *[row["id"] for row in kitchen.rows("releases")])
        self.assertEqual(audio_hashes(kitchen.path / "files"), audio_hashes(self.root / "music"))
        kitchen.run("tag", "add", "Evening", kitchen.rows("releases")[0]["id"])
        said = kitchen.run("sync", code=PARTLY).err
        self.assertIn("bae bucket use", said)
        status = kitchen.status()
        self.assertEqual([hold["reason"] for hold in status["holds"]], ["carrier_denied"])
        self.assertGreater(status["pending"], 0)
        self.assertIn("nothing can be sent", kitchen.run("bucket", "use", self.shared.url, env=theirs).out)
        kitchen.run("bucket", "use", self.shared.url, env=keys(self.server["access_key"], self.server["secret_key"]))
        self.settle(kitchen, study)
        self.assert_same(kitchen, study)
        self.assertEqual(kitchen.status()["holds"], [])

    def test_own_audio_waits_where_only_reading_is_allowed(self):
        study = self.synced(count=1)
        kitchen = self.home("kitchen")
        kitchen.run("restore", "-", env=self.reader(), stdin=study.export() + "\n")
        kitchen.run("import", self.music(name="more", count=2))
        summary = kitchen.run("sync", "--json", code=PARTLY).summary
        self.assertGreater(summary["rows_received"], 0)
        self.assertGreater(summary["blobs_waiting"], 0)

    def test_an_empty_place_that_may_only_be_read_is_refused(self):
        study = self.home("study").init()
        study.run("bucket", "use", self.shared.url, env=self.reader(), code=FAILED)
        self.assertIsNone(study.run("bucket", "--json").summary["bucket"])

    def test_what_may_be_written_and_not_read_or_listed_is_refused(self):
        user, theirs = self.user("writer")
        study = self.home("study").init()
        writing = ["s3:PutObject", "s3:DeleteObject", "s3:GetObject"]
        only_below = {"StringLike": {"s3:prefix": f"{self.shared.prefix}/*"}}
        for what, permissions in {"list": (writing, ["s3:GetBucketVersioning"]), "read": (writing, ["s3:ListBucket"], None, ["s3:GetObject"]),
                                  "missing": (writing, ["s3:ListBucket"], only_below)}.items():
            self.allow(user, *permissions)
            said = study.run("bucket", "use", self.shared.url, env=theirs, code=FAILED).err
            self.assertIn(f"changed: {what}: ", said)
            found = study.run("bucket", "probe", self.shared.url, "--json", env=theirs, code=FAILED).summary
            self.assertEqual(self.findings(found)[what], "problem")
        self.assertIsNone(study.run("bucket", "--json").summary["bucket"])
        self.assertEqual(self.shared.versions(), {})

    def test_the_least_policy_suffices(self):
        user, theirs = self.user("owner")
        policy = json.loads(self.home("none").run("bucket", "probe", self.shared.url, "--json", env=keys(self.server["access_key"], self.server["secret_key"])).summary["policy"])
        for statement in policy["Statement"]:
            statement["Principal"] = {"AWS": [f"arn:aws:iam:::user/{user}"]}
        self.put_policy(policy)
        study = self.home("study").init()
        found = study.run("bucket", "probe", self.shared.url, "--thorough", "--json", env=theirs).summary
        self.assertEqual(set(self.findings(found).values()), {"ok"}, found["findings"])
        study.run("import", self.music(count=2))
        study.run("bucket", "use", self.shared.url, env=theirs)
        study.sync()
        kitchen = self.home("kitchen")
        kitchen.run("restore", "-", env=theirs, stdin=study.export() + "\n")
        kitchen.sync()
        kitchen.run("get", *[row["id"] for row in kitchen.rows("releases")])
        self.assertEqual(audio_hashes(kitchen.path / "files"), audio_hashes(self.root / "music"))

    def test_credentials_that_end_are_named_and_replaced(self):
        user, theirs = self.user("guest")
        self.allow(user, ["s3:*"], ["s3:*"])
        study = self.home("study").init()
        study.run("bucket", "use", self.shared.url, env=theirs)
        study.sync()
        self.admin("key", "rm", "--uid", user, "--access-key", user)
        said = study.run("sync", code=FAILED).err
        self.assertIn("access key", said)
        self.assertIn("bae bucket use", said)
        self.assertNotIn("their-own-secret", said)
        self.assertEqual([hold["reason"] for hold in study.status()["holds"]], ["carrier_denied"])
        study.run("bucket", "use", self.shared.url, code=FAILED)
        self.admin("key", "create", "--uid", user, "--key-type", "s3", "--access-key", user + "2", "--secret-key", "their-next-secret")
        self.assertIn("replaced", study.run("bucket", "use", self.shared.url, env=keys(user + "2", "their-next-secret")).out)
        study.sync()
        self.assertEqual(study.status()["holds"], [])

    def test_versioning_is_named_with_what_it_costs_and_that_conditions_are_ignored(self):
        body = b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>%s</Status></VersioningConfiguration>'
        everything = keys(self.server["access_key"], self.server["secret_key"])
        study = self.home("study").init()
        self.shared.request("PUT", "/" + self.shared.bucket, body % b"Enabled", query={"versioning": ""})
        found = study.run("bucket", "probe", self.shared.url, "--json", env=everything).summary
        levels = self.findings(found)
        self.assertEqual((found["usable"], found["conditional_put"], levels["versioning"], levels["conditional_put"]), (True, "ignored", "note", "note"))
        self.assertIn("lifecycle", study.run("bucket", "use", self.shared.url, env=everything).out)
        study.sync()
        self.shared.request("PUT", "/" + self.shared.bucket, body % b"Suspended", query={"versioning": ""})
        found = study.run("bucket", "probe", "--json").summary
        self.assertEqual((found["conditional_put"], self.findings(found)["versioning"]), ("honoured", "ok"))


if __name__ == "__main__":
    main()
