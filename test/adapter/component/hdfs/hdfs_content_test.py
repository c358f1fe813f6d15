"""The hdfs component against scripted DataNodes, of which some go away or stand still."""
import json
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scripted import DIRECTORY, MISSING, TRUE, fake, store  # noqa: E402,F401
from namenode import FakeNameNode, answer, file_status, lost, refuse, silent  # noqa: E402
from store_tool import StoreTool  # noqa: E402

import pytest  # noqa: E402


def checksum(md5):
    return answer({"FileChecksum": {"algorithm": "MD5-of-0MD5-of-512CRC32C", "length": 28,
                                    "bytes": "0" * 24 + md5 + "0" * 8}})


def test_a_read_goes_on_at_another_datanode_where_it_was_cut(fake, store):
    data = bytes(range(256)) * 1000
    fake.redirect("OPEN", answer(data, cut=100000), answer(data[100000:]))
    got = store.read(path="/a e\u0301")
    assert got["length"] == len(data)
    opens, reads = fake.operations("OPEN"), fake.operations("DN_OPEN")
    assert opens[1]["query"]["offset"] == "100000"
    assert opens[1]["query"]["excludedatanodes"] == "127.0.0.1"
    assert reads[0]["path"] == "/a e\u0301"  # not the NameNode's own spelling


def test_a_read_that_is_cut_again_and_again_ends(fake, store):
    fake.redirect("OPEN", answer(b"x" * 1000, cut=10), answer(b"x" * 990, cut=0))
    assert store.code("read", path="/a") == "UNAVAILABLE"
    assert len(fake.operations("OPEN")) <= 4


def test_a_file_that_changes_its_length_while_it_is_read(fake, store):
    fake.redirect("OPEN", answer(b"x" * 1000, cut=10), answer(b"x" * 5000))
    assert store.code("read", path="/a") == "CONFLICT"


def test_a_written_file_must_have_its_length(fake, store):
    fake.redirect("CREATE", answer(status=201)).on("DELETE", TRUE)
    fake.on("GETFILESTATUS", MISSING, DIRECTORY, answer(file_status("FILE", 12)))
    store.write(path="/a", data="abc", times=4)
    assert fake.operations("DN_CREATE")[0]["body"] == b"abcabcabcabc"
    assert fake.operations("CREATE")[0]["query"]["overwrite"] == "false"
    assert not fake.operations("DELETE")
    fake.on("GETFILESTATUS", MISSING, DIRECTORY, answer(file_status("FILE", 11)))
    assert store.code("write", path="/a", data="abc", times=4) == "CORRUPT"
    assert len(fake.operations("DELETE")) == 1  # nothing that is not whole stays


def test_a_file_that_exists_is_never_removed(fake, store):
    fake.redirect("CREATE", refuse("FileAlreadyExistsException", "/a already exists\n\tat x"))
    fake.on("GETFILESTATUS", answer(file_status("FILE", 3))).on("DELETE", TRUE)
    assert store.code("write", path="/a", data="abc") == "EXISTS"
    fake.redirect("OPEN", answer(b"xyz"))
    assert store.code("copy", path="/b", to="/a") == "EXISTS"
    assert not fake.operations("DELETE")


def test_a_datanode_that_drops_the_body(fake, store):
    fake.redirect("CREATE", {"drop_body": True, "before": None}).on("DELETE", TRUE)
    fake.on("GETFILESTATUS", MISSING, DIRECTORY)
    assert store.code("write", path="/a", data="abc" * 1000, times=1000) == "UNCERTAIN"
    assert len(fake.operations("DELETE")) == 1


def test_what_is_given_up_is_removed_after_it_was_made(fake, store):
    order = []

    def make():
        time.sleep(0.3)  # a busy DataNode
        order.append("made")
    fake.redirect("CREATE", answer(status=201, before=make))
    fake.on("DELETE", answer({"boolean": True}, before=lambda: order.append("removed")))
    fake.on("GETFILESTATUS", MISSING, DIRECTORY)
    store.write(path="/a", data="abc", commit=False)
    assert order == ["made", "removed"]
    order.clear()  # the same when time runs out
    fake.on("GETFILESTATUS", MISSING, DIRECTORY)
    assert store.code("write", path="/a", data="abc", limit_ms=150) == "UNCERTAIN"
    assert order == ["made", "removed"]


