"""What a client signed, signed again: for a server whose clock is wrong and for one that ignores conditions."""
import calendar
import email.utils
import re
import time
from urllib.parse import urlsplit

from servers.s3_request import amz_date, authorization

LARGEST_SKEW_S = 900
CONDITIONS = ("if-none-match", "if-match")


def shifted_date(head, offset_s):
    """The Date of an answer as a clock says it that is so far ahead."""
    date = email.utils.parsedate_tz(head.get("date"))
    if date and offset_s:
        head.put("date", http_date(email.utils.mktime_tz(date) + offset_s))


def http_date(seconds):
    return email.utils.formatdate(seconds, usegmt=True)


def is_too_skewed(head, offset_s):
    """As a server sees it whose clock is so far ahead."""
    try:
        said = calendar.timegm(time.strptime(head.get("x-amz-date"), "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return False
    return abs(said - time.time() - offset_s) > LARGEST_SKEW_S


def sign_again(head, credentials):
    """With the present time and the fields that are left of those that were signed."""
    given = head.get("authorization")
    signed = re.search(r"SignedHeaders=([^,\s]+)", given)
    scope = re.search(r"Credential=[^,\s]*/\d{8}/([^/]+)/s3/aws4_request", given)
    if not signed or not scope:
        return
    head.put("x-amz-date", amz_date(time.time()))
    names = [name for name in signed[1].split(";") if head.get(name)]
    method, target, _ = head.first.split(" ", 2)
    url = urlsplit(target)
    query = "&".join(sorted(part if "=" in part else part + "=" for part in url.query.split("&") if part))
    head.put("authorization", authorization(method, url.path, query, {name: head.get(name) for name in names}, credentials, scope[1]))
