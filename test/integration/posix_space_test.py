"""A file system that is nearly full: refused by name, before anything is filled. On directories."""
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402
from harness import policy, write  # noqa: E402
from posix_bed import sealed_once  # noqa: E402

MIB = 1 << 20


@pytest.fixture(params=["a", "b"])
def place(request):
    """One of the clusters has 20 MiB, no reflinks, and a file of 12 in /bills."""
    with harness.site() as made:
        base = made.bases[request.param]
        shutil.rmtree(base)
        os.makedirs(base)
        if subprocess.call(["mount", "-t", "tmpfs", "-o", "size=20m", "coeval", base],
                           stderr=subprocess.DEVNULL) != 0:
            pytest.skip("needs the right to mount")
        try:
            write(made.source(".barrier"), b"")
            write(made.source("bills/big"), os.urandom(12 * MIB))
            write(made.source("customers/1"), "1")
            made.small = request.param
            yield made
        finally:
            for daemon in made.daemons:
                daemon.close()
            subprocess.check_call(["umount", base])


def snapshots_of(place):
    return list(place.snapshots(place.small, "/bills"))


@pytest.mark.parametrize("place", ["a"], indirect=True)
def test_a_primary_without_room_is_refused_before_t(place):
    daemon = place.embedded().start()
    daemon.apply(policy())
    epoch = daemon.wait_epoch(1, harness.ENDED)
    assert epoch["state"] == "abandoned", epoch
    assert epoch["cause"]["code"] == "NO_SPACE", epoch
    assert "would take 12.0 MiB" in epoch["cause"]["message"], epoch
    assert epoch["grade"] is None, epoch
    assert not snapshots_of(place)


@pytest.mark.parametrize("place", ["a"], indirect=True)
def test_what_is_unchanged_needs_no_room(place):
    write(place.source("bills/big"), os.urandom(8 * MIB))
    daemon = sealed_once(place)
    write(place.source("bills/small"), "small")
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


@pytest.mark.parametrize("place", ["b"], indirect=True)
def test_an_adopted_target_without_room_for_its_seal_is_refused_before_the_commit(place):
    os.makedirs(place.target("bills"))
    shutil.copy2(place.source("bills/big"), place.target("bills/big"))
    daemon = place.embedded().start()
    daemon.apply(policy(adopt="compare"))
    epoch = daemon.wait_epoch(1, harness.ENDED + ("stuck",))
    assert epoch["state"] == "abandoned", epoch
    assert epoch["cause"]["code"] == "NO_SPACE", epoch
    assert not snapshots_of(place)


@pytest.mark.parametrize("place", ["a"], indirect=True)
def test_what_comes_after_the_look_does_not_fill_the_primary(place):
    late = place.source("bills/late")
    os.unlink(place.source("bills/big"))
    daemon = place.embedded(listen={"hooks": True}).start()
    daemon.apply(policy(lead_time="PT5S", hooks={"before": {
        "command": ["/bin/sh", "-c", f"head -c {12 * MIB} /dev/urandom > {late}"],
        "timeout": "PT3S"}}))
    epoch = daemon.wait_epoch(1, harness.ENDED)
    assert epoch["state"] == "abandoned", epoch
    assert "would fill the file system" in epoch["cause"]["message"], epoch
    assert os.path.getsize(late) == 12 * MIB
    assert not snapshots_of(place)
