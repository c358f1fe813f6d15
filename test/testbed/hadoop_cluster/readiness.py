"""When a cluster is ready: asked of the daemons themselves, never a matter of time."""
import json
import socket
import time
import urllib.request

from hadoop_cluster import HOST, ClusterError
from hadoop_cluster.ports import kind
from hadoop_cluster.process import is_alive, log_tail

READY_LIMIT_S = 180  # a loaded machine takes many times the usual 3 s


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.loads(answer.read())


def bean(url, name):
    """One of a NameNode's JMX beans."""
    return fetch("%s/jmx?qry=Hadoop:service=NameNode,name=%s" % (url, name))["beans"][0]


def running(env, wanted):
    return [daemon for daemon in env["pids"] if kind(daemon) == wanted and is_alive(env, daemon)]


def why_namenode_is_not(env, daemon, wanted, live=None):
    """None when it has that role (any when None), is out of safe mode and may use the datanodes."""
    url = env["http"][daemon]
    count = len(running(env, "dn")) if live is None else live
    try:
        state = bean(url, "FSNamesystemState")
        role = bean(url, "NameNodeStatus")["State"]
        usable = usable_datanodes(url)
    except (OSError, ValueError, LookupError) as problem:
        return "%s: %s" % (daemon, problem)
    if wanted in (None, role) and state["FSState"] == "Operational" and usable >= count:
        return None
    return "%s: %s, %s, %d of %d datanodes" % (daemon, role, state["FSState"], usable, count)


def usable_datanodes(url):
    """Those that have told of their space: a datanode is alive when it is registered, but until its
    first heartbeat it is full, and no file can be created."""
    nodes = json.loads(bean(url, "NameNodeInfo")["LiveNodes"])
    return sum(node["capacity"] > 0 for node in nodes.values())


def why_hdfs_is_not(env, daemons):
    """One NameNode serves. Those of `daemons` know the datanodes, be they active or not."""
    names = running(env, "nn")
    reasons = {daemon: why_namenode_is_not(env, daemon, "active") for daemon in names}
    if all(reasons.values()):
        return "; ".join(reasons.values()) or "no NameNode runs"
    for daemon in names:
        reason = daemon in daemons and reasons[daemon] and why_namenode_is_not(env, daemon, None)
        if reason:
            return reason
    return why_not_listening(env)


def why_not_listening(env):
    """A datanode that was down counts as live until heartbeats are missed: knock at its door."""
    for daemon in running(env, "dn"):
        try:
            socket.create_connection((HOST, env["ports"][daemon][1]), timeout=5).close()
        except OSError as problem:
            return "%s: %s" % (daemon, problem)
    return None


def why_yarn_is_not(env):
    try:
        metrics = fetch(env["http"]["rm"] + "/ws/v1/cluster/metrics")["clusterMetrics"]
        nodes = metrics["activeNodes"]
    except (OSError, ValueError, LookupError) as problem:
        return "rm: %s" % problem
    return None if nodes >= 1 else "no node manager is known"


def why_not(env, daemons):
    kinds = {kind(daemon) for daemon in daemons}
    if kinds & {"nn", "dn"}:
        reason = why_hdfs_is_not(env, daemons)
        if reason:
            return reason
    if kinds & {"rm", "nm"}:
        return why_yarn_is_not(env)
    if "jn" in kinds:
        return why_journal_is_not(env, daemons)
    return None


def why_journal_is_not(env, daemons):
    for daemon in daemons:
        if kind(daemon) == "jn":
            try:
                socket.create_connection((HOST, env["ports"][daemon][0]), timeout=5).close()
            except OSError as problem:
                return "%s: %s" % (daemon, problem)
    return None


def wait(env, daemons=None):
    until(env, lambda: why_not(env, daemons or list(env["pids"])), daemons)


def until(env, why, daemons=None):
    """Asks again until there is no reason left; at once an error when a daemon has ended."""
    limit = time.monotonic() + READY_LIMIT_S
    while True:
        for daemon in daemons or env["pids"]:
            if not is_alive(env, daemon):
                raise ClusterError("%s of %s ended\n%s" % (daemon, env["name"],
                                                           log_tail(env, daemon)))
        reason = why()
        if reason is None:
            return
        if time.monotonic() > limit:
            raise ClusterError("%s is not ready after %d s: %s" % (env["name"], READY_LIMIT_S,
                                                                   reason))
        time.sleep(0.05)
