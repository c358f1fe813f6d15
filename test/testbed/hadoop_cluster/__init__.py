"""Small, real Hadoop clusters for tests: cluster.py is the noun that tests use, command.py the same
from a shell; the other files are what they are made of."""
import os

HOST = "127.0.0.1"
TESTBED = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class ClusterError(Exception):
    """The cluster, or the machine below it, did not do what was asked."""


def read_text(path):
    """What a file holds; nothing when it is not there."""
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""
