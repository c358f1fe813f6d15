"""Ports of a cluster's daemons: free ones below the ephemeral range, so that a daemon that is down
keeps its port, and booked in a file of the user: two beds that start at once do not clash."""
import fcntl
import json
import os
import random
import socket

from hadoop_cluster import HOST

RANGE = (12000, 32000)
WANTED = {"nn": ("rpc", "http"), "dn": ("transfer", "http", "ipc"), "jn": ("rpc", "http"),
          "rm": ("rpc", "scheduler", "tracker", "admin", "http"),
          "nm": ("rpc", "localizer", "http", "shuffle")}
# From a base port P: where the ports of a daemon begin. Datanode n has P+10n and the next two.
OFFSETS = {"nn": 0, "nn1": 0, "nn2": 2, "jn": 4, "rm": -10, "nm": -5}


def kind(daemon):
    return daemon.rstrip("0123456789")


def choose(base, daemons, holder):
    """{daemon: [ports]}, in the order of WANTED. holder is a directory: its ports are free again
    when it is gone."""
    if base == 0:
        count = sum(len(WANTED[kind(daemon)]) for daemon in daemons)
        left = iter(book(count, holder))
        return {daemon: [next(left) for _ in WANTED[kind(daemon)]] for daemon in daemons}
    chosen = {}
    for daemon in daemons:
        number = int(daemon[len(kind(daemon)):] or 1)
        start = base + OFFSETS.get(daemon, OFFSETS.get(kind(daemon), 0))
        if kind(daemon) == "dn":
            start = base + 10 * number
        elif kind(daemon) == "jn":
            start += 2 * (number - 1)
        chosen[daemon] = [start + i for i in range(len(WANTED[kind(daemon)]))]
    return chosen


def book(count, holder):
    path = "/tmp/coeval-testbed-ports-%d.json" % os.getuid()  # one for all, whatever TMPDIR says
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        booked = {port: at for port, at in json.loads(text or "{}").items() if os.path.isdir(at)}
        ports = []
        while len(ports) < count:
            port = random.randrange(*RANGE)
            if str(port) not in booked and is_free(port):
                booked[str(port)] = holder
                ports.append(port)
        file.seek(0)
        file.truncate()
        json.dump(booked, file)
    return ports


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
