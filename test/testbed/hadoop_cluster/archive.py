"""Archives of loaded classes (CDS), one per kind of daemon: with its archive a daemon starts for
half the processor time and in four fifths of the memory. They lie beside the jars and are made
once, by a cluster that is started and ended for nothing else. Without them all works, slower."""
import fcntl
import os
import shutil
import sys

from hadoop_cluster import ClusterError, read_text
from hadoop_cluster.ports import kind

FOLDER = "cds"


def place_of(jars, name):
    return os.path.join(jars, FOLDER, kind(name) + ".jsa")


def options(env, name):
    """What the JVM is told. Archives hold the paths of jars: the class path begins with these."""
    if env.get("archives"):
        is_model = name in env["ports"] and name != "nn2"  # nn1 has been active: it knows more
        return ["-XX:ArchiveClassesAtExit=%s/%s.jsa" % (env["archives"], kind(name))] \
            if is_model else []
    place = place_of(env["library"], name)
    return ["-XX:SharedArchiveFile=" + place] if os.path.exists(place) else []


def java_of():
    """Another Java, or another build of it, does not read them."""
    path = os.path.realpath(shutil.which("java") or "/usr/bin/java")
    library = os.path.join(os.path.dirname(path), "../lib/server/libjvm.so")
    return "%s %d\n" % (path, os.stat(library).st_mtime if os.path.exists(library) else 0)


def ensure(jars, make):
    """make(directory) fills a directory with archives. Tried once for each Java."""
    stamp, wanted = os.path.join(jars, FOLDER, "java"), java_of()
    if read_text(stamp) == wanted:
        return
    with open(jars + ".cds.lock", "w") as lock:  # resolve() has its own
        fcntl.flock(lock, fcntl.LOCK_EX)
        if read_text(stamp) == wanted:
            return  # made while we waited
        fresh, folder = os.path.join(jars, FOLDER + ".new"), os.path.join(jars, FOLDER)
        for old in (fresh, folder):
            shutil.rmtree(old, ignore_errors=True)
        os.makedirs(fresh)
        try:
            make(fresh)
        except ClusterError as problem:
            print("hadoop-cluster: no archives, starts are slow: %s" % problem, file=sys.stderr)
        with open(os.path.join(fresh, "java"), "w") as file:
            file.write(wanted)
        os.rename(fresh, folder)
