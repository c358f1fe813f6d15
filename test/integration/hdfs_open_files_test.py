"""Files that are open at T on a cluster that does not freeze them (Hadoop's default): a snapshot
shows more of them the longer it is looked at, and no later difference tells. Whatever a writer did
meanwhile, an epoch after its file was closed holds all of it."""
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import epoch_bed as bed  # noqa: E402
from webhdfs import OpenFile, WebHdfs  # noqa: E402

import pytest  # noqa: E402

LONG = b"l" * 20000


@pytest.fixture(scope="module")
def clusters(tmp_path_factory):
    pair = bed.Clusters(tmp_path_factory.mktemp("bed"), capture="false")
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


def next_epoch(device, service, number):
    device.run(service)
    return device.wait_sealed(service, number)


def open_file(clusters, device, path, append=False):
    writer = OpenFile(clusters.a, path, append=append)
    writer.write(b"o" * 3000)
    bed.until(lambda: clusters.a.exists(path) and clusters.a.call(
        "GET", path, "GET_BLOCK_LOCATIONS")["LocatedBlocks"]["isUnderConstruction"],
        "%s is being written" % path, device)
    return writer


def test_open_in_the_first_epoch(clusters, device):
    clusters.a.write("/first/still", b"still")
    clusters.a.write("/first/appended", b"a" * 1000)
    writers = [open_file(clusters, device, "/first/new"),
               open_file(clusters, device, "/first/appended", append=True)]
    device.apply(bed.policy("first", ["/first"], consistency="fuzzy", sweep="off"))
    assert device.wait_sealed("first", 1)["grade"] == "fuzzy"
    for writer in writers:
        writer.write(LONG)
        writer.close()
    next_epoch(device, "first", 2)
    bed.prove_equal(clusters, "first", 2)
    epoch = next_epoch(device, "first", 3)
    assert epoch["files"] == 0  # once is enough


def grow(clusters, device, top, writer):
    writer.write(LONG)


def touch(clusters, device, top, writer):
    """The snapshot shows the length at this moment from now on, and no later one."""
    path, before = top + "/k/appended", clusters.a.status(top + "/k/appended")["length"]
    writer.write(LONG)
    bed.until(lambda: clusters.a.status(path)["length"] > before, "a block ended", device)
    clusters.a.call("PUT", path, "SETPERMISSION", permission="640")


def move(clusters, device, top, writer):
    writer.write(LONG)
    clusters.a.rename(top + "/k", top + "/moved")


@pytest.mark.parametrize("happens", [grow, touch, move])
@pytest.mark.parametrize("when", ["before", "after"])
def test_appended_to_over_several_epochs(clusters, device, when, happens):
    service = "%s-%s" % (happens.__name__, when)
    top = "/" + service
    clusters.a.write(top + "/k/appended", b"a" * 1000, blocksize="1024")
    clusters.a.write(top + "/k/still", b"still")
    device.apply(bed.policy(service, [top], consistency="fuzzy", sweep="off"))
    device.wait_sealed(service, 1)
    writer = open_file(clusters, device, top + "/k/appended", append=True)
    if when == "before":
        happens(clusters, device, top, writer)
    next_epoch(device, service, 2)
    if when == "after":
        happens(clusters, device, top, writer)
    next_epoch(device, service, 3)
    writer.close()
    next_epoch(device, service, 4)
    bed.prove_equal(clusters, service, 4)


def test_a_file_that_never_stands_still(clusters, device):
    """An epoch does not wait for a writer, however fast it is."""
    clusters.a.write("/busy/still", b"still")
    over, writer = threading.Event(), OpenFile(WebHdfs(clusters.urls["a"]), "/busy/grows",
                                                block_size=1 << 17)

    def run():
        while not over.wait(0.02):  # a block every half second: each look finds it longer
            writer.write(b"g" * 5000)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        device.apply(bed.policy("busy", ["/busy"], consistency="fuzzy", sweep="off"))
        device.wait_sealed("busy", 1)
        for number in (2, 3):
            next_epoch(device, "busy", number)
    finally:
        over.set()
        thread.join()
        writer.close()
    next_epoch(device, "busy", 4)
    bed.prove_equal(clusters, "busy", 4)
