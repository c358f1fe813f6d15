"""The hdfs component against scripted DataNodes, of which some go away or stand still."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scripted import DIRECTORY, MISSING, TRUE, fake, store  # noqa: E402,F401
from namenode import answer, file_status, refuse  # noqa: E402

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
