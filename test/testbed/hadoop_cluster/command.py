"""Small, real Hadoop clusters from Maven artifacts, for tests: every daemon is its own process.

  hadoop-cluster resolve [--version V]          fetch the jars once (100 MB), print their directory
  hadoop-cluster start NAME [options]           format, start, wait until ready; prints its JSON
  hadoop-cluster stop NAME                      end its daemons, remove its directory
  hadoop-cluster kill NAME DAEMON [--signal S]  one daemon: KILL, STOP, CONT, TERM
  hadoop-cluster run NAME DAEMON                start a killed daemon again on its directory, wait
  hadoop-cluster wait NAME                      until out of safe mode with every datanode live
  hadoop-cluster env NAME                       print its JSON: urls, ports, pids, paths
  hadoop-cluster usage NAME                     memory and processor time of its daemons
  hadoop-cluster exec NAME CLASS [ARGUMENT]...  a main class of Hadoop's with its configuration
  hadoop-cluster role NAME [DAEMON]             of NameNodes: active, standby
  hadoop-cluster failover NAME FROM TO          with --ha: the old one gives up if it answers
  hadoop-cluster transition NAME DAEMON active|standby [--forceactive]
  hadoop-cluster zone NAME PATH KEY             with --key: an encryption zone

Daemons are nn dn1 dn2 .., with --ha nn1 nn2 jn1 .. (no ZKFC), with --yarn rm nm.
NAME's files lie in $COEVAL_TESTBED (default <tmp>/coeval-testbed-<uid>)/NAME, jars in $COEVAL_CACHE
(default ~/.cache/coeval). Port 0 (the default) picks free ports; else P, P+1 are the NameNode's RPC
and HTTP (P+2, P+3 the second's, P+4.. the journals', P-10.. those of YARN), P+10n .. P+10n+2
datanode n's transfer, HTTP and IPC. Everything listens on 127.0.0.1.
"""
import argparse
import json
import signal
import sys

from hadoop_cluster import ClusterError
from hadoop_cluster.cluster import DEFAULTS, Cluster, prepare
from hadoop_cluster.keeper import keep
from hadoop_cluster.library import default_version
from hadoop_cluster.readiness import running
from hadoop_cluster.rpc import RpcError


def show(document):
    print(json.dumps(document, indent=1, sort_keys=True))


def start(arguments):
    chosen = {name: getattr(arguments, name, value) for name, value in DEFAULTS.items()}
    show(Cluster.start(arguments.name, **chosen).env)


def role(arguments):
    cluster = Cluster(arguments.name)
    for daemon in [arguments.daemon] if arguments.daemon else running(cluster.env, "nn"):
        print(daemon, cluster.role(daemon))


def execute(arguments):
    sys.exit(Cluster(arguments.name).execute(arguments.main, *arguments.arguments).returncode)


def add_start_options(sub):
    add = sub.add_argument
    add("--version", default=default_version())
    add("--base-port", type=int, default=0)
    add("--datanodes", type=int, default=1)
    add("--ha", action="store_true", help="two NameNodes on journals, the first is made active")
    add("--journals", type=int, choices=(1, 3), default=1)
    add("--yarn", action="store_true", help="a ResourceManager and a NodeManager")
    add("--capture", choices=("true", "false"),
        help="dfs.namenode.snapshot.capture.openfiles")
    add("--ec", action="store_true", help="erasure coding XOR-2-1-1024k is enabled")
    add("--key", dest="keys", action="append", default=[], metavar="KEY",
        help="a key of this name in a file that NameNodes and datanodes read")
    add("--owner", type=int, metavar="PID", help="the cluster ends when this process does")
    add("-D", dest="define", action="append", default=[], metavar="key=value")


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, act, *names):
        sub = commands.add_parser(name)
        sub.set_defaults(act=act)
        for positional in names:
            sub.add_argument(positional)
        return sub

    command("resolve", lambda a: print(prepare(a.version))).add_argument(
        "--version", default=default_version())
    add_start_options(command("start", start, "name"))
    command("stop", lambda a: Cluster(a.name).stop(), "name")
    command("kill", lambda a: Cluster(a.name).signal(
        a.daemon, getattr(signal, "SIG" + a.signal)), "name", "daemon").add_argument(
            "--signal", choices=("KILL", "STOP", "CONT", "TERM"), default="KILL")
    command("run", lambda a: Cluster(a.name).run(a.daemon, not a.no_wait), "name",
            "daemon").add_argument("--no-wait", action="store_true")
    command("wait", lambda a: Cluster(a.name).wait(), "name")
    command("env", lambda a: show(Cluster(a.name).env), "name")
    command("usage", lambda a: show(Cluster(a.name).usage()), "name")
    command("exec", execute, "name", "main").add_argument("arguments", nargs=argparse.REMAINDER)
    command("role", role, "name").add_argument("daemon", nargs="?")
    command("failover", lambda a: Cluster(a.name).failover(a.old, a.new), "name", "old", "new")
    sub = command("transition", lambda a: Cluster(a.name).transition(a.daemon, a.role,
                                                                     a.forceactive),
                  "name", "daemon")
    sub.add_argument("role", choices=("active", "standby"))
    sub.add_argument("--forceactive", action="store_true")
    command("zone", lambda a: Cluster(a.name).make_zone(a.path, a.key), "name", "path", "key")
    command("keep", lambda a: keep(a.state, int(a.owner)), "state", "owner")  # keeper.py's own
    return parser.parse_args()


def main():
    arguments = parse()
    try:
        arguments.act(arguments)
    except (ClusterError, RpcError, OSError) as problem:
        sys.exit("hadoop-cluster: %s" % problem)
