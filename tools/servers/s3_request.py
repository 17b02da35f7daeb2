"""One S3 request, signed (AWS Signature Version 4, path style), for scripts: what the client in s3/ is held against, so not made of it."""
import hashlib
import hmac
import http.client
import ssl
import time
import xml.etree.ElementTree
from collections import namedtuple
from urllib.parse import quote, urlsplit

Answer = namedtuple("Answer", "status headers body")  # headers: names in lower case
ALGORITHM = "AWS4-HMAC-SHA256"


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def amz_date(seconds):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def encoded_query(query):
    return "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query.items()))


def authorization(method, path, query, headers, credentials, region):
    """The Authorization header for a request whose path and query are encoded and whose headers are all to be signed."""
    names = ";".join(sorted(headers))
    lines = [method, path, query, *(f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)), "", names, headers["x-amz-content-sha256"]]
    date = headers["x-amz-date"]
    scope = f"{date[:8]}/{region}/s3/aws4_request"
    to_sign = "\n".join([ALGORITHM, date, scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    key = ("AWS4" + credentials[1]).encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return f"{ALGORITHM} Credential={credentials[0]}/{scope}, SignedHeaders={names}, Signature={_hmac(key, to_sign).hex()}"


class S3:
    """A server and whose requests it gets. Not for several threads; the connection is kept."""

    def __init__(self, endpoint, access_key, secret_key, region="us-east-1", timeout_s=60):
        url = urlsplit(endpoint)
        self.host, self.credentials, self.region = url.netloc, (access_key, secret_key), region
        if url.scheme == "https":  # its certificate may be a bad one on purpose, which is no concern of these requests
            context = ssl._create_unverified_context()
            self.connection = http.client.HTTPSConnection(url.netloc, timeout=timeout_s, context=context)
        else:
            self.connection = http.client.HTTPConnection(url.netloc, timeout=timeout_s)

    def signed(self, method, path, query, headers, body, now):
        signed = {"host": self.host, "x-amz-date": amz_date(now), "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
        signed.update({name.lower(): value for name, value in headers.items()})
        return {**signed, "authorization": authorization(method, path, query, signed, self.credentials, self.region)}

    def request(self, method, path, body=b"", query=None, headers=None, now=None):
        """`path`: "/bucket/key", not encoded. An answer of any status; OSError or HTTPException if there was none."""
        path, query = quote(path, safe="/-_.~"), encoded_query(query or {})
        signed = self.signed(method, path, query, headers or {}, body, time.time() if now is None else now)
        try:
            self.connection.request(method, path + (f"?{query}" if query else ""), body, signed)
            answer = self.connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise


def error_code(body):
    """The <Code> of an error answer, "" if there is none."""
    try:
        return xml.etree.ElementTree.fromstring(body).findtext("{*}Code") or ""
    except xml.etree.ElementTree.ParseError:
        return ""
