"""Others write on the target while an epoch is on its way into it, or damage what finishes it:
nothing of theirs is destroyed, nothing is stuck both ways while the base seal stands. On
directories."""
import glob
import os
import shutil
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import tree_walk  # noqa: E402
from harness import write  # noqa: E402
from posix_bed import (  # noqa: E402
    assert_is_base, go_back, killed_at, saved, sealed_after, sealed_once, two_sets)


@pytest.fixture
def place():
    with two_sets(("0", "1", "2", "old/0", "old/1", "dir/0"), "{top} {name}") as made:
        yield made


def second_killed_at(place, point, **options):
    """Epoch 1 is sealed; 2 removes old/, replaces 0, moves dir/ and brings new/; killed there."""
    daemon = sealed_once(place, **options)
    for top in ("bills", "customers"):
        shutil.rmtree(place.source(top, "old"))
        write(place.source(top, "0"), "changed in 2")
        os.rename(place.source(top, "dir"), place.source(top, "directory"))
        write(place.source(top, "new/0"), "new")
    killed_at(daemon, point)
    return daemon


# ---- between the transfer and the commit ----


def test_what_comes_before_the_commit_is_asked_about_and_saved(place):
    daemon = second_killed_at(place, "control.received")
    write(place.target("bills/old/foreign"), "foreign one")
    write(place.target("bills/0"), "foreign two")
    daemon.start()
    sealed_after(place, "touched", 2)
    assert saved(place, "foreign one") and saved(place, "foreign two")


def test_the_policy_may_answer_beforehand(place):
    daemon = second_killed_at(place, "control.received", touched="restore")
    write(place.target("bills/old/foreign"), "foreign one")
    daemon.start()
    daemon.wait_sealed(2)
    place.assert_live_equal(2)
    assert saved(place, "foreign one")


def test_put_back_and_approved_it_goes_on(place):
    daemon = second_killed_at(place, "control.received")
    foreign = write(place.target("bills/foreign"), "foreign")
    daemon.start()
    daemon.wait_question(2, "touched")
    os.unlink(foreign)
    daemon.verb(2, "approve")
    daemon.wait_sealed(2)
    place.assert_live_equal(2)


def test_rolled_back_it_leaves_what_others_wrote_to_the_next(place):
    daemon = second_killed_at(place, "control.received")
    foreign = write(place.target("bills/foreign"), "foreign")
    daemon.start()
    daemon.wait_question(2, "touched")
    go_back(daemon)
    assert os.path.exists(foreign)
    sealed_after(place, "touched")
    assert saved(place, "foreign")


def test_approved_but_in_the_way_it_can_go_back(place):
    daemon = second_killed_at(place, "control.received")
    foreign = write(place.target("bills/foreign"), "foreign")
    daemon.start()
    daemon.wait_question(2, "touched")
    daemon.verb(2, "approve")
    daemon.wait_epoch(2, ("stuck",))
    go_back(daemon)
    assert os.path.exists(foreign)
    os.unlink(foreign)
    assert_is_base(place)
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


# ---- during the commit ----


def test_what_comes_during_the_commit_is_saved(place):
    daemon = second_killed_at(place, "agent.commit.begun")
    write(place.target("bills/old/foreign"), "foreign one")
    write(place.target("bills/0"), "foreign two")
    daemon.start()
    daemon.wait_sealed(2)
    place.assert_live_equal(2)
    assert saved(place, "foreign one") and saved(place, "foreign two")


def assert_saved_on_the_way_back(place, daemon):
    daemon.start()
    daemon.wait_epoch(2, ("stuck",))
    go_back(daemon)
    assert_is_base(place)
    assert saved(place, "foreign one") and saved(place, "foreign two")
    place.assert_live_equal(daemon.next_epoch()["number"])


def test_what_was_written_into_new_things_is_saved_on_the_way_back(place):
    daemon = second_killed_at(place, "agent.commit.placed")
    write(place.target("bills/new/foreign"), "foreign one")
    write(place.target("bills/0"), "foreign two")
    assert_saved_on_the_way_back(place, daemon)


def test_what_stands_where_something_must_go_back_is_saved(place):
    daemon = second_killed_at(place, "agent.commit.parked")
    write(place.target("bills/0"), "foreign one")
    write(place.target("bills/old/foreign"), "foreign two")
    assert_saved_on_the_way_back(place, daemon)


def test_attributes_of_others_are_set_back_on_the_way_back(place):
    daemon = second_killed_at(place, "agent.commit.placed")
    os.chmod(place.target("bills/2"), 0o640)
    os.utime(place.target("bills/1"), (1, 1))
    daemon.start()
    daemon.wait_epoch(2, ("stuck",))
    go_back(daemon)
    assert_is_base(place)
    place.assert_live_equal(daemon.next_epoch()["number"])


# ---- damage ----


@pytest.mark.parametrize("point", ["agent.commit.parked", "agent.commit.park-step",
                                   "agent.commit.place-step", "agent.commit.placed"])
def test_a_lost_staging_comes_from_the_base_seal_on_the_way_back(place, point):
    daemon = second_killed_at(place, point)
    shutil.rmtree(place.target("bills/.coeval"))
    daemon.start()
    epoch = daemon.wait_epoch(2, ("stuck", "sealed"))
    if epoch["state"] == "sealed":  # all was placed: nothing of it is needed any more
        assert point == "agent.commit.placed"
        daemon.wait_idle()
        place.assert_live_equal(2)
        return
    go_back(daemon)
    assert_is_base(place)
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


def test_a_lost_received_json_is_no_proof_of_a_roll_back(place):
    daemon = second_killed_at(place, "agent.commit.parked")
    [received] = glob.glob(place.target("coeval/*-*/*-*/g1.e2/received.json"))
    content = open(received, encoding="utf-8").read()
    os.unlink(received)
    daemon.start()
    daemon.wait_epoch(2, ("stuck",))
    daemon.verb(2, "rollback")
    daemon.wait_epoch(2, lambda epoch: epoch["state"] == "stuck" and
                      "received.json is gone" in str(epoch.get("cause")))
    write(received, content)
    go_back(daemon)
    assert_is_base(place)


def test_a_damaged_manifest_of_the_base_is_replaced_by_a_whole_one(place):
    daemon = second_killed_at(place, "control.received")
    for manifest in glob.glob(place.target("coeval/*-*/*-*/g1.e1/manifest.*")):
        with open(manifest, "r+b") as file:
            file.seek(os.path.getsize(manifest) // 2)
            file.write(b"damage")
    daemon.start()
    daemon.wait_sealed(2)
    place.assert_live_equal(2)
    found = daemon.operation("/v1/services/svc/epochs/2/verify")
    assert found["equal"], found
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


def test_an_epoch_that_was_overtaken_does_not_commit(place):
    """As if a device that forgot epoch 2 had gone on to 3, and then remembered."""
    daemon = second_killed_at(place, "control.received")
    [area] = glob.glob(place.target("coeval/*-*/*-*/g1.e1"))
    shutil.copytree(area, area.replace("g1.e1", "g1.e3"))
    before = {root: tree_walk.walk(place.target(root)) for root in ("/bills", "/customers")}
    daemon.start()
    epoch = daemon.wait_epoch(2, ("stuck", "abandoned"))
    assert "sealed since" in str(epoch["cause"])
    if epoch["state"] == "stuck":
        go_back(daemon)
    for root, tree in before.items():
        assert not tree_walk.differences(tree, tree_walk.walk(place.target(root)))
