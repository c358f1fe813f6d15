"""The hdfs component against scripted NameNodes: everything that real ones do too rarely."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scripted import DIRECTORY, MISSING, SAFE_MODE, STANDBY, STARTING, TRUE  # noqa: E402
from scripted import fake, store  # noqa: E402,F401
from namenode import FakeNameNode, answer, file_status, lost, refuse, silent  # noqa: E402
from store_tool import Refused, StoreTool  # noqa: E402

import pytest  # noqa: E402


# --- which NameNode ------------------------------------------------------------------------------

def test_a_standby_is_left_and_the_active_one_remembered():
    with FakeNameNode() as one, FakeNameNode() as two:
        one.on("GETFILESTATUS", STANDBY)
        two.on("GETFILESTATUS", DIRECTORY)
        with StoreTool([one.url, two.url]) as store:
            for _ in range(3):
                store.stat(path="/a")
        assert len(one.operations()) == 1
        assert len(two.operations()) == 3


def test_a_namenode_that_is_down_is_left(fake):
    with FakeNameNode() as gone:
        url = gone.url
    fake.on("GETFILESTATUS", DIRECTORY)
    with StoreTool([url, fake.url]) as store:
        store.stat(path="/a")


def test_nobody_there_is_said_at_once():
    with FakeNameNode() as gone:
        url = gone.url
    with StoreTool([url]) as store:
        begin = time.monotonic()
        assert store.code("stat", path="/a") == "UNAVAILABLE"
        assert store.code("remove", path="/a") == "UNAVAILABLE"  # nothing left: not UNCERTAIN
        assert time.monotonic() - begin < 5


def test_two_standbys_are_asked_until_one_takes_over():
    with FakeNameNode() as one, FakeNameNode() as two:
        one.on("GETFILESTATUS", STANDBY)
        two.on("GETFILESTATUS", STANDBY, STANDBY, STANDBY, DIRECTORY)
        with StoreTool([one.url, two.url]) as store:
            store.stat(path="/a")


def test_waiting_for_a_takeover_ends(fake):
    fake.on("GETFILESTATUS", STANDBY)
    with StoreTool([fake.url]) as store:
        begin = time.monotonic()
        assert store.code("stat", path="/a", silence_ms=400) == "UNAVAILABLE"
        assert 0.3 < time.monotonic() - begin < 5


@pytest.mark.parametrize("state", [SAFE_MODE, STARTING])
def test_start_up_and_safe_mode_are_waited_out(fake, store, state):
    fake.on("DELETE", state, state, TRUE)
    store.remove(path="/a")
    assert len(fake.operations("DELETE")) == 3
    fake.on("DELETE", state)
    assert store.code("remove", path="/a", silence_ms=300) == "UNAVAILABLE"


# --- lost and damaged answers --------------------------------------------------------------------

def test_a_lost_answer_to_a_change_is_uncertain_and_not_sent_twice(fake, store):
    fake.on("DELETE", lost())
    assert store.code("remove", path="/a") == "UNCERTAIN"
    assert len(fake.operations("DELETE")) == 1


def test_a_lost_answer_on_a_kept_connection_is_not_sent_twice_either(fake, store):
    fake.on("GETFILESTATUS", DIRECTORY).on("RENAME", lost())
    store.stat(path="/a")
    assert store.code("rename", path="/a", to="/b") == "UNCERTAIN"
    assert len(fake.operations("RENAME")) == 1


def test_silence(fake, store):
    fake.on("DELETE", silent()).on("GETFILESTATUS", silent())
    assert store.code("remove", path="/a", silence_ms=200) == "UNCERTAIN"
    assert store.code("stat", path="/a", silence_ms=200) == "UNAVAILABLE"
    assert store.code("stat", path="/a", limit_ms=200) == "TIMEOUT"


def test_a_cut_answer_is_no_answer(fake, store):
    whole = file_status("FILE", 5)
    fake.on("GETFILESTATUS", answer(whole, cut=20))
    assert store.code("stat", path="/a") == "UNAVAILABLE"
    fake.on("GETFILESTATUS", answer(b'{"FileStatus":{"type":"FILE","len'))  # cut by the NameNode
    assert store.code("stat", path="/a") == "UNAVAILABLE"


def test_stack_traces_do_not_get_into_texts(fake, store):
    fake.on("RENAME", refuse("IOException", "broken\n\tat org.apache.Foo(Foo.java:1)\n" * 500))
    with pytest.raises(Refused) as caught:
        store.rename(path="/a", to="/b")
    assert caught.value.code == "IO"
    assert caught.value.text.endswith(": broken (IOException)")


def test_snapshots_whose_answer_is_lost_are_looked_for(fake, store):
    found = answer({"SnapshotList": [{"deletionStatus": "ACTIVE", "snapshotID": 4, "dirStatus":
                    file_status("DIRECTORY", 0, 777, pathSuffix="s1")["FileStatus"]}]})
    none = answer({"SnapshotList": []})
    fake.on("CREATESNAPSHOT", lost()).on("GETSNAPSHOTLIST", found)
    assert store.snapshot(path="/a", name="s1")["snapshot"] == {
        "name": "s1", "id": 5, "instant_us": 777000}
    fake.on("GETSNAPSHOTLIST", none)
    assert store.code("snapshot", path="/a", name="s1") == "UNCERTAIN"
    fake.on("DELETESNAPSHOT", lost())
    store.snapshot_remove(path="/a", name="s1")
    fake.on("GETSNAPSHOTLIST", found)
    assert store.code("snapshot_remove", path="/a", name="s1") == "UNCERTAIN"


# --- older NameNodes -----------------------------------------------------------------------------

def test_snapshots_of_a_namenode_without_the_list(fake, store):
    fake.on("LISTSTATUS_BATCH", answer({"DirectoryListing": {"remainingEntries": 0,
            "partialListing": {"FileStatuses": {"FileStatus": [
                file_status("DIRECTORY", 0, 5, pathSuffix="s1")["FileStatus"]]}}}}))
    assert store.snapshots(path="/a")["snapshots"] == [
        {"name": "s1", "id": 0, "instant_us": 5000}]
    assert fake.operations("LISTSTATUS_BATCH")[0]["path"] == "/a/.snapshot"
    fake.on("LISTSTATUS_BATCH", refuse("SnapshotException",
                                       "Directory is not a snapshottable directory: /a"))
    assert store.snapshots(path="/a")["snapshots"] == []


def test_differences_of_a_namenode_without_pages(fake, store):
    report = {"SnapshotDiffReport": {"diffList": [{"type": "MODIFY", "sourcePath": "f"}],
                                     "fromSnapshot": "s1", "toSnapshot": "s2"}}
    fake.on("GETSNAPSHOTDIFF", answer(report))
    order = {"path": "/a", "from": "s1", "to": "s2"}
    assert store.difference(**order)["differences"] == ["M f"]
    query = fake.operations("GETSNAPSHOTDIFF")[0]["query"]
    assert query["oldsnapshotname"] == "s1" and query["snapshotname"] == "s2"
    report["SnapshotDiffReport"]["toSnapshot"] = None
    fake.on("GETSNAPSHOTDIFF", answer(report))
    assert store.code("difference", **order) == "PROTOCOL"


def test_a_live_difference_is_asked_at_once_with_an_empty_name(fake, store):
    fake.on("GETSNAPSHOTDIFF", answer({"SnapshotDiffReport": {
        "diffList": [], "fromSnapshot": "s1", "toSnapshot": ""}}))
    store.difference(**{"path": "/a", "from": "s1"})
    assert fake.operations("GETSNAPSHOTDIFF")[0]["query"]["snapshotname"] == ""
    assert not fake.operations("GETSNAPSHOTDIFFLISTING")


def snapshot_list(*names_and_instants):
    return answer({"SnapshotList": [
        {"deletionStatus": "ACTIVE", "snapshotID": i, "dirStatus":
         file_status("DIRECTORY", 0, instant, pathSuffix=name)["FileStatus"]}
        for i, (name, instant) in enumerate(names_and_instants)]})


class Looks:
    """A NameNode whose live difference is longer than one answer may be."""

    def __init__(self, fake, *pages, leftovers=()):
        self.fake, self.leftovers = fake, leftovers
        too_long = {"SnapshotDiffReport": {"fromSnapshot": "s1", "toSnapshot": "", "diffList": [
            {"type": "MODIFY", "sourcePath": "x" * (65 << 20)}]}}
        fake.on("GETSNAPSHOTDIFF", answer(too_long))
        fake.on("CREATESNAPSHOT", answer({"Path": "/a/.snapshot/x"}, before=self.is_made))
        fake.on("GETSNAPSHOTDIFFLISTING", *pages)
        fake.on("DELETESNAPSHOT", answer())

    def is_made(self):
        [name] = self.names("CREATESNAPSHOT")
        self.fake.on("GETSNAPSHOTLIST", snapshot_list((name, 10 ** 9), *self.leftovers))

    def names(self, operation):
        return [call["query"]["snapshotname"] for call in self.fake.operations(operation)]


def page(**more):
    return answer({"SnapshotDiffReportListing": {"modifyList": [], "createList": [],
                                                 "deleteList": [], "isFromEarlier": True, **more}})


LAST_PAGE = page(createList=[{"fileId": 7, "sourcePath": "new", "isReference": False}],
                 lastPath="", lastIndex=-1)


def test_a_live_difference_that_is_too_long_is_told_in_pages(fake, store):
    changed = [{"fileId": 5, "sourcePath": "f", "isReference": False}]
    looks = Looks(fake, page(modifyList=changed, lastPath="f", lastIndex=0), LAST_PAGE,
                  leftovers=[("coeval.look.old", 10 ** 9 - 86400_001),
                             ("coeval.look.of-another", 10 ** 9 - 86300_000),
                             ("coeval.11112222.aaaabbbb.g1.e1.a1.x", 5)])
    found = store.difference(**{"path": "/a", "from": "s1"})
    assert found["differences"] == ["M f", "C new"]
    [made] = looks.names("CREATESNAPSHOT")
    assert made.startswith("coeval.look.") and len(made) == len("coeval.look.") + 16
    assert set(looks.names("GETSNAPSHOTDIFFLISTING")) == {made}
    assert looks.names("DELETESNAPSHOT") == [made, "coeval.look.old"]


def test_what_held_the_tree_still_goes_when_the_look_fails(fake, store):
    looks = Looks(fake, refuse("IOException", "broken"))
    assert store.code("difference", **{"path": "/a", "from": "s1"}) == "IO"
    assert looks.names("DELETESNAPSHOT") == looks.names("CREATESNAPSHOT")


def test_without_pages_a_long_live_difference_is_a_limit(fake, store):
    looks = Looks(fake, refuse("IllegalArgumentException",
                               'Invalid value for webhdfs parameter "op": GETSNAPSHOTDIFFLISTING '
                               "is not a valid GET operation.", 400))
    assert store.code("difference", **{"path": "/a", "from": "s1"}) == "LIMIT"
    assert looks.names("DELETESNAPSHOT") == looks.names("CREATESNAPSHOT")


def test_a_listing_that_ignores_the_cursor_ends(fake, store):
    page = {"DirectoryListing": {"remainingEntries": 5, "partialListing": {"FileStatuses": {
        "FileStatus": [file_status("FILE", pathSuffix=name)["FileStatus"] for name in "abc"]}}}}
    fake.on("LISTSTATUS_BATCH", answer(page))
    assert store.code("list", path="/a") == "PROTOCOL"
    assert len(fake.operations("LISTSTATUS_BATCH")) == 2


# --- confirm -------------------------------------------------------------------------------------

def test_confirm_asks_the_node_that_answered():
    with FakeNameNode() as one, FakeNameNode() as two:
        one.on("GETFILESTATUS", DIRECTORY, STANDBY).on("SETTIMES", answer())
        two.on("GETFILESTATUS", DIRECTORY).on("SETTIMES", answer())
        with StoreTool([one.url, two.url]) as store:
            store.stat(path="/a")
            store.confirm()
            assert len(one.operations("SETTIMES")) == 1
            store.stat(path="/a")  # the other one now
            store.confirm()
            assert len(two.operations("SETTIMES")) == 1


def test_confirm_fails_when_two_nodes_answered():
    with FakeNameNode() as one, FakeNameNode() as two:
        one.on("GETFILESTATUS", DIRECTORY, STANDBY).on("SETTIMES", answer())
        two.on("GETFILESTATUS", DIRECTORY).on("SETTIMES", answer())
        with StoreTool([one.url, two.url]) as store:
            store.stat(path="/a")
            store.stat(path="/a")
            assert store.code("confirm") == "UNAVAILABLE"
            assert not one.operations("SETTIMES") and not two.operations("SETTIMES")
            store.stat(path="/a")
            store.confirm()


def test_confirm_does_not_go_elsewhere():
    with FakeNameNode() as one, FakeNameNode() as two:
        one.on("GETFILESTATUS", DIRECTORY).on("SETTIMES", lost())
        two.on("GETFILESTATUS", DIRECTORY).on("SETTIMES", answer())
        with StoreTool([one.url, two.url]) as store:
            store.stat(path="/a")
            assert store.code("confirm") == "UNAVAILABLE"
            assert not two.operations()


def test_pages_that_a_standby_shows_are_no_look():
    bean = answer({"beans": [{"ClusterId": "c", "BlockPoolId": "b"}]})
    with FakeNameNode() as one, FakeNameNode() as two:
        one.on("GETFILESTATUS", STANDBY).on("/jmx", bean).on("SETTIMES", STANDBY)
        two.on("GETFILESTATUS", DIRECTORY).on("/jmx", bean).on("SETTIMES", answer())
        with StoreTool([one.url, two.url]) as store:
            store.identify()  # the standby tells as well
            store.stat(path="/a")
            store.confirm()
        assert not one.operations("SETTIMES") and len(two.operations("SETTIMES")) == 1


def test_a_standby_that_redirects_a_create_is_no_look():
    with FakeNameNode() as one, FakeNameNode() as two:
        one.on("GETFILESTATUS", STANDBY).redirect("CREATE", answer(status=201))
        two.on("GETFILESTATUS", MISSING, DIRECTORY, answer(file_status("FILE", 3)))
        two.on("CREATE", lost()).on("SETTIMES", answer())
        with StoreTool([one.url, two.url]) as store:
            store.write(path="/a", data="xyz")
            store.confirm()
        assert one.operations("CREATE") and two.operations("SETTIMES")


def test_confirm_without_reads_is_of_whoever_is_active():
    with FakeNameNode() as one, FakeNameNode() as two:
        one.on("SETTIMES", STANDBY)
        two.on("SETTIMES", answer())
        with StoreTool([one.url, two.url]) as store:
            store.confirm()


def test_confirm_makes_its_marker(fake, store):
    fake.on("SETTIMES", MISSING).on("MKDIRS", TRUE)
    store.confirm()
    assert fake.operations("MKDIRS")[0]["path"] == "/coeval/test/.confirm"


# --- the moment ----------------------------------------------------------------------------------

ROOT = answer(file_status("DIRECTORY", snapshotEnabled=True))


def snapshots(*names):
    return answer({"SnapshotList": [
        {"deletionStatus": "ACTIVE", "snapshotID": index, "dirStatus":
         file_status("DIRECTORY", 0, 100 + index, pathSuffix=name)["FileStatus"]}
        for index, name in enumerate(names)]})


def test_moment(fake, store):
    fake.on("GETFILESTATUS", ROOT).on("CREATESNAPSHOT", answer({"Path": "/a/.snapshot/m"}))
    fake.on("GETSNAPSHOTLIST", snapshots("x", "m"))
    fake.on("/conf", answer({"property": {"key": "k", "value": "true"}}))
    roots = store.moment(roots=["/a", "/b"], name="m")["roots"]
    assert [one["code"] for one in roots] == ["OK", "OK"]
    assert all(one["fired"] and one["exact"] and one["instant_us"] == 101000 and one["id"] == 2
               and one["sent_ns"] < one["answered_ns"] for one in roots)
    fired = [one["query"]["snapshotname"] for one in fake.operations("CREATESNAPSHOT")]
    assert fired == ["m", "m"]


def test_a_moment_asks_the_active_one_what_happens_to_open_files():
    with FakeNameNode() as one, FakeNameNode() as two:
        one.on("GETFILESTATUS", STANDBY)
        one.on("/conf", answer({"property": {"key": "k", "value": "true"}}))
        two.on("GETFILESTATUS", ROOT).on("CREATESNAPSHOT", answer({"Path": "/a/.snapshot/m"}))
        two.on("/conf", answer({"property": {"key": "k", "value": "false"}}))
        two.on("GETSNAPSHOTLIST", snapshots("m"))
        with StoreTool([one.url, two.url]) as store:
            assert not store.moment(roots=["/a"], name="m")["roots"][0]["exact"]
        assert not one.operations("/conf")


def test_connections_that_were_idle_too_long_are_opened_again(fake, store):
    closing = answer(file_status("DIRECTORY", snapshotEnabled=True), close=True)
    fake.on("GETFILESTATUS", ROOT, closing, closing, ROOT)
    fake.on("CREATESNAPSHOT", answer({"Path": "/a/.snapshot/m"}))
    fake.on("GETSNAPSHOTLIST", snapshots("m"))
    roots = store.moment(roots=["/a", "/b"], name="m", wait_ms=100)["roots"]
    assert [one["code"] for one in roots] == ["OK", "OK"]
    assert len(fake.operations("CREATESNAPSHOT")) == 2


def test_a_moment_whose_answers_are_lost_is_looked_for(fake, store):
    fake.on("GETFILESTATUS", ROOT).on("CREATESNAPSHOT", lost())
    fake.on("GETSNAPSHOTLIST", snapshots("m"))
    root = store.moment(roots=["/a"], name="m")["roots"][0]
    assert root["fired"] and root["answered_ns"] > root["sent_ns"] and not root["exact"]
    fake.on("GETSNAPSHOTLIST", snapshots("other"))
    assert store.code("moment", roots=["/a"], name="m") == "UNCERTAIN"
    fake.on("CREATESNAPSHOT", silent())
    assert store.code("moment", roots=["/a"], name="m", silence_ms=200) == "UNCERTAIN"


def test_a_moment_that_is_refused(fake, store):
    fake.on("GETFILESTATUS", ROOT).on("GETSNAPSHOTLIST", snapshots("m"))
    fake.on("CREATESNAPSHOT", SAFE_MODE)
    assert store.code("moment", roots=["/a"], name="m") == "UNAVAILABLE"
    fake.on("CREATESNAPSHOT", answer({}), refuse("SnapshotException", "snapshot limit is 5"))
    assert store.code("moment", roots=["/a", "/b"], name="m") == "LIMIT"
    fake.on("GETFILESTATUS", DIRECTORY)
    assert store.code("moment", roots=["/a"], name="m") == "CONFLICT"  # not snapshottable


# --- storage policies ----------------------------------------------------------------------------

def policy(number, kind="DIRECTORY"):
    return answer(file_status(kind, storagePolicy=number))


@pytest.mark.parametrize("path,above", [
    ("/r/.snapshot/s/d/e", "/r/.snapshot/s/d"),
    ("/r/.snapshot/s/d", "/r"),  # its status is of now; that of the snapshot's top is of then
    ("/a/r/.snapshot/s", "/a"),
    ("/r/.snapshot/s", "/"),
    ("/r/d", "/r"),
    ("/d", "/")])
def test_a_policy_is_compared_with_the_one_it_would_inherit(fake, store, path, above):
    fake.on("GETXATTRS", answer({"XAttrs": []}))
    fake.on("GETSTORAGEPOLICY", answer({"BlockStoragePolicy": {"name": "COLD"}}))
    for parent, expected in ((2, ""), (7, "COLD"), (0, "COLD")):
        fake.seen.clear()
        fake.on("GETFILESTATUS", policy(2), policy(parent))
        assert (store.describe(path=path)["entry"]["policy"] or "") == expected
        assert [one["path"] for one in fake.operations("GETFILESTATUS")] == [path, above]


# --- check ---------------------------------------------------------------------------------------

def test_check_reports_what_is_wrong(fake, store):
    fake.on("GETFILESTATUS", DIRECTORY).on("MKDIRS", TRUE).on("DELETE", TRUE)
    fake.on("ALLOWSNAPSHOT", refuse("AccessControlException", "Superuser privilege is required"))
    fake.on("CREATE", refuse("IOException", "Failed to find datanode, suggest to check"))
    fake.on("GETSNAPSHOTTABLEDIRECTORYLIST", answer({"SnapshottableDirectoryList": [
        {"parentFullPath": "/", "snapshotNumber": 65530, "snapshotQuota": 65536,
         "dirStatus": file_status("DIRECTORY", pathSuffix="a")["FileStatus"]}]}))
    found = store.check(roots=["/a", "/a/b", "/x:y"])["findings"]
    bad = {one["what"].split(":")[0]: one for one in found if one["level"] != "ok"}
    assert all(one["remedy"] for one in bad.values())
    assert any("no superuser" in what for what in bad)
    assert any("cannot write and read a file" in what for what in bad)
    assert any("/a/b lies in /a" in what for what in bad)
    assert any("65530 of at most 65536" in what for what in bad)
    assert any(one["what"].startswith("root /x:y") for one in bad.values())


def test_check_without_a_namenode(store, fake):
    fake.on("GETFILESTATUS", STANDBY)
    with pytest.raises(Refused) as caught:
        store.check(roots=[], silence_ms=200)
    assert caught.value.answer["findings"][0]["level"] == "error"


# --- what snapshots pin ---------------------------------------------------------------------------

def summary(**members):
    return answer({"ContentSummary": dict({"directoryCount": 1, "fileCount": 2, "length": 7,
                                           "quota": -1, "spaceConsumed": 21, "spaceQuota": -1},
                                          **members)})


def test_what_only_snapshots_have_is_pinned(fake, store):
    fake.on("GETCONTENTSUMMARY", summary(snapshotLength=30, snapshotSpaceConsumed=90))
    assert store.pinned(root="/r", path="d", name="s")["bytes"] == 90
    assert fake.operations("GETCONTENTSUMMARY")[0]["path"] == "/r/d"


def test_a_data_set_that_is_gone_is_pinned_as_a_whole(fake, store):
    fake.on("GETCONTENTSUMMARY", MISSING, summary())
    assert store.pinned(root="/r", path="d", name="s")["bytes"] == 21
    assert fake.operations("GETCONTENTSUMMARY")[1]["path"] == "/r/.snapshot/s/d"


def test_a_hadoop_that_does_not_tell_what_is_pinned_says_so(fake, store):
    fake.on("GETCONTENTSUMMARY", summary())
    assert store.pinned(root="/r", path="", name="s")["bytes"] == -1
