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
