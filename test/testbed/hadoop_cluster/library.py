"""The jars of a Hadoop version: fetched by Maven once, by one process at a time."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time

from hadoop_cluster import TESTBED, ClusterError, read_text

DEFAULT_VERSION = "3.4.3"
DOWNLOAD_ATTEMPTS = 4


def default_version():
    return os.environ.get("COEVAL_HADOOP_VERSION") or DEFAULT_VERSION


def resolve(version):
    """The directory of the jars. Its name tells of the pom: two work trees may differ in it."""
    cache = os.environ.get("COEVAL_CACHE") or os.path.expanduser("~/.cache/coeval")
    pom = os.path.join(TESTBED, "pom.xml")
    wanted = read_text(pom)
    library = os.path.join(cache, "hadoop-%s-%s" % (
        version, hashlib.sha256(wanted.encode()).hexdigest()[:8]))
    os.makedirs(cache, exist_ok=True)
    with open(library + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = os.path.join(library, ".pom")
        if read_text(stamp) != wanted:
            shutil.rmtree(library, ignore_errors=True)
            fetch(cache, version, pom, library)
            with open(stamp, "w") as file:  # written last: a directory with it is complete
                file.write(wanted)
    return library


def fetch(cache, version, pom, library):
    command = ["mvn", "-q", "-B", "-f", pom, "-Dhadoop.version=" + version,
               "-Dmaven.repo.local=" + os.path.join(cache, "maven"),
               "dependency:copy-dependencies", "-DincludeScope=runtime",
               "-DoutputDirectory=" + library]
    for attempt in range(1, DOWNLOAD_ATTEMPTS + 1):
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, text=True)
        if result.returncode == 0:
            return
        print("hadoop-cluster: download %d of %d failed" % (attempt, DOWNLOAD_ATTEMPTS),
              file=sys.stderr)
        time.sleep(5 * attempt if attempt < DOWNLOAD_ATTEMPTS else 0)
    raise ClusterError("cannot fetch Hadoop %s with Maven:\n%s" % (version, result.stdout[-3000:]))
