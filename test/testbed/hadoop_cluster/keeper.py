"""The process that ends a cluster when whoever wanted it is gone: `hadoop-cluster start` while it
starts, then the owner, if there is one. It holds nothing but a pipe and a pidfd."""
import os
import select
import shutil
import subprocess
import sys

from hadoop_cluster import TESTBED
from hadoop_cluster.process import end_all

PROGRAM = os.path.join(TESTBED, "hadoop-cluster")


class Keeper:
    """The starter's end: until release() the cluster lives no longer than this process."""

    def __init__(self, state, owner):
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, "keep", state, str(owner or 0)], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def release(self):
        self.process.stdin.write(b"r")
        self.process.stdin.close()

    def end(self):
        """The start failed: everything goes."""
        self.process.stdin.close()
        self.process.wait()


def keep(state, owner):
    """The keeper's end. Returns when the cluster is stopped, released, or ended by us."""
    try:
        pidfd = os.pidfd_open(owner) if owner else None
    except ProcessLookupError:
        return end_cluster(state)
    waited = [sys.stdin] + ([] if pidfd is None else [pidfd])
    ready, _, _ = select.select(waited, [], [])
    if pidfd in ready or sys.stdin.buffer.read() != b"r":
        return end_cluster(state)
    while pidfd is not None and os.path.isdir(state):
        if select.select([pidfd], [], [], 1.0)[0]:  # a look now and then: it may have been stopped
            return end_cluster(state)
    return None


def end_cluster(state):
    end_all(state)
    shutil.rmtree(state, ignore_errors=True)