def test_checksums_that_differ(fake, store):
    fake.redirect("OPEN", answer(b"xyz")).redirect("CREATE", answer(status=201))
    fake.redirect("GETFILECHECKSUM", checksum("a" * 32), checksum("b" * 32))
    fake.on("GETFILESTATUS", answer(file_status("FILE", 3))).on("DELETE", TRUE)
    assert store.code("copy", path="/b", to="/a") == "CORRUPT"
    assert fake.operations("DELETE")[0]["path"] == "/a"
    fake.redirect("GETFILECHECKSUM", checksum("a" * 32), checksum("a" * 32))
    assert store.copy(path="/b", to="/a")["checksum"].endswith(":" + "a" * 32)


@pytest.mark.parametrize("location", ["", "ftp://x/y?op=OPEN", "http://127.0.0.1:1"])
def test_redirects_that_lead_nowhere(fake, store, location):
    fake.on("OPEN", answer(status=307, headers={"Location": location}))
    assert store.code("read", path="/a") == "PROTOCOL"


# --- DataNodes that go away or stand still -------------------------------------------------------

def live_nodes(*datanodes, **more):
    """The page of a NameNode: fakes as DataNodes number 1, 2 .., which are excluded as 1.1.1.1:1,
    1.1.1.1:2 ..."""
    nodes = {"localhost:%d" % number: {
        "infoAddr": "127.0.0.1:" + fake.url.rsplit(":", 1)[1], "xferaddr": "1.1.1.1:%d" % number,
        "capacity": 1 << 40, "remaining": 1 << 30, **more}
        for number, fake in enumerate(datanodes, 1)}
    return answer({"beans": [{"LiveNodes": json.dumps(nodes)}]})


def to(datanode, operation="OPEN"):
    return answer(status=307, headers={"Location": "%s/webhdfs/v1/x?op=%s&datanode=1" % (
        datanode.url.replace("127.0.0.1", "localhost"), operation)})


def excluded(fake, operation="OPEN"):
    return [one["query"].get("excludedatanodes") for one in fake.operations(operation)]


NO_OTHER = refuse("IOException", "No active nodes contain this block")


@pytest.fixture
def other():
    with FakeNameNode() as one:
        yield one


@pytest.fixture
def impatient(fake):
    with StoreTool([fake.url], datanode_connect_ms=200, datanode_silence_ms=200) as tool:
        yield tool


def test_a_datanode_is_excluded_by_the_address_of_its_transfers(fake, other, store):
    fake.on("/jmx", live_nodes(other, fake)).on("OPEN", to(other), to(fake))
    other.on("DN_OPEN", answer(b"x" * 1000, cut=10))
    fake.on("DN_OPEN", answer(b"x" * 990))
    assert store.read(path="/a")["length"] == 1000
    assert excluded(fake) == [None, "1.1.1.1:1"]


def test_a_datanode_that_the_namenode_has_given_up_is_not_excluded(fake, other, store):
    fake.on("/jmx", live_nodes(fake)).on("OPEN", to(other), to(fake))
    other.on("DN_OPEN", answer(b"x" * 1000, cut=10))
    fake.on("DN_OPEN", answer(b"x" * 990))
    store.read(path="/a")
    assert excluded(fake) == [None, None]


def test_the_next_file_does_not_wait_for_a_datanode_that_stands_still(fake, other, impatient):
    fake.on("/jmx", live_nodes(other, fake)).on("OPEN", to(other), to(fake))
    other.on("DN_OPEN", silent())
    fake.on("DN_OPEN", answer(b"x" * 1000))
    for _ in range(3):
        assert impatient.read(path="/a")["length"] == 1000
    assert len(other.operations()) == 1
    assert excluded(fake) == [None] + 3 * ["1.1.1.1:1"]
    assert len(fake.operations("/jmx")) == 1


def test_a_datanode_that_alone_has_a_file_is_asked_again(fake, impatient):
    fake.on("/jmx", live_nodes(fake))
    fake.on("OPEN", to(fake), NO_OTHER, NO_OTHER, to(fake), to(fake))
    fake.on("DN_OPEN", silent(), answer(b"x" * 1000))
    assert impatient.code("read", path="/a") == "UNAVAILABLE"
    for _ in range(2):
        assert impatient.read(path="/a")["length"] == 1000
    assert excluded(fake) == [None, "1.1.1.1:1", "1.1.1.1:1", None, None]


def test_a_datanode_that_takes_no_connection_is_not_waited_for(fake, impatient):
    with socket.socket() as full:  # its queue is full: the kernel answers nothing
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        fake.on("OPEN", answer(status=307, headers={
            "Location": "http://127.0.0.1:%d/webhdfs/v1/x?op=OPEN" % full.getsockname()[1]}))
        begin = time.monotonic()
        assert impatient.code("read", path="/a") == "UNAVAILABLE"
        assert time.monotonic() - begin < 5  # three times five seconds by default
        for one in waiting:
            one.close()


