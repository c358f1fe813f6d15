"""What the operator is asked, by which data sets, and for which of them a yes counts. On
directories."""
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from harness import write  # noqa: E402
from posix_bed import sealed_once, two_sets  # noqa: E402


@pytest.fixture
def place():
    with two_sets([f"m{i}" for i in range(150)]) as made:
        yield made


def empty(place, top):
    shutil.rmtree(place.source(top))
    os.makedirs(place.source(top))


def asks(epoch):
    return [asked["data_set"] for asked in epoch.get("asked", [])]


@pytest.mark.parametrize("executors", [1, 4])
def test_all_that_ask_are_listed_and_answered_at_once(place, executors):
    daemon = sealed_once(place, executors=executors)
    empty(place, "bills")
    empty(place, "customers")
    number = daemon.run()
    epoch = daemon.wait_question(number, "shrink")
    assert sorted(asks(epoch)) == ["posix:/bills", "posix:/customers"], epoch
    assert "2 data sets ask" in epoch["cause"]["message"], epoch
    daemon.verb(number, "approve")
    epoch = daemon.wait_sealed(number)
    assert "asked" not in epoch, epoch
    place.assert_live_equal(number)


def test_a_yes_counts_for_those_that_asked(place):
    daemon = sealed_once(place)
    empty(place, "bills")
    write(place.target("customers/foreign"), "foreign")
    number = daemon.run()
    epoch = daemon.wait_question(number, "shrink")
    assert asks(epoch) == ["posix:/bills"], epoch
    daemon.verb(number, "approve")
    epoch = daemon.wait_question(number, "touched")
    assert asks(epoch) == ["posix:/customers"], epoch
    # Somebody empties the other target too: nobody has said yes to that.
    write(place.target("bills/foreign"), "foreign")
    daemon.verb(number, "approve")
    epoch = daemon.wait_question(number, "touched")
    assert asks(epoch) == ["posix:/bills"], epoch
    daemon.verb(number, "approve")
    daemon.wait_sealed(number)
    place.assert_live_equal(number)


def test_a_lost_base_is_approved_for_one_only(place):
    daemon = sealed_once(place)
    shutil.rmtree(os.path.dirname(place.snapshot("a", "/bills", 1)))
    write(place.source("customers/new"), "new")
    number = daemon.run()
    epoch = daemon.wait_question(number, "lost_base")
    assert asks(epoch) == ["posix:/bills"], epoch
    daemon.verb(number, "approve")
    daemon.wait_sealed(number)
    members = {member["id"]: member for member in daemon.epoch(number)["members"]}
    bases = {members[member["id"]]["source_path"]: member["from"]
             for member in daemon.epoch(number)["transfer"]["members"]}
    assert bases == {"/bills": "live", "/customers": "seal"}, bases
    place.assert_live_equal(number)


def test_the_question_and_its_members_survive_a_restart(place):
    daemon = sealed_once(place)
    empty(place, "customers")
    number = daemon.run()
    before = daemon.wait_question(number, "shrink")
    daemon.stop()
    daemon.start()
    after = daemon.wait_question(number, "shrink")
    assert after["asked"] == before["asked"]
    told = subprocess.run([os.environ["COEVAL"], "epoch", "show", "svc", str(number)],
                          env=dict(os.environ, COEVAL_DEVICE=f"http://127.0.0.1:{daemon.port}"),
                          capture_output=True, text=True, check=False).stdout
    assert "/customers" in told, told
    daemon.verb(number, "approve")
    daemon.wait_sealed(number)
    place.assert_live_equal(number)
