"""Moments of several services at one T: none of them waits for what holds up another."""
import datetime
import fcntl
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
            write(made.source(top, "1"), top)
        yield made


def soon():
    """A T that services can share."""
    at = datetime.datetime.fromtimestamp(int(time.time()) + 4, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def add_instance_without_barrier(place):
    for side in "ab":
        os.makedirs(place.source("..", side + "-other", "x"))
    write(place.source("..", "a-other", "x", "1"), "1")
    clusters = place.clusters()
    for side in "ab":
        base = os.path.join(place.directory, side + "-other")
        clusters[side]["instances"]["other"] = {"kind": "posix", "base": base}
    place.clusters = lambda: clusters


def first_epochs(daemon, names):
    epochs = [daemon.epochs(name).get(1) for name in names]
    return epochs if all(epochs) else None


def test_a_held_barrier_costs_no_other_service_its_moment(place):
    add_instance_without_barrier(place)
    daemon = place.embedded().start()
    t0 = soon()
    daemon.apply(policy("held", ["posix:/bills"], t0=t0, barrier_wait="PT60S"))
    daemon.apply(policy("free", ["other:/x"], t0=t0, consistency="fuzzy", grace="PT1S"))
    with open(place.source(".barrier"), "rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        assert daemon.wait_sealed(1, "free")["attempt"] == 1
        assert daemon.epochs("held")[1]["state"] in ("preparing", "armed")
    daemon.wait_sealed(1, "held")
    epochs = first_epochs(daemon, ("held", "free"))
    assert epochs[0]["attempt"] == 1, epochs
    assert epochs[0]["t_us"] == epochs[1]["t_us"], epochs


def test_services_of_one_barrier_and_t_hold_it_together(place):
    for i in range(400):
        for top in ("bills", "customers"):
            write(place.source(top, "many", str(i)), os.urandom(5000))
    daemon = place.embedded().start()
    t0 = soon()
    names = ("one", "two")
    for name, top in zip(names, ("bills", "customers")):
        daemon.apply(policy(name, [f"posix:/{top}"], t0=t0, grace="PT1S", barrier_wait="PT0.05S"))
    for name in names:
        daemon.wait_sealed(1, name)
    epochs = wait_for(lambda: first_epochs(daemon, names), "both epochs")
    assert [epoch["attempt"] for epoch in epochs] == [1, 1], epochs
    assert [epoch["grade"] for epoch in epochs] == ["quiesced", "quiesced"], epochs
    assert epochs[0]["t_us"] == epochs[1]["t_us"], epochs
