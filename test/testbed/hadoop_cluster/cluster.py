"""A cluster: made, broken, mended, ended. What is known of it lies in one file, env.json, so that
it may be used from a shell and from several processes."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from hadoop_cluster import HOST, ClusterError, archive, configuration, library, ports, process
from hadoop_cluster import read_text, readiness, rpc
from hadoop_cluster.keeper import Keeper

KEY_SHELL = "org.apache.hadoop.crypto.key.KeyShell"
DEFAULTS = {"version": None, "base_port": 0, "datanodes": 1, "ha": False, "journals": 1,
            "yarn": False, "capture": None, "ec": False, "keys": (), "define": (), "owner": None,
            "archives": None}
GRACE_S = 5  # a NameNode that does not answer is taken for dead, as haadmin does


def state_directory(name, directory=None):
    top = directory or os.environ.get("COEVAL_TESTBED") or os.path.join(
        tempfile.gettempdir(), "coeval-testbed-%d" % os.getuid())
    return os.path.join(os.path.abspath(top), name)


def prepare(version):
    """The jars of a version, fetched if need be, and with them the archives of their classes."""
    jars = library.resolve(version)
    archive.ensure(jars, lambda directory: make_archives(version, directory))
    return jars


def make_archives(version, directory):
    """One daemon of each kind lives a short life."""
    with tempfile.TemporaryDirectory(prefix="coeval-testbed-") as place:
        with Cluster.start("archives", place, version=version, ha=True, yarn=True,
                           archives=directory, owner=os.getpid()) as cluster:
            process.end_well(cluster.env, list(cluster.env["pids"]))


class Cluster:
    """Tests: Cluster.start("a", ha=True, owner=os.getpid()); the names of options are DEFAULTS."""

    def __init__(self, name, directory=None):
        state = state_directory(name, directory)
        text = read_text(os.path.join(state, "env.json"))
        if not text:
            raise ClusterError("no cluster %s in %s" % (name, os.path.dirname(state)))
        self.env = json.loads(text)

    # --- beginning and end

    @classmethod
    def start(cls, name, directory=None, **asked):
        """Returns when it is ready. With an owner (a pid) it ends when that process does."""
        began, wanted = time.monotonic(), dict(DEFAULTS, **asked)
        unknown = set(asked) - set(DEFAULTS)
        if unknown:
            raise ClusterError("no such option: " + ", ".join(sorted(unknown)))
        if wanted["ec"] and wanted["datanodes"] < 3:
            raise ClusterError("%s needs three datanodes" % configuration.EC_POLICY)
        state = state_directory(name, directory)
        if os.path.exists(state):
            raise ClusterError("%s exists: stop it first" % state)
        version = wanted["version"] or library.default_version()
        jars = library.resolve(version) if wanted["archives"] else prepare(version)
        keeper = Keeper(state, wanted["owner"])
        try:
            os.makedirs(state)
            env = describe(name, state, jars, wanted)
            configuration.write(env, dict(pair.split("=", 1) for pair in wanted["define"]))
            save(env)
            cluster = cls(name, directory)
            cluster._bring_up(wanted["keys"])
            cluster.env["started_in_s"] = round(time.monotonic() - began, 2)
            save(cluster.env)
        except BaseException:  # an interrupt too must not leave daemons behind
            keeper.end()
            raise
        keeper.release()
        return cluster

    def _bring_up(self, keys):
        names = list(self.env["ports"])
        first, *others = [name for name in names if name.startswith("nn")]
        later = [name for name in names if not name.startswith("nn")]
        making = [self._background("key-" + key, KEY_SHELL, [
            "create", key, "-size", "128", "-provider", self.env["key_provider"]]) for key in keys]
        for daemon in later:  # they wait for their NameNode by themselves
            self._spawn(daemon)
        form = process.command(dict(self.env, archives=None), first,
                               ["-format", "-force", "-nonInteractive"])
        making.append(("format", process.spawn(self.env, "format", form)))
        for what, child in making:
            if child.wait() != 0:
                raise ClusterError("%s failed\n%s" % (what, process.log_tail(self.env, what)))
        for daemon in others:  # what -bootstrapStandby copies of a NameNode that never ran
            shutil.copytree(*("%s/%s" % (self.env["state"], name) for name in (first, daemon)))
        for daemon in [first, *others]:
            self._spawn(daemon)
        if self.env["ha"]:
            readiness.until(self.env, lambda: self._why_not_active(first))
        readiness.wait(self.env)

    def _why_not_active(self, daemon):
        """A NameNode that is starting refuses in several ways: ask until it does it."""
        try:
            rpc.transition(self.address(daemon), "active")
            return None
        except (OSError, rpc.RpcError) as problem:
            return str(problem)

    def _spawn(self, daemon):
        child = process.spawn(self.env, daemon, process.command(self.env, daemon))
        self.env["pids"][daemon] = child.pid
        save(self.env)

    def _background(self, name, main, arguments):
        words = process.java(self.env, "client", main, arguments, level="WARN")
        return name, process.spawn(self.env, name, words)

    def stop(self):
        process.end_all(self.env["state"])
        shutil.rmtree(self.env["state"], ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # --- single daemons

    def signal(self, daemon, number):
        if daemon not in self.env["pids"]:
            raise ClusterError("%s has no daemon %s" % (self.env["name"], daemon))
        process.end(self.env, daemon, number)

    def kill(self, daemon):
        self.signal(daemon, signal.SIGKILL)

    def pause(self, daemon):
        self.signal(daemon, signal.SIGSTOP)

    def resume(self, daemon):
        self.signal(daemon, signal.SIGCONT)

    def run(self, daemon, wait=True):
        """Starts a daemon that is down again, on its directory and ports."""
        if daemon not in self.env["pids"] or process.is_alive(self.env, daemon):
            raise ClusterError("%s of %s is no daemon that is down" % (daemon, self.env["name"]))
        self._spawn(daemon)
        if wait:
            readiness.wait(self.env, [daemon])

    def wait(self):
        readiness.wait(self.env)

    def is_alive(self, daemon):
        return process.is_alive(self.env, daemon)

    def log(self, daemon):
        return read_text(process.log_path(self.env, daemon))

    def address(self, daemon):
        """(host, port) of its RPC."""
        return HOST, self.env["ports"][daemon][0]

    def url(self, daemon):
        return self.env["http"][daemon]

    # --- two NameNodes

    def role(self, daemon):
        return rpc.role(self.address(daemon), GRACE_S)

    def transition(self, daemon, wanted, forced=False):
        """active or standby; to active only when no other says that it is, unless forced (as
        haadmin --forceactive: the others are not even asked)."""
        if wanted == "active" and not forced:
            for other in readiness.running(self.env, "nn"):
                if other != daemon and self.role(other) == "active":
                    raise ClusterError("%s is active: --forceactive if that is meant" % other)
        rpc.transition(self.address(daemon), wanted)

    def failover(self, old, new):
        """As haadmin -failover with a fence that always succeeds: the old one gives up, if it
        answers; then the new one is made active, and is ready to serve."""
        graceful = True
        try:
            rpc.transition(self.address(old), "standby", timeout_s=GRACE_S)
        except (OSError, rpc.RpcError):
            graceful = False
        rpc.transition(self.address(new), "active")
        readiness.until(self.env, lambda: readiness.why_namenode_is_not(
            self.env, new, "active", live=1), [new])
        return graceful

    # --- programs and parts

    def execute(self, main, *arguments, **options):
        """A main class of Hadoop's with this cluster's configuration; a CompletedProcess."""
        words = process.java(self.env, "client", main, list(arguments),
                             os.environ.get("COEVAL_TESTBED_LOG", "WARN"))
        return subprocess.run(words, env=process.environment(self.env), **options)

    def make_zone(self, path, key):
        """An encryption zone; the directory is there, and empty."""
        for daemon in readiness.running(self.env, "nn"):
            if not self.env["ha"] or self.role(daemon) == "active":
                return rpc.make_zone(self.address(daemon), path, key)
        raise ClusterError("no NameNode is active")

    def usage(self):
        """{daemon: {rss_mib, peak_mib, cpu_s}} of those that run."""
        found = {}
        for daemon, pid in self.env["pids"].items():
            if process.is_alive(self.env, daemon):
                now, most = process.memory_mib(pid)
                found[daemon] = {"rss_mib": now, "peak_mib": most, "cpu_s": process.cpu_s(pid)}
        return found


def daemons_of(wanted):
    names = ["nn1", "nn2"] if wanted["ha"] else ["nn"]
    names += ["dn%d" % n for n in range(1, wanted["datanodes"] + 1)]
    names += ["jn%d" % n for n in range(1, wanted["journals"] + 1)] if wanted["ha"] else []
    return names + (["rm", "nm"] if wanted["yarn"] else [])


def describe(name, state, jars, wanted):
    chosen = ports.choose(wanted["base_port"], daemons_of(wanted), state)
    service = "ns-" + name
    names = [daemon for daemon in chosen if daemon.startswith("nn")]
    web = {"dn": 1, "rm": 4, "nm": 2}  # which of its ports speaks HTTP
    http = {daemon: "http://%s:%d" % (HOST, chosen[daemon][web.get(ports.kind(daemon), 1)])
            for daemon in chosen}
    return {"name": name, "state": state, "conf": state + "/conf", "library": jars,
            "version": wanted["version"] or library.default_version(), "user": "coeval",
            "ports": chosen, "pids": {}, "jvm": process.JVM, "ha": wanted["ha"],
            "yarn": wanted["yarn"], "ec": wanted["ec"], "capture": wanted["capture"],
            "nameservice": service if wanted["ha"] else None,
            "fs": "hdfs://" + (service if wanted["ha"] else "%s:%d" % (HOST, chosen["nn"][0])),
            "key_provider": "jceks://file%s/keys.jceks" % state if wanted["keys"] else None,
            "archives": wanted["archives"],
            "http": http, "namenode": http[names[0]], "namenodes": [http[n] for n in names]}


def save(env):
    path = os.path.join(env["state"], "env.json")
    with open(path + ".new", "w") as file:
        json.dump(env, file, indent=1, sort_keys=True)
    os.rename(path + ".new", path)
