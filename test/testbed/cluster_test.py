"""The test-bed itself: two NameNodes behind proxies, written, failed over, read; nothing is left
behind. HA and a datanode start in a few seconds; YARN is not started here."""
import multiprocessing
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hadoop_cluster import ClusterError, ports, rpc  # noqa: E402
from hadoop_cluster.cluster import Cluster  # noqa: E402
from hadoop_cluster.keeper import PROGRAM, Keeper  # noqa: E402
from tcp_proxy import DOWN, Proxy  # noqa: E402
from webhdfs import WebHdfs, WebHdfsError, compare  # noqa: E402

import pytest  # noqa: E402

DATA = os.urandom(200000)


@pytest.fixture(name="cluster", scope="module")
def make_cluster(tmp_path_factory):
    with Cluster.start("bed", str(tmp_path_factory.mktemp("bed")), ha=True, capture="true",
                       owner=os.getpid(), define=("dfs.ls.limit=3",)) as cluster:
        print("started in %.1f s, %s" % (cluster.env["started_in_s"], cluster.usage()))
        yield cluster


@pytest.fixture(name="proxies")
def make_proxies(cluster):
    """Of every HTTP port; what a NameNode redirects goes through the datanode's."""
    made = {daemon: Proxy(cluster.url(daemon)) for daemon in ("nn1", "nn2", "dn1")}
    for daemon in ("nn1", "nn2"):
        made[daemon].redirect(made["dn1"])
    yield made
    for proxy in made.values():
        proxy.close()


@pytest.fixture(name="clients")
def make_clients(proxies):
    made = {daemon: WebHdfs(proxies[daemon].url) for daemon in ("nn1", "nn2")}
    yield made
    for client in made.values():
        client.close()


def kind_of(work):
    with pytest.raises(WebHdfsError) as caught:
        work()
    return caught.value.kind


# --- two NameNodes -------------------------------------------------------------------------------

def test_written_failed_over_read(cluster, proxies, clients):
    one, two = clients["nn1"], clients["nn2"]
    one.write("/d/f", DATA)
    one.call("PUT", "/d", "SETQUOTA", namespacequota=100, storagespacequota=1 << 40)
    one.allow("/d")
    one.snapshot("/d", "s1")
    assert proxies["dn1"].counts["requests CREATE"] == 1 and proxies["nn1"].counts["rewritten"] == 1
    assert kind_of(lambda: two.status("/d")) == "StandbyException"
    assert cluster.failover("nn1", "nn2")
    assert [cluster.role(daemon) for daemon in ("nn1", "nn2")] == ["standby", "active"]
    assert kind_of(lambda: one.status("/d")) == "StandbyException"
    assert two.read("/d/.snapshot/s1/f") == DATA
    assert proxies["dn1"].wait_for("down", len(DATA))
    assert compare(two, "/d", two, "/d/.snapshot/s1") == []
    with pytest.raises(ClusterError):
        cluster.transition("nn1", "active")
    cluster.failover("nn2", "nn1")


def test_a_stopped_active_one_comes_back(cluster, clients):
    """Both say that they are active until the old one logs: that of the old one is lost."""
    clients["nn1"].mkdir("/stopped")
    cluster.pause("nn1")
    cluster.transition("nn2", "active", forced=True)
    cluster.resume("nn1")
    assert [cluster.role(daemon) for daemon in ("nn1", "nn2")] == ["active", "active"]
    with pytest.raises((WebHdfsError, OSError)):
        clients["nn1"].mkdir("/never")
    assert clients["nn2"].exists("/stopped") and not clients["nn2"].exists("/never")
    cluster.kill("nn1")  # it ends by itself, in its time
    cluster.run("nn1")
    assert cluster.role("nn1") == "standby"
    cluster.failover("nn2", "nn1")


def test_a_killed_active_one(cluster, clients):
    clients["nn1"].mkdir("/killed")
    cluster.kill("nn1")
    assert not cluster.is_alive("nn1") and not cluster.failover("nn1", "nn2")
    assert clients["nn2"].exists("/killed")
    cluster.run("nn1")
    cluster.failover("nn2", "nn1")


def test_a_lost_reply_and_a_cut_body(cluster, proxies, clients):
    one = clients["nn1"]
    one.write("/lost/f", DATA)
    fault = proxies["nn1"].drop_reply("RENAME")
    with pytest.raises(OSError):
        one.rename("/lost/f", "/lost/g")
    assert fault.wait() and one.read("/lost/g") == DATA
    proxies["dn1"].cut(DOWN, after=100000, op="OPEN")
    with pytest.raises(WebHdfsError) as caught:
        one.read("/lost/g")
    assert caught.value.kind == "Short"


