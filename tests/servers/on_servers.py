"""Test classes that run once per kind of server. $BAE_S3_KIND: one kind only."""
import os
import sys
import unittest

from carriers import S3Carrier
from s3_servers import shared_server

KINDS = os.environ.get("BAE_S3_KIND", "radosgw swift").split()
SKIPPED = 77  # what ctest takes for skipped


def on_each_server(case):
    """Class decorator: for each kind of server a class of that name with its `kind`. The class itself is not run.

    A class with a set `only` runs no other tests, of those that it inherits.
    """
    module = sys.modules[case.__module__]
    names = set(unittest.defaultTestLoader.getTestCaseNames(case))
    only = getattr(case, "only", names)
    if only - names:
        raise AttributeError(f"there is no {', '.join(sorted(only - names))}")
    for kind in KINDS:
        name = f"{case.__name__}On{kind.capitalize()}"
        attributes = {"kind": kind, "__module__": case.__module__, "__qualname__": name, **dict.fromkeys(names - only)}
        setattr(module, name, type(name, (case,), attributes))


class OverS3:
    """Mixed into a Case: libraries sync through a prefix of the server that all tests share."""

    def setUp(self):
        self.server = self.find_server()
        super().setUp()

    def find_server(self):
        return shared_server(self.kind)

    def make_carrier(self):
        carrier = S3Carrier(self.server)
        self.addCleanup(carrier.close)
        return carrier


def main():
    result = unittest.main(exit=False).result
    only_skipped = result.wasSuccessful() and len(result.skipped) == result.testsRun
    sys.exit(SKIPPED if only_skipped else not result.wasSuccessful())
