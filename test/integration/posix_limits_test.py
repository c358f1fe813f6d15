"""Limits that an operator sets, and what happens at their end. On directories."""
import os
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402
from harness import policy, wait_for, write  # noqa: E402
from posix_bed import sealed_once, two_sets  # noqa: E402


@pytest.fixture
def place():
    with two_sets("0123", times=100) as made:
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
    daemon = sealed_once(place, hold_max={"age": "PT5S", "action": "release"})
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
    daemon = sealed_once(place, hold_max={"age": "PT0.1S", "action": "release"})
    over = daemon.wait_event("hold.released")
    wait_for(lambda: not place.snapshots("a", "/bills"), "A to let go")
    daemon.apply(policy())
    daemon.stop()
    daemon.start()
    after_a_release(place, daemon)
    assert not [event for event in daemon.events(over["sequence"])
                if event["name"].startswith("hold.")]


# ---- snapshots of no epoch ----


def with_an_orphan(place):
    """A was away when epoch 2 was abandoned, and declared lost; now it is back."""
    control, agent_a, agent_b = place.three()
    control.start()
    control.apply(policy(lead_time="PT0.6S", limits={"bytes_per_second": 100_000}))
    control.wait_sealed(1)
    write(place.source("bills/big"), os.urandom(2_000_000))
    number = control.run()
    control.wait_epoch(number, lambda epoch: epoch["state"] == "receiving" and
                       epoch["progress"]["bytes_done"] > 0)
    agent_a.kill()
    control.verb(number, "abandon")
    control.wait_epoch(number, ("abandoning",))
    control.verb(number, "lost")
    assert control.wait_epoch(number, harness.ENDED)["state"] == "abandoned"
    agent_a.start()
    wait_for(lambda: not orphan_names(place, "b"), "B to have discarded")
    assert len(orphan_names(place, "a")) == 2  # one for each root
    return control, agent_a, agent_b


def orphan_names(place, side):
    return [name for root in ("/bills", "/customers") for name in place.snapshots(side, root)
            if ".e1." not in name]


def test_orphans_are_shown_and_removed_when_they_are_old(place):
    control, _, _ = with_an_orphan(place)
    shown = [finding for finding in control.operation("/v1/check", {})["findings"]
             if "is of no epoch" in finding["what"]]
    names = orphan_names(place, "a")
    assert [finding["hop"] for finding in shown] == ["a", "a"]
    assert all(any(name in finding["what"] for finding in shown) for name in names)
    assert "orphan_age" in shown[0]["remedy"] and shown[0]["level"] == "warning"
    control.stop()
    control.start()  # they are looked for at once, and these are young
    control.operation("/v1/check", {})
    assert orphan_names(place, "a") == names
    control.stop()
    control.configure(dict(control.config, orphan_age="PT0.1S"))
    control.start()
    wait_for(lambda: not orphan_names(place, "a"), "the orphans to go")
    wait_for(lambda: len([event for event in control.events()
                          if event["name"] == "orphan.removed"]) == 2, "to be told")
    for side in "ab":  # the base is none
        assert place.snapshots(side, "/bills") and place.snapshots(side, "/customers")
    control.apply(policy(lead_time="PT0.6S"))
    number = control.next_epoch()["number"]
    place.assert_live_equal(number)
    control.stop()
    control.start()  # nor is the new one
    control.operation("/v1/check", {})
    number = control.next_epoch()["number"]
    place.assert_live_equal(number)


def test_a_seal_is_no_orphan_whatever_a_device_says(place):
    """Such a device has lost its journal: it keeps nothing, and would remove everything."""
    control, agent_a, agent_b = with_an_orphan(place)
    seal, = place.seals()
    pair, service = seal.split(os.sep)[-4:-2]
    for side, agent in (("a", agent_a), ("b", agent_b)):
        agent.token = "a-token-of-more-than-sixteen-characters"
        order = {"schema": 1, "key": "reap-" + side, "kind": "orphans", "pair": pair,
                 "service": service, "service_name": "svc", "generation": 1, "number": 0,
                 "attempt": 1, "try": 1, "device": control.get("/v1/status")["device"],
                 "sequence": 1, "deadline_us": str(int((time.time() + 60) * 1e6)), "body": {
                     "services": [{"pair": pair, "service": service}], "keep": [],
                     "remove_before_us": str(int((time.time() + 3600) * 1e6)),
                     "roots": [{"instance": "posix", "root": root}
                               for root in ("/bills", "/customers", "/nowhere")]}}
        path = f"/agents/{side}/v1/instructions/{order['key']}"
        agent.call("PUT", path, order)
        status = wait_for(lambda path=path, agent=agent: (
            lambda now: now if now["state"] != "running" else None)(agent.get(path)), "the end")
        assert status["state"] == "done", status
        assert len(status["result"]["orphans"]) == (2 if side == "a" else 0), status
        assert not orphan_names(place, side)
        assert place.snapshots(side, "/bills") and place.snapshots(side, "/customers")
