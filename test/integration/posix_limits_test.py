"""Limits that an operator sets, and what happens at their end. On directories."""
import os
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402
from harness import policy, wait_for, write  # noqa: E402


@pytest.fixture
def place():
    with harness.site() as made:
        for top in ("bills", "customers"):
            for i in range(4):
                write(made.source(top, str(i)), f"{top}{i}" * 100)
        yield made


# ---- bandwidth ----


def in_the_middle(place, daemon, rate):
    """A first epoch that is being received at this rate."""
    for i in range(30):
        write(place.source("bills/big", str(i)), os.urandom(100_000))
    daemon.start()
    daemon.apply(policy(limits={"bytes_per_second": rate}))
    return daemon.wait_epoch(1, lambda epoch: epoch["state"] == "receiving" and
                             epoch["progress"]["bytes_done"] > 0)


def test_limits_hold_after_a_restart_too(place):
    daemon = place.embedded()
    epoch = in_the_middle(place, daemon, 600_000)
    daemon.stop()
    assert epoch["progress"]["bytes_done"] < 1_500_000
    began = time.monotonic()
    daemon.start()
    daemon.wait_sealed(1)
    assert time.monotonic() - began > 1_500_000 / 600_000
    place.assert_live_equal(1)


@pytest.mark.parametrize("processes", ["one", "three"])
def test_new_limits_reach_the_epoch_that_runs(place, processes):
    """At the old ones it would take ten minutes."""
    daemon = place.embedded() if processes == "one" else place.three()[0]
    in_the_middle(place, daemon, 5_000)
    daemon.apply(policy())
    daemon.wait_sealed(1)
    place.assert_live_equal(1)
    assert daemon.policy()["revision"] == 2


def test_new_limits_are_not_forgotten_by_a_restart(place):
    daemon = place.embedded()
    in_the_middle(place, daemon, 5_000)
    daemon.apply(policy())
    daemon.kill()
    daemon.start()
    daemon.wait_sealed(1)
    place.assert_live_equal(1)


# ---- hold_max ----


def pinned(daemon):
    return daemon.policy()["base_pinned_bytes"]


def after_a_release(place, daemon):
    """The base is gone from A, and nothing is lost by that: the next epoch compares."""
    for root in ("/bills", "/customers"):
        wait_for(lambda root=root: not place.snapshots("a", root), f"A to let go of {root}")
        assert len(place.snapshots("b", root)) == 1
    write(place.source("bills/0"), "changed")
    os.unlink(place.source("bills/1"))
    os.rename(place.source("customers/2"), place.source("customers/two"))
    epoch = daemon.next_epoch()
    place.assert_equal(epoch["number"])
    place.assert_live_equal(epoch["number"])
    assert epoch["files"] < 8, f"everything was copied again: {epoch}"
    write(place.source("bills/0"), "changed once more")
    epoch = daemon.next_epoch()  # and this one is a plain increment
    place.assert_live_equal(epoch["number"])
    assert epoch["files"] == 1


def test_a_hold_ends_by_its_age(place):
    daemon = place.embedded().start()
    daemon.apply(policy(hold_max={"age": "PT5S", "action": "release"}))
    daemon.wait_sealed(1)
    half = daemon.wait_event("hold.half")
    assert (half["severity"], half["number"]) == ("warning", 1)
    over = daemon.wait_event("hold.released", after=half["sequence"])
    assert (over["severity"], over["number"]) == ("alarm", 1)
    daemon.apply(policy())  # the limits of a test must not end the next bases
    after_a_release(place, daemon)


def test_a_hold_ends_by_what_it_pins(place):
    daemon = place.embedded().start()
    size = sum(os.path.getsize(os.path.join(top, name))
               for root in ("bills", "customers")
               for top, _, names in os.walk(place.source(root)) for name in names)
    daemon.apply(policy(hold_max={"bytes": size + 1, "action": "release"}))
    daemon.wait_sealed(1)
    half = daemon.wait_event("hold.half")
    assert half["number"] == 1 and "pins" in half["text"]
    assert pinned(daemon) == size
    metrics = daemon.call_text("/metrics")
    assert f'coeval_base_pinned_bytes{{service="svc"}} {size}\n' in metrics
    daemon.apply(policy(hold_max={"bytes": size, "action": "keep"}))
    daemon.wait_event("hold.expired", after=half["sequence"])
    assert place.snapshots("a", "/bills")
    daemon.apply(policy(hold_max={"bytes": size, "action": "release"}))
    daemon.wait_event("hold.released", after=half["sequence"])
    daemon.apply(policy())
    after_a_release(place, daemon)


def test_a_released_hold_is_remembered(place):
    daemon = place.embedded().start()
    daemon.apply(policy(hold_max={"age": "PT0.1S", "action": "release"}))
    daemon.wait_sealed(1)
    over = daemon.wait_event("hold.released")
    wait_for(lambda: not place.snapshots("a", "/bills"), "A to let go")
    daemon.apply(policy())
    daemon.stop()
    daemon.start()
    after_a_release(place, daemon)
    assert not [event for event in daemon.events(over["sequence"])
                if event["name"].startswith("hold.")]
