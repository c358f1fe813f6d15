"""A file system that is nearly full: refused by name, before anything is filled. On directories."""
import contextlib
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


# ---- several file systems ----


@contextlib.contextmanager
def small(directory):
    os.makedirs(directory, exist_ok=True)
    if subprocess.call(["mount", "-t", "tmpfs", "-o", "size=20m", "coeval", directory],
                       stderr=subprocess.DEVNULL) != 0:
        pytest.skip("needs the right to mount")
    try:
        yield directory
    finally:
        subprocess.check_call(["umount", directory])


def close(place):
    for daemon in place.daemons:
        daemon.close()


def two_instances(place, bases, mib):
    """A second instance on each side; the secondary's lie there; as much data in each."""
    far = os.path.join(place.directory, "far")
    for base in (far, *bases):
        os.makedirs(base, exist_ok=True)
    for top in (place.bases["a"], far):
        write(os.path.join(top, "bills" if top != far else "customers", "big"),
              os.urandom(mib * MIB))
    clusters = place.clusters()
    clusters["a"]["instances"]["archive"] = {"kind": "posix", "base": far}
    clusters["b"]["instances"] = {"posix": {"kind": "posix", "base": bases[0]},
                                  "archive": {"kind": "posix", "base": bases[1]}}
    daemon = place.daemon("one", {"roles": ["control", "agent"], "clusters": clusters}).start()
    daemon.apply(policy(data_sets=("posix:/bills", "archive:/customers"), consistency="fuzzy"))
    return daemon


def test_room_is_asked_of_each_file_system_for_its_own():
    with harness.site() as place, small(os.path.join(place.directory, "one-disk")) as first, \
            small(os.path.join(place.directory, "two-disk")) as second:
        try:
            two_instances(place, (first, second), 7).wait_sealed(1)  # 14 of both: 13 are free
        finally:
            close(place)


def test_two_instances_on_one_file_system_share_its_room():
    with harness.site() as place, small(os.path.join(place.directory, "disk")) as disk:
        try:
            daemon = two_instances(place, [os.path.join(disk, name) for name in "xy"], 6)
            epoch = daemon.wait_epoch(1, harness.ENDED + ("stuck",))  # 6 and 6 of 8
            assert epoch["state"] == "abandoned", epoch
            assert epoch["cause"]["code"] == "NO_SPACE", epoch
            assert "the seal of 12.0 MiB has no room" in epoch["cause"]["message"], epoch
        finally:
            close(place)
