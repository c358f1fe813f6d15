"""What an epoch takes away on the target is kept and listed; where the area lies elsewhere, too. On
directories."""
import os
import re
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import tree_walk  # noqa: E402
from harness import policy, write  # noqa: E402
from posix_bed import files_below, go_back, killed_at, read, sealed_once, two_sets  # noqa: E402


@pytest.fixture
def place():
    with two_sets("0123") as made:
        yield made


@pytest.fixture
def area_elsewhere(place):
    """B's area is a file system of its own."""
    area = place.target("coeval")
    os.makedirs(area)
    if subprocess.call(["mount", "-t", "tmpfs", "-o", "size=50m", "coeval", area],
                       stderr=subprocess.DEVNULL) != 0:
        pytest.skip("needs the right to mount")
    yield place
    for daemon in place.daemons:
        daemon.close()
    subprocess.check_call(["umount", area])


def told_list(place, daemon):
    """Of the newest event: {path: (why, content)} of what is kept."""
    text = daemon.wait_event("epoch.saved")["text"]
    assert "somebody else had changed or put" in text and "Coeval never does" in text
    assert re.search(r"\(for one (1: replaced|odd|below: removed)", text), text
    path = place.target(re.search(r"posix:(\S+/list)", text).group(1))
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in list(lines)[1:]:
            number, why, name = line.rstrip("\n").split("\t")
            kept = os.path.join(os.path.dirname(path), number)
            content = None
            if os.path.isfile(kept):
                content = read(kept)
            found[name] = (why, content)
    return found


def touch_target(place):
    write(place.target("bills/1"), "of somebody else")
    write(place.target("bills/odd\tname\nof\\others"), "foreign")
    os.makedirs(place.target("bills/below/it"))
    write(place.source("bills/new"), "new")


KEPT = {"1": ("replaced", "of somebody else"),
        "odd\\x09name\\x0aof\\x5cothers": ("removed", "foreign"), "below": ("removed", None)}


def test_what_is_restored_is_listed(place):
    daemon = sealed_once(place, touched="restore")
    touch_target(place)
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)
    assert told_list(place, daemon) == KEPT


def test_an_epoch_that_saves_nothing_tells_nothing(place):
    daemon = sealed_once(place)
    write(place.source("bills/new"), "new")
    daemon.next_epoch()
    assert "epoch.saved" not in [event["name"] for event in daemon.events()]
    assert not os.path.exists(place.target("coeval/saved"))


def test_a_comparison_with_the_area_elsewhere_is_sealed(area_elsewhere):
    place = area_elsewhere
    group = {"data_sets": ["posix:/bills", "posix:/customers"]}
    daemon = sealed_once(place, group=group)
    daemon.apply(policy(group=dict(group, exclude=["*.nothing"])))
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


def test_what_is_restored_is_copied_to_an_area_elsewhere(area_elsewhere):
    place = area_elsewhere
    daemon = sealed_once(place, touched="restore")
    touch_target(place)
    os.chmod(place.target("bills/1"), 0o640)
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)
    assert told_list(place, daemon) == KEPT
    [kept] = [path for path in files_below(place.target("coeval/saved"))
              if os.path.basename(path) != "list" and os.stat(path).st_mode & 0o777 == 0o640]
    assert os.path.getsize(kept) == len("of somebody else")


def test_a_roll_back_brings_back_what_was_copied(area_elsewhere):
    place = area_elsewhere
    daemon = sealed_once(place, touched="restore")
    touch_target(place)
    before = tree_walk.walk(place.target("bills"))
    killed_at(daemon, "agent.commit.cleaned")
    assert list(files_below(place.target("coeval/saved")))
    late = write(place.target("customers/late"), "not what the source has")
    daemon.start()
    daemon.wait_epoch(2, ("stuck",))
    os.unlink(late)
    go_back(daemon)
    assert not tree_walk.differences(before, tree_walk.walk(place.target("bills")))
    assert not list(files_below(place.target("coeval/saved")))
