"""The hdfs component against a real cluster: one NameNode, one DataNode, small pages. What it does
is looked at with webhdfs.py, which shares no code with it."""
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
TESTBED = os.path.join(HERE, "../testbed")
sys.path[:0] = [TESTBED, HERE, os.path.join(HERE, "../adapter/component/hdfs")]

import difference_cases  # noqa: E402
from store_tool import StoreTool  # noqa: E402
from webhdfs import OpenFile, WebHdfs, WebHdfsError, compare  # noqa: E402

import pytest  # noqa: E402


def cluster(*arguments):
    done = subprocess.run([os.path.join(TESTBED, "hadoop-cluster"), *arguments], text=True,
                          stdout=subprocess.PIPE, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def env():
    bed = tempfile.TemporaryDirectory(prefix="coeval-test-")
    os.environ["COEVAL_TESTBED"] = bed.name
    version = os.environ.get("COEVAL_HADOOP_VERSION", "3.4.3")
    text = cluster("start", "a", "--version", version, "--owner", str(os.getpid()),
                   "-D", "dfs.namenode.snapshotdiff.listing.limit=3",
                   "-D", "dfs.ls.limit=5")
    try:
        yield json.loads(text)
    finally:
        cluster("stop", "a")
        bed.cleanup()


def is_before_3_4(env):
    """No difference in pages, no ids of snapshots."""
    return env["version"] < "3.4"


@pytest.fixture
def fs(env):
    client = WebHdfs(env["namenode"])
    yield client
    client.close()


@pytest.fixture
def store(env):
    with StoreTool([env["namenode"]]) as tool:
        yield tool


@pytest.fixture
def top(fs, request):
    path = "/" + request.node.name.replace("[", "-").replace("]", "")
    fs.mkdir(path)
    return path


# --- the whole contract of component.h -----------------------------------------------------------

def test_contract(env):
    done = subprocess.run([os.environ["HDFS_CONTRACT"], env["namenode"]], text=True, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-5000:]


# --- differences ---------------------------------------------------------------------------------

def test_every_kind_of_change(fs, store, top):
    wrong = []
    for index, case in enumerate(difference_cases.CASES):
        path = difference_cases.run_case(fs, top, index)
        expected = set(case[3])
        pages = store.difference(**{"path": path, "from": "s1", "to": "s2"})["differences"]
        live = store.difference(**{"path": path, "from": "s1"})["differences"]
        once = fs.difference(path, "s1", "s2")
        if not (len(pages) == len(set(pages)) and set(pages) == set(live) == once == expected):
            wrong.append((case[0], pages, live, once))
    assert not wrong


def test_a_long_difference_comes_in_pages(env, fs, store, top):
    store.allow(path=top)
    store.snapshot(path=top, name="s1")
    for i in range(40):
        fs.mkdir("%s/d%02d/e" % (top, i))
    store.snapshot(path=top, name="s2")
    for i in range(40):
        fs.rename("%s/d%02d" % (top, i), "%s/r%02d" % (top, 39 - i))
    store.snapshot(path=top, name="s3")
    got = store.difference(**{"path": top, "from": "s2", "to": "s3"})
    assert set(got["differences"]) == {"M "} | {"R d%02d -> r%02d" % (i, 39 - i) for i in range(40)}
    assert got["operations"] > 20 or is_before_3_4(env)
    back = store.difference(**{"path": top, "from": "s3", "to": "s2"})
    assert set(back["differences"]) == fs.difference(top, "s3", "s2")
    below = store.difference(**{"path": top, "relative": "r00", "from": "s2", "to": "s3"})
    assert below["differences"] == []


# --- names and listings --------------------------------------------------------------------------

def test_listings_are_in_byte_order_over_pages(fs, store, top):
    names = ["Z\u00fcrich", "Zug", "a\u00e9", "ab", "~", "\x7f", "\u00eb%d", "\u56fe1",
             "\u56fe\u7247", "\U0001f600", "\U0010ffff", "\U0010ffffx",
             "e\u0301", "\u00e9", " ", "+", "%41"]
    numbered = [start + str(i) for start in ("n", "\u56fe") for i in range(20)]
    for name in names + numbered:
        fs.mkdir(top + "/" + name)
    listed = [entry["path"] for entry in store.list(path=top)["entries"]]
    assert listed == sorted(set(listed), key=lambda name: name.encode())
    assert set(listed) == {child["pathSuffix"] for child in fs.list(top)}
    assert len(listed) == len(set(names)) + 40 - 1  # one of the numbered names is there twice


def test_twins_that_unicode_thinks_equal(fs, store, top):
    for name in ("e\u0301", "\u00e9"):
        fs.mkdir(top + "/d")
        store.write(path=top + "/" + name, data=name)
    assert {child["pathSuffix"] for child in fs.list(top)} == {"d", "e\u0301", "\u00e9"}
    assert store.read(path=top + "/e\u0301")["length"] == 3
    assert store.read(path=top + "/\u00e9")["length"] == 2
    assert fs.read(top + "/e\u0301") == "e\u0301".encode()
    sums = {store.checksum(path=top + "/" + name)["checksum"] for name in ("e\u0301", "\u00e9")}
    assert len(sums) == 2


# --- content and attributes ----------------------------------------------------------------------

def test_a_copied_tree_equals_its_source(fs, store, top):
    source, target = top + "/source", top + "/target"
    fs.mkdir(source + "/d/e")
    fs.write(source + "/empty", b"")
    fs.write(source + "/blocks", os.urandom(10000), blocksize=1024)
    fs.write(source + "/d/big", os.urandom(5 << 20), blocksize=1 << 20)
    fs.call("PUT", source + "/d/big", "SETACL",
            aclspec="user::rw-,user:bob:r--,group::r-x,mask::r-x,other::---")
    fs.call("PUT", source + "/d", "SETACL", aclspec="user::rwx,group::r-x,other::r-x,"
            "default:user::rwx,default:user:bob:rwx,default:group::r-x,default:other::---")
    fs.call("PUT", source + "/blocks", "SETXATTR", xattr__name="trusted.t", xattr__value="0x00ff",
            flag="CREATE")
    fs.call("PUT", source + "/d/e", "SETSTORAGEPOLICY", storagepolicy="COLD")
    fs.call("PUT", source + "/empty", "SETOWNER", owner="alice", group="staff")
    fs.call("PUT", source, "SETPERMISSION", permission="1777")
    store.allow(path=source)
    store.snapshot(path=source, name="s1")
    frozen = source + "/.snapshot/s1"
    fs.mkdir(target)
    paths = []

    def walk(relative):
        paths.append(relative)
        entry = store.describe(path=frozen + relative)["entry"]
        if entry["type"] == "FILE":
            store.copy(path=frozen + relative, to=target + relative)
            return
        if relative:
            store.mkdir(path=target + relative)
        for child in store.list(path=frozen + relative)["entries"]:
            walk(relative + "/" + child["path"])

    walk("")
    for relative in reversed(paths):  # directory times bottom-up
        entry = store.describe(path=frozen + relative)["entry"]
        store.set(path=target + relative, entry=entry)
        again = store.describe(path=target + relative)["entry"]
        assert {**again, "file_id": 0} == {**entry, "file_id": 0}
    store.allow(path=target)
    store.snapshot(path=target, name="seal")
    assert compare(fs, frozen, fs, target + "/.snapshot/seal") == []
    fs.append(source + "/blocks", b"x")  # the walker is able to see it
    assert compare(fs, source, fs, target + "/.snapshot/seal", ignore=("modificationTime",))


def test_attributes_that_are_there_cost_no_write(fs, store, top):
    fs.write(top + "/f", b"x")
    entry = store.describe(path=top + "/f")["entry"]
    assert store.set(path=top + "/f", entry=entry, fields=1 | 2)["operations"] == 1


# --- open files ----------------------------------------------------------------------------------

def wait_until(condition):
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_files_that_are_open_are_suspects(fs, store, top):
    store.allow(path=top)
    fs.write(top + "/still", b"x")
    writer = OpenFile(fs, top + "/open")
    writer.write(b"y" * 5000)
    wait_until(lambda: fs.exists(top + "/open"))
    store.snapshot(path=top, name="s1")
    assert store.suspect(root=top, path="open", name="s1")["suspect"]
    assert not store.suspect(root=top, path="still", name="s1")["suspect"]
    assert not store.suspect(root=top, path="missing", name="s1")["suspect"]
    writer.close()
    assert store.suspect(root=top, path="open", name="s1")["suspect"]  # it grew in the snapshot
    store.snapshot(path=top, name="s2")
    assert not store.suspect(root=top, path="open", name="s2")["suspect"]
    assert store.difference(**{"path": top, "from": "s1", "to": "s2"})["differences"] == []


# --- the moment ----------------------------------------------------------------------------------

def test_moment_over_several_roots(env, fs, store, top):
    roots = ["%s/r%d" % (top, i) for i in range(8)]
    for root in roots:
        fs.mkdir(root)
        store.allow(path=root)
    best = None
    for attempt in range(5):
        answer = store.moment(roots=roots, name="m%d" % attempt)["roots"]
        assert all(one["code"] == "OK" and one["fired"] and not one["exact"] for one in answer)
        bound = max(one["answered_ns"] for one in answer) - min(one["sent_ns"] for one in answer)
        instants = [one["instant_us"] for one in answer]
        skew = (max(instants) - min(instants)) * 1000
        assert skew <= bound + 1000000  # instants are of whole milliseconds
        best = bound if best is None else min(best, bound)
        assert len({one["id"] for one in answer}) == len(roots) or is_before_3_4(env)
    print("smallest bound over 8 roots: %.1f ms" % (best / 1e6))
    assert sorted(fs.snapshots(roots[0])) == ["m%d" % attempt for attempt in range(5)]


# --- what breaks (last: the daemons are hurt) ----------------------------------------------------

def test_a_namenode_that_stands_still(env, fs, top):
    fs.write(top + "/f", b"x")
    with StoreTool([env["namenode"]]) as store:
        store.stat(path=top + "/f")
        cluster("kill", "a", "nn", "--signal", "STOP")
        try:
            assert store.code("stat", path=top + "/f", silence_ms=300) == "UNAVAILABLE"
            assert store.code("remove", path=top + "/f", silence_ms=300) == "UNCERTAIN"
        finally:
            cluster("kill", "a", "nn", "--signal", "CONT")
        wait_until(lambda: not fs.exists(top + "/f"))  # it was done all the same


def test_a_namenode_that_starts_is_waited_for(env, fs, top):
    with StoreTool([env["namenode"]]) as store:
        store.allow(path=top)
        cluster("kill", "a", "nn")
        assert store.code("stat", path=top) == "UNAVAILABLE"
        cluster("run", "a", "nn")
        store.snapshot(path=top, name="s1", silence_ms=60000)
        store.confirm()
    fs.close()
    assert fs.snapshots(top) == ["s1"]


def test_a_datanode_that_dies_leaves_no_half_file(env, fs, top):
    with StoreTool([env["namenode"]]) as store:
        cluster("kill", "a", "dn1")
        assert store.code("write", path=top + "/f", data="x" * 1000, times=100,
                          limit_ms=20000) in ("UNAVAILABLE", "UNCERTAIN")
        assert not fs.exists(top + "/f")
        cluster("run", "a", "dn1")
        store.write(path=top + "/f", data="x" * 1000, times=100)
    assert fs.read(top + "/f") == b"x" * 100000


def test_refusals_of_the_walker_itself(fs, top):
    with pytest.raises(WebHdfsError) as caught:
        fs.status(top + "/none")
    assert caught.value.kind == "FileNotFoundException"