def test_writes_avoid_a_datanode_that_stands_still(fake, other, impatient):
    fake.on("/jmx", live_nodes(other, fake)).on("DELETE", TRUE)
    fake.on("CREATE", to(other, "CREATE"), to(fake, "CREATE"))
    other.on("DN_CREATE", silent())
    fake.on("DN_CREATE", answer(status=201))
    fake.on("GETFILESTATUS", MISSING, DIRECTORY)
    assert impatient.code("write", path="/a", data="abc") == "UNCERTAIN"
    fake.on("GETFILESTATUS", MISSING, DIRECTORY, answer(file_status("FILE", 3)))
    impatient.write(path="/a", data="abc")
    assert excluded(fake, "CREATE") == [None, "1.1.1.1:1"]


def test_a_checksum_comes_from_another_datanode(fake, other, impatient):
    fake.on("/jmx", live_nodes(other, fake))
    fake.on("GETFILECHECKSUM", to(other, "GETFILECHECKSUM"), to(fake, "GETFILECHECKSUM"))
    other.on("DN_GETFILECHECKSUM", silent())
    fake.on("DN_GETFILECHECKSUM", checksum("a" * 32))
    assert impatient.checksum(path="/a")["checksum"].endswith("a" * 32)
    assert excluded(fake, "GETFILECHECKSUM") == [None, "1.1.1.1:1"]


# --- refusals of DataNodes -----------------------------------------------------------------------

@pytest.mark.parametrize("exception", ["ConnectTimeoutException", "SocketException",
                                       "ClosedChannelException", "EOFException"])
def test_a_datanode_that_lost_its_namenode(fake, store, exception):
    gone = refuse(exception, "127.0.0.1:1 is gone")
    fake.redirect("OPEN", gone, answer(b"x" * 1000))
    assert store.read(path="/a")["length"] == 1000  # a read goes on elsewhere
    fake.redirect("CREATE", gone).on("DELETE", answer({"boolean": False}))
    fake.on("GETFILESTATUS", MISSING, DIRECTORY)
    assert store.code("write", path="/a", data="abc") == "UNAVAILABLE"  # nothing is there
    assert fake.operations("DELETE")[-1]["path"] == "/a"
    assert len(fake.operations("CREATE")) == 1  # the caller decides


def test_a_copy_that_may_have_left_something_is_uncertain(fake, store):
    fake.redirect("OPEN", answer(b"x" * 1000))
    fake.redirect("CREATE", refuse("IOException", "All datanodes [x] are bad. Aborting..."))
    fake.on("GETFILESTATUS", answer(file_status("FILE", 1000))).on("DELETE", lost())
    assert store.code("copy", path="/b", to="/a") == "UNCERTAIN"
    fake.on("DELETE", TRUE)
    assert store.code("copy", path="/b", to="/a") == "UNAVAILABLE"


def test_no_datanode_because_all_are_full(fake, store):
    fake.on("CREATE", refuse("IOException", "Failed to find datanode, suggest to check cluster "
                             "health. excludeDatanodes=null"))
    for expected, nodes in [("NO_SPACE", live_nodes(fake, remaining=100)),
                            ("UNAVAILABLE", live_nodes(fake)),
                            ("UNAVAILABLE", live_nodes()),
                            ("UNAVAILABLE", live_nodes(fake, remaining=0, capacity=0)),
                            ("UNAVAILABLE", refuse("x"))]:
        fake.on("/jmx", nodes).on("GETFILESTATUS", MISSING, DIRECTORY)
        assert store.code("write", path="/a", data="abc") == expected


# --- limits --------------------------------------------------------------------------------------

def test_a_byte_is_paid_for_once(fake, store):
    data = bytes(range(250)) * 10000
    fake.redirect("OPEN", answer(data)).redirect("CREATE", answer(status=201))
    fake.redirect("GETFILECHECKSUM", checksum("a" * 32))
    fake.on("GETFILESTATUS", answer(file_status("FILE", len(data))))
    assert store.copy(path="/b", to="/a")["paid_bytes"] == len(data)


def test_a_file_of_the_area_is_paid_for_as_written_and_as_read_back(fake, store):
    fake.redirect("OPEN", answer(b"x" * 1000)).redirect("CREATE", answer(status=201))
    fake.on("DELETE", answer({"boolean": False})).on("RENAME", answer())
    fake.on("GETFILESTATUS", MISSING, DIRECTORY, answer(file_status("FILE", 1000)), DIRECTORY)
    assert store.keep(path="/a", data="x" * 1000)["paid_bytes"] == 2000
