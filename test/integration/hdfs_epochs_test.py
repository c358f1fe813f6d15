"""Whole epochs on two real HDFS clusters: a service of several directories is snapshotted at one
moment while a writer runs, copied, committed and sealed; webhdfs.py, which shares no code with the
product, reads both sides and finds them equal."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import epoch_bed as bed  # noqa: E402

import pytest  # noqa: E402


@pytest.fixture(scope="module")
def clusters(tmp_path_factory):
    pair = bed.Clusters(tmp_path_factory.mktemp("bed"))
    try:
        yield pair
    finally:
        pair.close()


@pytest.fixture(scope="module")
def device(clusters, tmp_path_factory):
    process = bed.embedded(clusters, tmp_path_factory.mktemp("device"))
    process.start()
    try:
        yield process
    finally:
        process.stop()


def tell(what, epoch):
    """Numbers for the reader of the log (pytest -s, or meson's log)."""
    print("%-14s epoch %d: %5.2f s, grade %s, skew %d us, %d files, %d bytes, %d moved, "
          "%d operations" % (what, epoch["number"], epoch["seconds"], epoch["grade"],
                             epoch["skew_us"], epoch["files"], epoch["bytes"], epoch["moved"],
                             epoch["operations"]), flush=True)


def seal_and_prove(clusters, device, service, number):
    epoch = device.wait_sealed(service, number)
    bed.prove_equal(clusters, service, number)
    tell(service, epoch)
    return epoch


# --- while a writer runs -------------------------------------------------------------------------

@pytest.mark.parametrize("direction", ["pull", "push"])
def test_three_directories_while_a_writer_runs(clusters, device, direction):
    tops = ["/%s/%s" % (direction, name) for name in ("bills", "customers", "mail")]
    for top in tops:
        clusters.a.mkdir(top)
        clusters.a.write(top + "/first", b"first " * 1000)
    with bed.Writer(clusters.urls["a"], tops, seed=direction) as writer:
        writer.wait_for(40)
        device.apply(bed.policy(direction, tops, direction=direction, executors=3,
                                sweep="every"))  # differences do not tell of times alone
        modes = []
        for number in (1, 2, 3):
            if number > 1:
                writer.wait_for(30)
                device.run(direction)
            epoch = device.wait_sealed(direction, number)
            assert epoch["grade"] == "bounded"
            assert 0 <= epoch["skew_us"] < 5000000
            assert len(epoch["moment"]["roots"]) == 3
            modes.append(epoch["base"])
            bed.prove_equal(clusters, direction, number)
            tell(direction, epoch)
        assert modes == [None, 1, 2]


def test_an_older_seal_still_verifies(device):
    """HDFS shows the present time of a directory in every snapshot; that is no finding."""
    for number in (1, 3):
        result = device.verify("pull", number)
        assert result["equal"], result
        assert result["entries"] > 3


# --- one root, renames ---------------------------------------------------------------------------

def test_members_below_one_root_are_atomic(clusters, device):
    tops = ["/common/x", "/common/deep/y"]
    for top in tops:
        clusters.a.mkdir(top)
        clusters.a.write(top + "/file", b"content")
    clusters.a.write("/common/apart", b"belongs to nobody")
    clusters.b.mkdir("/common")
    for name in ("a", "b"):
        device.operation("/v1/roots/move", {"cluster": name, "instance": "hdfs",
                                            "root": "/common"})
    device.apply(bed.policy("common", tops, consistency="atomic"))
    for number in (1, 2):
        if number == 2:
            clusters.a.append(tops[0] + "/file", b" and more")
            clusters.a.rename(tops[1] + "/file", tops[1] + "/renamed")
            clusters.a.write("/common/apart", b"changes too")
            device.run("common")
        epoch = seal_and_prove(clusters, device, "common", number)
        assert epoch["grade"] == "atomic" and epoch["skew_us"] == 0
        assert [root["root"] for root in epoch["moment"]["roots"]] == ["/common"]
    assert not clusters.b.exists("/common/apart")


def test_a_renamed_directory_moves_no_bytes(clusters, device):
    clusters.a.mkdir("/moves")
    for i in range(5):
        clusters.a.write("/moves/old/deep/f%d" % i, b"x" * 10000)
    device.apply(bed.policy("moves", ["/moves"]))
    assert seal_and_prove(clusters, device, "moves", 1)["bytes"] == 50000
    clusters.a.rename("/moves/old", "/moves/new")
    device.run("moves")
    epoch = seal_and_prove(clusters, device, "moves", 2)
    assert (epoch["bytes"], epoch["files"], epoch["moved"]) == (0, 0, 1)
    assert clusters.b.exists("/moves/new/deep/f4") and not clusters.b.exists("/moves/old")


# --- names and attributes ------------------------------------------------------------------------

ODD_NAMES = ["with space", "100%", "%41", "a+b", "a;b", "#?&=", "quote'\"", "back\\slash",
             "\u00e9 composed", "e\u0301 composed", "\U0001f600", "~", " ", "-rf", "k=v", ".hidden"]


def test_odd_names_empty_things_and_attributes(clusters, device):
    a, top = clusters.a, "/odd"

    def put(path, op, **parameters):
        a.call("PUT", top + path, op, **parameters)

    for name in ODD_NAMES:
        a.write("%s/%s/%s" % (top, name, name), name.encode())
        a.mkdir("%s/empty/%s" % (top, name))
        a.write("%s/nothing %s" % (top, name), b"")
    a.write(top + "/blocks", os.urandom(5000), blocksize="2048", replication="2")
    put("/blocks", "SETACL", aclspec="user::rw-,user:bob:rwx,group::r--,other::---,mask::rwx")
    put("/blocks", "SETXATTR", xattr__name="user.colour", xattr__value="0x626c7565", flag="CREATE")
    put("/ ", "SETACL", aclspec="user::rwx,group::r-x,other::r-x,default:user:bob:rwx,"
        "default:user::rwx,default:group::r-x,default:mask::rwx,default:other::---")
    put("/ ", "SETXATTR", xattr__name="user.empty", xattr__value="0x", flag="CREATE")
    put("/a+b", "SETOWNER", owner="alice", group="domain users")
    put("/a;b", "SETPERMISSION", permission="1777")
    put("/100%/100%", "SETTIMES", modificationtime="1")
    put("/empty", "SETTIMES", modificationtime="86400000")
    put("", "SETXATTR", xattr__name="user.top", xattr__value="0x31", flag="CREATE")
    put("", "SETPERMISSION", permission="751")
    device.apply(bed.policy("odd", [top]))
    device.wait_sealed("odd", 1)
    bed.prove_equal(clusters, "odd", 1, directory_times=True)

    put("/blocks", "REMOVEACL")
    put("/blocks", "REMOVEXATTR", xattr__name="user.colour")
    put("/blocks", "SETREPLICATION", replication="1")
    put("/ ", "REMOVEDEFAULTACL")
    put("/a;b", "SETPERMISSION", permission="700")
    put("", "SETXATTR", xattr__name="user.top", xattr__value="0x32", flag="REPLACE")
    twins = [top + "/" + name for name in ODD_NAMES if name.endswith("composed")]
    a.rename(twins[0], top + "/third")  # the twins change places
    a.rename(twins[1], twins[0])
    a.rename(top + "/third", twins[1])
    a.rename(top + "/%41", top + "/A")
    a.remove(top + "/nothing -rf")
    a.write(top + "/nothing -rf/now a directory", b"1")
    a.remove(top + "/k=v")
    a.write(top + "/k=v", b"now a file")
    a.append(top + "/nothing 100%", b"something")
    a.write(top + "/ / ", b"replaced")
    a.remove(top + "/empty/~")
    put("/empty", "SETTIMES", modificationtime="86400001")
    device.run("odd")
    epoch = device.wait_sealed("odd", 2)
    bed.prove_equal(clusters, "odd", 2, directory_times=True)
    tell("odd", epoch)


# --- crashes -------------------------------------------------------------------------------------

CRASH_POINTS = ["agent.snapshot.fired", "agent.snapshot.differences", "agent.transfer.staged:2",
                "agent.transfer.received", "agent.commit.begun", "agent.commit.park-step:2",
                "agent.commit.place-step:2", "agent.commit.frozen", "agent.seal.written",
                "control.committing"]


def change_everything(client, top, i):
    """Every kind of change, with steps to park and steps to place."""
    client.write("%s/new%d/file" % (top, i), b"n" * 2000)
    client.write("%s/changed" % top, b"content %d" % i)
    client.append(top + "/grows", b"more")
    client.rename("%s/moves%d" % (top, i - 1), "%s/moves%d" % (top, i))
    client.call("PUT", top + "/grows", "SETPERMISSION", permission="6%d4" % (i % 7))
    if i > 1:
        client.remove("%s/new%d" % (top, i - 1))


def test_killed_at_ten_points(clusters, tmp_path):
    tops = ["/crash/one", "/crash/two"]
    for top in tops:
        clusters.a.write(top + "/grows", b"begin")
        clusters.a.write(top + "/moves0/inside", b"moved and never copied")
    process = bed.embedded(clusters, tmp_path)
    try:
        process.start()
        process.apply(bed.policy("crash", tops, executors=2))
        process.wait_sealed("crash", 1)
        process.stop()
        for i, point in enumerate(CRASH_POINTS, 1):
            for top in tops:
                change_everything(clusters.a, top, i)
            process.start(crash_at=point)
            process.run("crash")
            process.wait_killed()
            process.start()
            epoch = process.wait_sealed("crash", i + 1)
            bed.prove_equal(clusters, "crash", i + 1)
            assert epoch["base"] == i, point
            tell(point, epoch)
            process.stop()
        process.start()
        process.run("crash")
        seal_and_prove(clusters, process, "crash", len(CRASH_POINTS) + 2)
    finally:
        process.stop()


# --- three processes -----------------------------------------------------------------------------

def test_device_and_agents_apart(clusters, tmp_path):
    parts = bed.apart(clusters, str(tmp_path))
    device, top = parts["device"], "/apart/data"
    clusters.a.write(top + "/grows", b"begin")
    clusters.a.write(top + "/moves0/inside", b"inside")
    try:
        for part in parts.values():
            part.start()
        device.apply(bed.policy("apart", ["/apart/data"]))
        seal_and_prove(clusters, device, "apart", 1)
        for i, (name, point) in enumerate((("b", "agent.commit.park-step"),
                                           ("a", "agent.snapshot.differences"),
                                           ("device", "control.receiving")), 1):
            change_everything(clusters.a, top, i)
            parts[name].stop()
            parts[name].start(crash_at=point)
            device.run("apart")
            parts[name].wait_killed()
            parts[name].start()
            seal_and_prove(clusters, device, "apart", i + 1)
    finally:
        for part in parts.values():
            part.stop()