def test_a_journal_that_stands_still(cluster, clients):
    one = clients["nn1"]
    one.mkdir("/journal")
    one.timeout = 0.5
    one.close()
    cluster.pause("jn1")
    try:
        with pytest.raises(OSError):
            one.mkdir("/journal/d")
    finally:
        cluster.resume("jn1")
    one.close()
    one.timeout = 60
    one.mkdir("/journal/e")
    assert one.exists("/journal/d")  # nobody was told, and it is


# --- the walker ----------------------------------------------------------------------------------

@pytest.mark.parametrize("change, field", [
    (("SETQUOTA", {"namespacequota": 7, "storagespacequota": -1}), "quota"),
    (("SETQUOTA", {"namespacequota": -1, "storagespacequota": 1 << 30}), "quota"),
    (("SETSTORAGEPOLICY", {"storagepolicy": "COLD"}), "storagePolicy"),
    (("SETPERMISSION", {"permission": "700"}), "permission"),
])
def test_the_walker_sees(clients, change, field):
    one, top = clients["nn1"], "/walk"
    one.remove(top)
    for side in ("a", "b"):
        one.mkdir("%s/%s/d" % (top, side))
    one.call("PUT", top + "/b/d", change[0], **change[1])
    ignored = ("modificationTime",)
    lines = compare(one, top + "/a", one, top + "/b", ignore=ignored)
    assert len(lines) == 1 and lines[0].startswith("d: %s is" % field)
    assert compare(one, top + "/a", one, top + "/b", ignore=ignored + (field,)) == []


# --- nothing is left, nothing clashes ------------------------------------------------------------

def stand_in(state):
    """A process that looks like a daemon of that directory."""
    os.makedirs(state)
    return subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()",
                             "-Dcoeval.testbed=%s/dn1" % state])


def test_the_owner_is_killed(tmp_path):
    state = str(tmp_path / "owned")
    owner = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    daemon = stand_in(state)
    daemon.send_signal(signal.SIGSTOP)  # not even this one is left
    keeper = Keeper(state, owner.pid)
    keeper.release()
    owner.kill()
    owner.wait()
    assert daemon.wait(30) == -signal.SIGKILL
    assert keeper.process.wait(30) == 0 and not os.path.exists(state)


def test_the_starter_is_killed(tmp_path):
    state = str(tmp_path / "starting")
    daemon = stand_in(state)
    keeper = subprocess.Popen([sys.executable, PROGRAM, "keep", state, "0"], stdin=subprocess.PIPE)
    keeper.stdin.close()  # as the kernel does
    assert daemon.wait(30) == -signal.SIGKILL
    assert keeper.wait(30) == 0 and not os.path.exists(state)


def test_without_an_owner_it_is_left_alone(tmp_path):
    state = str(tmp_path / "free")
    daemon = stand_in(state)
    keeper = Keeper(state, None)
    keeper.release()
    assert keeper.process.wait(30) == 0 and daemon.poll() is None and os.path.exists(state)
    daemon.kill()
    daemon.wait()


def test_beds_that_start_at_once_have_ports_of_their_own(tmp_path):
    with multiprocessing.Pool(4) as pool:
        booked = sum(pool.starmap(ports.book, [(20, str(tmp_path))] * 8), [])
    assert len(set(booked)) == 160
    assert all(ports.RANGE[0] <= port < ports.RANGE[1] for port in booked)


def test_ports_from_a_base_do_not_meet():
    names = ["nn1", "nn2", "jn1", "jn2", "jn3", "rm", "nm"] + ["dn%d" % n for n in range(1, 6)]
    chosen = ports.choose(20000, names, "/")
    everyone = [port for daemon in names for port in chosen[daemon]]
    assert len(everyone) == len(set(everyone))
    assert chosen["nn1"] == [20000, 20001] and chosen["dn2"] == [20020, 20021, 20022]


def test_protobuf():
    message = rpc.encode((1, 300), (2, "text"), (3, b"\0\xff"), (4, rpc.zigzag(-3)))
    assert rpc.decode(message) == {1: 300, 2: b"text", 3: b"\0\xff", 4: 5}
    assert rpc.encode((1, 300)) == b"\x08\xac\x02"
