"""Parts of the base that somebody damaged or took away: the next epoch asks, or compares, and is
sealed again. On directories."""
import glob
import json
import os
import shutil
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402
from harness import policy, write  # noqa: E402
from posix_bed import sealed_after, sealed_once, two_sets  # noqa: E402


@pytest.fixture
def place():
    with two_sets("0123") as made:
        yield made


def cut_seal(place):
    with open(place.seals()[0], "r+b") as file:
        file.truncate(100)


def falsify_seal(place):
    """Still a seal by its looks."""
    with open(place.seals()[0], encoding="utf-8") as file:
        seal = json.load(file)
    seal["members"][0]["manifest"]["entries"] = "0"
    with open(place.seals()[0], "w", encoding="utf-8") as file:
        json.dump(seal, file)


def turn_bit(path, where):
    with open(path, "r+b") as file:
        file.seek(where, os.SEEK_END)
        byte = file.read(1)[0]
        file.seek(where, os.SEEK_END)
        file.write(bytes([byte ^ 1]))


def damage_index(place, side):
    turn_bit(os.path.join(os.path.dirname(place.snapshot(side, "/bills", 1)), "index"), -60)


DAMAGES = {"seal cut": cut_seal, "seal falsified": falsify_seal,
           "index on a": lambda place: damage_index(place, "a"),
           "index on b": lambda place: damage_index(place, "b"),
           "file on a": lambda place: os.unlink(place.snapshot("a", "/bills", 1) + "/1")}


def change(place):
    write(place.source("bills/1"), "changed")
    write(place.source("bills/new"), "new")
    os.unlink(place.source("bills/2"))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_base_is_asked_about(place, damage):
    daemon = sealed_once(place)
    DAMAGES[damage](place)
    change(place)
    number = daemon.run()
    epoch = daemon.wait_question(number, "lost_base")
    assert "damaged" in str(epoch["cause"]), epoch["cause"]
    daemon.verb(number, "approve")
    epoch = daemon.wait_sealed(number)
    place.assert_live_equal(number)
    assert epoch["files"] < 4, f"everything was copied again: {epoch}"
    write(place.source("bills/0"), "changed again")
    epoch = daemon.next_epoch()
    assert epoch["base"] == number, epoch
    place.assert_live_equal(epoch["number"])


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_base_is_compared_when_the_policy_says_so(place, damage):
    daemon = sealed_once(place, adopt="compare")
    DAMAGES[damage](place)
    change(place)
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


def test_the_shrink_guard_holds_without_the_seal_too(place):
    for i in range(150):
        write(place.source("bills/many", str(i)), "x")
    daemon = sealed_once(place, adopt="compare")
    cut_seal(place)
    shutil.rmtree(place.source("bills/many"))
    number = daemon.run()
    daemon.wait_question(number, "shrink")
    assert os.path.exists(place.target("bills/many/149"))
    daemon.verb(number, "approve")
    daemon.wait_sealed(number)
    place.assert_live_equal(number)


def test_recover_tells_a_damaged_seal_and_goes_on(place):
    daemon = sealed_once(place)
    change(place)
    daemon.next_epoch()
    [seal] = glob.glob(place.target("coeval/*-*/*-*/g1.e1/seal.json"))
    with open(seal, "r+b") as file:
        file.truncate(100)
    daemon.stop()
    shutil.rmtree(daemon.state)
    daemon.start()
    result = daemon.operation("/v1/recover", {"reason": "test"})
    [service] = result["services"]
    assert [epoch["number"] for epoch in service["unreadable"]] == [1], service
    assert service["unreadable"][0]["error"]["code"] == "CORRUPT", service
    assert daemon.epochs()[2]["state"] == "sealed"
    daemon.post("/v1/policies/svc/resume")
    write(place.source("bills/0"), "after")
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


# ---- a target with nothing in it ----


def test_another_place_for_a_member_needs_no_answer(place):
    daemon = sealed_once(place)
    daemon.apply(policy(target_map=[{"instance": "posix", "from": "/bills", "to": "/other"}]))
    number = daemon.next_epoch()["number"]
    place.assert_equal(number, target={"/bills": "/other"})
    write(place.source("bills/0"), "changed")
    number = daemon.next_epoch()["number"]
    place.assert_equal(number, target={"/bills": "/other"})


def test_a_member_that_comes_again_needs_no_answer(place):
    daemon = sealed_once(place)
    shutil.rmtree(place.source("customers"))
    daemon.next_epoch()
    write(place.source("customers/a"), "back")
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


def test_a_member_that_comes_again_destroys_nothing_of_others(place):
    daemon = sealed_once(place)
    shutil.rmtree(place.source("customers"))
    daemon.next_epoch()
    write(place.source("customers/a"), "back")
    write(place.target("customers/a"), "of somebody else")
    sealed_after(place, "adopt")


def test_a_target_that_was_emptied_does_not_hide_that_the_source_was(place):
    for i in range(150):
        write(place.source("bills/many", str(i)), "x")
    daemon = sealed_once(place)
    shutil.rmtree(os.path.dirname(place.snapshot("a", "/bills", 1)))
    for side in (place.source, place.target):
        shutil.rmtree(side("bills"))
        os.mkdir(side("bills"))
    number = daemon.run()
    daemon.wait_question(number, "shrink")


@pytest.mark.parametrize("side", ["a", "b"])
def test_a_damaged_copy_is_not_handed_on(place, side):
    """Unchanged files are links to the copy of the snapshot before."""
    daemon = sealed_once(place)
    write(os.path.join(place.snapshot(side, "/bills", 1), "0"), "BILLS0")
    write(place.source("bills/1"), "changed in 2")
    number = daemon.next_epoch()["number"]
    place.assert_equal(number)
    place.assert_live_equal(number)
    assert daemon.operation(f"/v1/services/svc/epochs/{number}/verify")["equal"]


def test_a_base_directory_that_is_missing_is_named_at_once(place):
    config = place.clusters()
    config["b"]["instances"]["posix"]["base"] = place.target("nowhere")
    daemon = place.embedded(clusters=config).start()
    with pytest.raises(harness.Refused) as refusal:
        daemon.call("PUT", "/v1/policies/svc", policy(), timeout=20)
    assert "nowhere" in refusal.value.text and "is not there" in refusal.value.text
