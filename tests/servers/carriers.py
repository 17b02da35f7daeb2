"""What a library syncs through, as a test sees it beside the program: objects by path, to be looked at and tampered with."""
import shutil
import time
import urllib.parse
import xml.etree.ElementTree

from s3_servers import client


class DirectoryCarrier:
    environment = {}  # what the program needs to be told besides the URL

    def __init__(self, path):
        self.path, self.url = path, f"file://{path}"

    def versions(self, prefix=""):
        """Path of every object, and what changes when it is written again."""
        files = [file for file in self.path.rglob("*") if file.is_file()] if self.path.exists() else []
        found = {str(file.relative_to(self.path)): (file.stat().st_mtime_ns, file.stat().st_ino) for file in files}
        return {path: version for path, version in sorted(found.items()) if path.startswith(prefix) and not path.startswith(".")}

    def read(self, path):
        return (self.path / path).read_bytes()

    def write(self, path, content):
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_bytes(content)

    def remove(self, path):
        (self.path / path).unlink()

    def empty(self):
        shutil.rmtree(self.path)
        self.path.mkdir()


class S3Carrier:
    """A prefix of its own in the bucket of a server. `endpoint`: where the program is to look for it, if not at the server itself."""

    def __init__(self, settings, endpoint=None, prefix=None, bucket=None):
        self.settings, self.s3 = settings, client(settings)
        self.bucket, self.prefix = bucket or settings["bucket"], prefix or f"library-{time.time_ns()}"
        self.environment = {"AWS_ACCESS_KEY_ID": settings["access_key"], "AWS_SECRET_ACCESS_KEY": settings["secret_key"]}
        self.url = self.at(endpoint or settings["endpoint"])

    def at(self, endpoint):
        return f"s3://{self.bucket}/{self.prefix}?endpoint={endpoint}&region={self.settings['region']}"

    def close(self):
        self.s3.connection.close()

    def request(self, method, path, *arguments, expected=(200, 204), **options):
        answer = self.s3.request(method, path, *arguments, **options)
        if answer.status not in expected:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body.decode(errors='replace')[:300]}")
        return answer

    def key(self, path):
        return f"/{self.bucket}/{self.prefix}/{path}"

    def versions(self, prefix=""):
        found, more = {}, {}
        while more is not None:
            query = {"list-type": "2", "prefix": f"{self.prefix}/{prefix}", "encoding-type": "url", **more}
            page = xml.etree.ElementTree.fromstring(self.request("GET", "/" + self.bucket, query=query).body)
            for entry in page.iterfind("{*}Contents"):
                path = urllib.parse.unquote(entry.findtext("{*}Key"))[len(self.prefix) + 1:]
                found[path] = (entry.findtext("{*}ETag"), entry.findtext("{*}LastModified"))
            more = self._next(page)
        return found

    @staticmethod
    def _next(page):
        if page.findtext("{*}IsTruncated") != "true":
            return None
        token = page.findtext("{*}NextContinuationToken")
        if not token:
            raise AssertionError("a page of a listing that says it goes on, and not where")
        return {"continuation-token": token}

    def read(self, path):
        return self.request("GET", self.key(path)).body

    def write(self, path, content):
        self.request("PUT", self.key(path), content)

    def remove(self, path):
        self.request("DELETE", self.key(path))

    def empty(self):
        for path in self.versions():
            self.remove(path)

    def open_uploads(self):
        """(path, upload id) of every multipart upload that is neither complete nor given up."""
        query = {"uploads": "", "prefix": self.prefix + "/"}
        page = xml.etree.ElementTree.fromstring(self.request("GET", "/" + self.bucket, query=query).body)
        return [(entry.findtext("{*}Key")[len(self.prefix) + 1:], entry.findtext("{*}UploadId")) for entry in page.iterfind("{*}Upload")]

    def parts(self, path, upload_id):
        """Sizes of the parts that the server has of it, by number."""
        page = xml.etree.ElementTree.fromstring(self.request("GET", self.key(path), query={"uploadId": upload_id}).body)
        return {int(part.findtext("{*}PartNumber")): int(part.findtext("{*}Size")) for part in page.iterfind("{*}Part")}
