"""The processes of a cluster: each daemon a JVM of its own, known by a mark on its command line."""
import os
import re
import shutil
import signal
import subprocess
import time

from hadoop_cluster import HOST, archive, read_text
from hadoop_cluster.ports import kind

# Hadoop 3.3 to 3.5 on Java 17: reflection into the platform, and a JVM made for a short life.
JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"]
JVM += ["--add-opens=java.base/%s=ALL-UNNAMED" % package for package in (
    "java.io", "java.lang", "java.lang.reflect", "java.math", "java.net", "java.nio", "java.text",
    "java.util", "java.util.concurrent", "java.util.zip", "sun.nio.ch", "sun.security.util",
    "sun.security.x509")]
MAIN = {"nn": "org.apache.hadoop.hdfs.server.namenode.NameNode",
        "dn": "org.apache.hadoop.hdfs.server.datanode.DataNode",
        "jn": "org.apache.hadoop.hdfs.qjournal.server.JournalNode",
        "rm": "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
        "nm": "org.apache.hadoop.yarn.server.nodemanager.NodeManager"}
HEAP = {"nn": "256m", "dn": "192m", "jn": "128m", "rm": "256m", "nm": "192m", "client": "256m"}
ENDING_LIMIT_S = 120  # of a daemon that writes its archive before it ends


def mark(env, daemon):
    return "-Dcoeval.testbed=%s/%s" % (env["state"], daemon)


def java(env, name, main, arguments, level="INFO"):
    return ["java", "-Xmx" + HEAP[kind(name)]] + JVM + archive.options(env, name) + [
        "-Dhadoop.root.logger=%s,console" % level, mark(env, name),
        "-cp", "%s/*:%s" % (env["library"], env["conf"]), main] + arguments


def options(env, daemon):
    """What only this daemon's configuration says."""
    state, ports = env["state"], env["ports"][daemon]
    if kind(daemon) == "nn":
        found = {"dfs.namenode.name.dir": "file://%s/%s" % (state, daemon)}
        if env["ha"]:
            found["dfs.ha.namenode.id"] = daemon
    elif kind(daemon) == "dn":
        found = {"dfs.datanode.data.dir": "file://%s/%s" % (state, daemon),
                 "dfs.datanode.hostname": HOST}
        for name, port in zip(("address", "http.address", "ipc.address"), ports):
            found["dfs.datanode." + name] = "%s:%d" % (HOST, port)
    elif kind(daemon) == "jn":
        found = {"dfs.journalnode.edits.dir": "%s/%s" % (state, daemon)}
        for name, port in zip(("rpc", "http"), ports):
            found["dfs.journalnode.%s-address" % name] = "%s:%d" % (HOST, port)
    else:
        found = {}
    return [word for key in sorted(found) for word in ("-D", "%s=%s" % (key, found[key]))]


def command(env, daemon, arguments=()):
    return java(env, daemon, MAIN[kind(daemon)], options(env, daemon) + list(arguments))


def environment(env):
    """HADOOP_USER_NAME: whoever runs the tests, the cluster's superuser is the same."""
    found = dict(os.environ, HADOOP_CONF_DIR=env["conf"], HADOOP_HOME=env["state"],
                 HADOOP_USER_NAME=env["user"])
    found.setdefault("JAVA_HOME", os.path.dirname(os.path.dirname(
        os.path.realpath(shutil.which("java") or "/usr/bin/java"))))
    return found


def log_path(env, name):
    return "%s/%s.log" % (env["state"], name)


def log_tail(env, name):
    return "".join(read_text(log_path(env, name)).splitlines(True)[-30:])


def spawn(env, name, words):
    """Starts it in the background, its words into its log. The caller keeps the pid."""
    with open(log_path(env, name), "ab") as log:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                env=environment(env), cwd=env["state"], start_new_session=True)


def is_alive(env, daemon):
    """True while the pid is our daemon: not reused, not a zombie. A process that is just being
    started has no command line for an instant: so look twice."""
    if is_ours(env, daemon):
        return True
    time.sleep(0.1)
    return is_ours(env, daemon)


def is_ours(env, daemon):
    pid = env["pids"].get(daemon)
    return pid is not None and mark(env, daemon).encode() in words_of(pid)


def words_of(pid):
    try:
        with open("/proc/%s/cmdline" % pid, "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def end(env, daemon, number=signal.SIGKILL):
    """A signal; of those that end a process the end is waited for."""
    if not is_alive(env, daemon):
        return
    os.kill(env["pids"][daemon], number)
    while number in (signal.SIGKILL, signal.SIGTERM) and is_alive(env, daemon):
        time.sleep(0.02)


def end_well(env, daemons):
    """Asks all of them to end, and waits until they have."""
    limit = time.monotonic() + ENDING_LIMIT_S
    for daemon in daemons:
        if is_alive(env, daemon):
            os.kill(env["pids"][daemon], signal.SIGTERM)
    while any(is_ours(env, daemon) for daemon in daemons) and time.monotonic() < limit:
        time.sleep(0.1)


def all_of(state):
    """The pids of everything below a state directory: daemons, clients, containers of YARN."""
    signs = ("-Dcoeval.testbed=%s/" % state, state + "/nm-l")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) != os.getpid():
            words = b" ".join(words_of(pid)).decode(errors="replace")
            if any(sign in words for sign in signs):
                yield int(pid)


def end_all(state):
    """Nothing of the cluster is left, not even what starts while we look."""
    while True:
        left = list(all_of(state))
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def cpu_s(pid):
    """What it has computed so far: unlike the time on the wall the same on a busy machine."""
    after_name = read_text("/proc/%d/stat" % pid).rpartition(")")[2].split()
    return round(sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK"), 1)


def memory_mib(pid):
    """(now, most so far) of a process in MiB."""
    text = read_text("/proc/%d/status" % pid)
    found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", text, re.M))
    return tuple(round(int(found.get(name, 0)) / 1024) for name in ("VmRSS", "VmHWM"))
