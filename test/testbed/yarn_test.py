"""What takes too long for every run: DistCp by both its runners on a cluster with YARN, erasure
coding and an encryption zone. Run by hand: python3 -m pytest test/testbed/yarn_test.py"""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hadoop_cluster.cluster import Cluster  # noqa: E402
from hadoop_cluster.configuration import EC_POLICY  # noqa: E402
from webhdfs import WebHdfs, WebHdfsError, compare  # noqa: E402

import pytest  # noqa: E402

DISTCP = "org.apache.hadoop.tools.DistCp"


@pytest.fixture(name="cluster", scope="module")
def make_cluster(tmp_path_factory):
    with Cluster.start("yarn", str(tmp_path_factory.mktemp("bed")), yarn=True, ec=True,
                       datanodes=3, keys=("k1",), owner=os.getpid()) as cluster:
        print("started in %.1f s, %s" % (cluster.env["started_in_s"], cluster.usage()))
        yield cluster


@pytest.fixture(name="fs")
def make_fs(cluster):
    fs = WebHdfs(cluster.url("nn"))
    yield fs
    fs.close()


@pytest.mark.parametrize("runner", ["local", "yarn"])
def test_distcp(cluster, fs, runner):
    source, target = "/%s/source" % runner, "/%s/target" % runner
    for number in range(3):
        fs.write("%s/f%d" % (source, number), os.urandom(5000))
    done = cluster.execute(DISTCP, "-Dmapreduce.framework.name=" + runner, "-pugpt",
                           cluster.env["fs"] + source, cluster.env["fs"] + target,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert compare(fs, source, fs, target) == []


def test_the_walker_sees_how_files_are_stored(cluster, fs):
    for side in ("a", "b"):
        for name in ("striped", "zone"):
            fs.mkdir("/walk/%s/%s" % (side, name))
    fs.call("PUT", "/walk/a/striped", "SETECPOLICY", ecpolicy=EC_POLICY)
    cluster.make_zone("/walk/a/zone", "k1")
    for side in ("a", "b"):
        for name in ("striped", "zone"):
            fs.write("/walk/%s/%s/f" % (side, name), b"x" * 3000000)
    lines = compare(fs, "/walk/a", fs, "/walk/b", ignore=("modificationTime", "replication"))
    assert {line.split(" is ")[0] for line in lines} == {
        "striped: ecPolicy", "striped/f: ecPolicy", "zone: encBit", "zone/f: encBit"}
    assert compare(fs, "/walk/a", fs, "/walk/b", ignore=(
        "modificationTime", "replication", "ecPolicy", "encBit")) == []


def test_nothing_is_moved_over_the_border_of_a_zone(cluster, fs):
    fs.mkdir("/border/zone")
    cluster.make_zone("/border/zone", "k1")
    fs.write("/border/zone/in", b"x")
    fs.write("/border/out", b"x")
    for old, new in (("/border/zone/in", "/border/in"), ("/border/out", "/border/zone/out")):
        with pytest.raises(WebHdfsError) as caught:
            fs.rename(old, new)
        assert caught.value.kind == "IOException"
        assert "encryption zone" in caught.value.message
