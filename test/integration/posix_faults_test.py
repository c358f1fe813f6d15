"""What goes wrong, and what the operator is asked, told and can do about it. On directories."""
import contextlib
import fcntl
import glob
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402
import tree_walk  # noqa: E402
from harness import COEVALD, Refused, policy, wait_for, write  # noqa: E402
from posix_bed import (  # noqa: E402
    assert_is_base, go_back, killed_at, saved, sealed_after, sealed_once, two_sets)


@pytest.fixture
def place():
    with two_sets("0123") as made:
        yield made


# ---- the target ----


def test_a_touched_target_is_asked_about_and_saved(place):
    daemon = sealed_once(place)
    write(place.target("bills/1"), "of somebody else")
    write(place.source("bills/new"), "new")
    number = daemon.run()
    epoch = daemon.wait_question(number, "touched")
    assert "/bills" in str(epoch["cause"])
    assert daemon.policy()["state"] == "waiting"
    assert any("approve" in command for command in
               daemon.wait_event("epoch.question")["commands"])
    daemon.verb(number, "approve")
    daemon.wait_sealed(number)
    place.assert_live_equal(number)
    assert saved(place, "of somebody else")


def test_a_touched_target_is_restored_when_the_policy_says_so(place):
    daemon = sealed_once(place, touched="restore")
    os.unlink(place.target("bills/0"))
    write(place.target("customers/foreign"), "foreign")
    os.chmod(place.target("bills/2"), 0o600)
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)
    assert saved(place, "foreign")


def test_a_target_with_data_is_adopted_only_by_comparison(place):
    for i in range(4):
        shutil.copy2(place.source("bills", str(i)),
                     write(place.target("bills", str(i))))
    write(place.target("bills/3"), "other content")
    write(place.target("bills/extra"), "extra")
    os.makedirs(place.target("customers"))
    daemon = place.embedded().start()
    daemon.apply(policy())
    epoch = daemon.wait_question(1, "adopt")
    assert "bills" in str(epoch["cause"])
    daemon.verb(1, "approve")
    epoch = daemon.wait_sealed(1)
    place.assert_live_equal(1)
    assert epoch["files"] == 1 + 4, epoch  # the changed bill, and the customers
    assert saved(place, "extra")


# ---- the base ----


@pytest.mark.parametrize("side", ["a", "b"])
def test_a_lost_base_is_asked_about(place, side):
    daemon = sealed_once(place)
    shutil.rmtree(os.path.dirname(place.snapshot(side, "/bills", 1)))
    write(place.source("bills/0"), "changed")
    os.unlink(place.source("bills/1"))
    number = daemon.run()
    daemon.wait_question(number, "lost_base")
    daemon.verb(number, "approve")
    epoch = daemon.wait_sealed(number)
    place.assert_live_equal(number)
    assert epoch["files"] < 4, f"everything was copied again: {epoch}"
    daemon.next_epoch()


def test_a_lost_base_is_compared_when_the_policy_says_so(place):
    daemon = sealed_once(place, adopt="compare")
    shutil.rmtree(os.path.dirname(place.snapshot("a", "/bills", 1)))
    write(place.source("bills/0"), "changed")
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


def test_an_emptied_source_waits_for_the_operator(place):
    for i in range(150):
        write(place.source("bills/many", str(i)), "x")
    daemon = sealed_once(place)
    shutil.rmtree(place.source("bills/many"))
    number = daemon.run()
    daemon.wait_question(number, "shrink")
    daemon.verb(number, "abandon")
    assert daemon.wait_epoch(number, harness.ENDED)["state"] == "abandoned"
    daemon.wait_idle()
    assert os.path.exists(place.target("bills/many/149"))
    sealed_after(place, "shrink")
    assert not os.path.exists(place.target("bills/many"))


def test_another_store_under_the_same_name_is_refused(place):
    daemon = sealed_once(place)
    sealed = tree_walk.walk(place.target("bills"))
    daemon.stop()
    other = os.path.join(place.directory, "other")
    write(os.path.join(other, "bills/0"), "of another machine")
    write(os.path.join(other, "customers/0"), "of another machine")
    with open(os.path.join(other, ".barrier"), "w", encoding="utf-8"):
        pass
    config = dict(daemon.config)
    config["clusters"] = place.clusters()
    config["clusters"]["a"]["instances"]["posix"]["base"] = other
    daemon.configure(config)
    daemon.start()
    number = daemon.run()
    epoch = daemon.wait_epoch(number, harness.ENDED)
    assert epoch["state"] == "abandoned"
    assert "paired" in str(epoch["cause"]) or "store" in str(epoch["cause"]), epoch
    assert not tree_walk.differences(sealed, tree_walk.walk(place.target("bills")))


def test_a_full_epoch_of_an_unchanged_source_asks_nothing(place):
    daemon = sealed_once(place, mode="full", group={
        "data_sets": ["posix:/bills", "posix:/customers"], "exclude": ["*.tmp"]})
    write(place.source("bills/below/1.tmp"), "left out")
    number = daemon.next_epoch()["number"]
    assert not os.path.exists(place.snapshot("b", "/bills", number) + "/below/1.tmp")
    daemon.next_epoch()


def test_a_full_epoch_of_an_emptied_source_waits_as_well(place):
    for i in range(150):
        write(place.source("bills/many", str(i)), "x")
    sealed_once(place, mode="full")
    shutil.rmtree(place.source("bills/many"))
    sealed_after(place, "shrink")


def test_what_is_compared_may_not_shrink_either(place):
    for i in range(150):
        write(place.source("bills/many", str(i)), "x")
    sealed_once(place, adopt="compare")
    shutil.rmtree(os.path.dirname(place.snapshot("a", "/bills", 1)))
    shutil.rmtree(place.source("bills/many"))
    sealed_after(place, "shrink")


# ---- a seal that A cannot keep ----


def block_seal(place, number):
    [kept] = glob.glob(place.target(f"coeval/*-*/*-*/g1.e{number}"))
    write(place.source(os.path.relpath(kept, place.target()), "seal.json", "in the way"))


def unsettled(place):
    """Epoch 2 is sealed on B, but A, whose area refuses the copy, has 1 as the last one."""
    daemon = sealed_once(place)
    write(place.source("bills/0"), "changed in 2")
    os.unlink(place.source("customers/1"))
    killed_at(daemon, "control.sealed")
    block_seal(place, 2)
    daemon.start()
    daemon.wait_event("epoch.unsettled")
    daemon.wait_idle()
    return daemon


def test_after_a_seal_that_a_cannot_keep_the_next_epoch_compares(place):
    daemon = unsettled(place)
    write(place.source("bills/1"), "changed in 3")
    epoch = daemon.next_epoch()
    place.assert_live_equal(epoch["number"])
    assert epoch["files"] < 4, f"everything was copied again: {epoch}"
    write(place.source("bills/2"), "changed in 4")
    epoch = daemon.next_epoch()
    place.assert_live_equal(epoch["number"])
    assert epoch["base"] == 3, epoch


def test_a_target_touched_after_such_a_seal_is_asked_about(place):
    unsettled(place)
    write(place.target("bills/1"), "of somebody else")
    sealed_after(place, "touched")
    assert saved(place, "of somebody else")


def test_a_first_seal_that_a_cannot_keep_is_compared_too(place):
    daemon = place.embedded().start(COEVAL_CRASH_AT="control.sealed")
    with contextlib.suppress(OSError):
        daemon.apply(policy())
    assert daemon.wait_end() == -signal.SIGKILL
    block_seal(place, 1)
    daemon.start()
    daemon.wait_event("epoch.unsettled")
    write(place.source("bills/1"), "changed in 2")
    epoch = daemon.next_epoch()
    place.assert_live_equal(epoch["number"])
    assert epoch["files"] == 1, f"everything was copied again: {epoch}"


# ---- a commit that cannot go on ----


def stuck(place):
    """A commit that has begun, and a foreign object where it places something."""
    daemon = sealed_once(place)
    write(place.source("bills/placed"), "placed")
    os.rename(place.source("customers/0"), place.source("customers/zero"))
    killed_at(daemon, "agent.commit.begun")
    foreign = write(place.target("bills/placed"), "foreign")
    daemon.start()
    epoch = daemon.wait_epoch(2, ("stuck",))
    assert "placed" in str(epoch["cause"])
    commands = " ".join(daemon.wait_event("epoch.stuck")["commands"])
    assert "resume" in commands and "rollback" in commands
    return daemon, foreign


def test_a_stuck_commit_goes_on_when_the_cause_is_mended(place):
    daemon, foreign = stuck(place)
    with pytest.raises(Refused):
        daemon.verb(2, "abandon")
    daemon.verb(2, "resume")
    daemon.wait_epoch(2, lambda epoch: epoch["state"] == "stuck" and "cause" in epoch)
    os.unlink(foreign)
    daemon.verb(2, "resume")
    daemon.wait_sealed(2)
    place.assert_live_equal(2)


def test_a_stuck_commit_goes_back_to_the_base(place):
    daemon, foreign = stuck(place)
    os.unlink(foreign)
    go_back(daemon)
    assert_is_base(place)
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


# ---- what is refused at once ----


def refused(call):
    with pytest.raises(Refused) as refusal:
        call()
    return refusal.value.text


def elsewhere(path):
    """A target of its own, so that nothing but the source is in the way."""
    return [{"instance": "posix", "from": path, "to": "/elsewhere" + path}]


def test_targets_belong_to_one_service(place):
    write(place.source("bills/sub/x"), "x")
    daemon = sealed_once(place)
    for path in ("/bills", "/bills/sub"):
        text = refused(lambda path=path: daemon.apply(policy("second", ["posix:" + path])))
        assert "overlap; a target belongs to one service" in text and "target_map" in text
        daemon.apply(policy("second", ["posix:" + path], target_map=elsewhere(path)), dry_run=True)
    assert [p["name"] for p in daemon.get("/v1/policies")["policies"]] == ["svc"]


def test_roots_do_not_nest(place):
    """A data set below a root is part of that; one above it would need a root around the root."""
    write(place.source("bills/sub/x"), "x")
    daemon = sealed_once(place, data_sets=["posix:/bills/sub"])
    above = policy("above", ["posix:/bills"], target_map=elsewhere("/bills"))
    text = refused(lambda: daemon.apply(above))
    assert "/bills lies above the snapshot root /bills/sub" in text
    assert "roots cannot nest" in text and "coeval root plan a posix:/bills" in text
    assert [p["name"] for p in daemon.get("/v1/policies")["policies"]] == ["svc"]
    write(place.source("bills/sub/deeper/x"), "x")
    below = policy("below", ["posix:/bills/sub/deeper"],
                   target_map=elsewhere("/bills/sub/deeper"))
    answer = daemon.apply(below)
    assert [r["root"] for r in answer["roots"] if r["cluster"] == "a"] == ["/bills/sub"]


def test_data_sets_do_not_nest(place):
    write(place.source("bills/sub/x"), "x")
    daemon = place.embedded().start()
    text = refused(lambda: daemon.apply(policy("one", ["posix:/bills", "posix:/bills/sub"])))
    assert "data set posix:/bills/sub lies in data set posix:/bills" in text


def test_a_policy_without_sense_is_refused_by_name(place):
    daemon = place.embedded().start()
    assert "period" in refused(lambda: daemon.apply(policy(period="PT0S")))


def test_a_missing_data_set_is_named(place):
    daemon = place.embedded().start()
    assert "/nowhere" in refused(lambda: daemon.apply(policy(data_sets=["posix:/nowhere"])))


@pytest.mark.parametrize("text,place_in_file", [
    ("state: /x\nroles: [agent]\nclusters:\n  a: {instances: {p: {kind: posix, base: /y}}}\n"
     "unknown: 1\n", "5:1"),
    ("state: /x\nstate: /y\n", "2:1"),
    ("state: /x\nroles: [agent, king]\n", "2:16"),
    ("state: [\n", ":"),
])
def test_a_bad_configuration_is_refused_with_its_place(tmp_path, text, place_in_file):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    done = subprocess.run([COEVALD, "--config", str(path), "--check-config"], text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=20)
    assert done.returncode != 0
    assert f"bad.yaml:{place_in_file}" in done.stdout or place_in_file == ":", done.stdout
    assert "bad.yaml" in done.stdout


def test_two_daemons_do_not_share_a_state_directory(place):
    """The journal has one owner. The second one has an address of its own: that is not it."""
    daemon = place.embedded().start()
    second = place.daemon("two", {"roles": ["control", "agent"], "clusters": place.clusters()})
    second.state = daemon.state
    second.configure(second.config)
    os.unlink(os.path.join(daemon.state, "port"))
    done = subprocess.run([COEVALD, "--config", second.config_path], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    assert done.returncode == 1, done.stdout
    assert f"is in use by process {daemon.process.pid}: stop that one first" in done.stdout
    assert not os.path.exists(os.path.join(daemon.state, "port"))  # it listened nowhere
    daemon.apply(policy())
    daemon.wait_sealed(1)
    daemon.stop()
    daemon.start()  # what it left is whole, and nobody owns it
    daemon.next_epoch()


# ---- ends and starts ----


def test_an_end_in_the_middle_of_a_transfer_is_quick_and_loses_nothing(place):
    write(place.source("bills/big"), os.urandom(1_500_000))
    daemon = place.embedded().start()
    daemon.apply(policy(limits={"bytes_per_second": 500_000}))
    daemon.wait_epoch(1, lambda epoch: epoch["state"] == "receiving" and
                      epoch["progress"]["bytes_done"] > 100_000)
    assert daemon.stop() < 5.5
    daemon.start()
    daemon.wait_sealed(1)
    place.assert_live_equal(1)


@pytest.mark.parametrize("point", [
    "control.preparing", "agent.snapshot.prepare", "control.armed", "agent.snapshot.finish",
    "agent.snapshot.differences", "control.receiving", "agent.transfer.planned",
    "agent.transfer.staged", "control.received", "agent.commit.begun", "agent.commit.park-step",
    "agent.commit.placed", "agent.commit.cleaning", "agent.commit.frozen", "agent.seal.writing"])
def test_an_end_at_any_time_goes_on(place, point):
    """SIGTERM in the middle, there and nowhere else: what was under way is not over by then."""
    daemon = sealed_once(place)
    daemon.stop()
    for i in range(50):
        write(place.source("bills/more", str(i)), os.urandom(2000))
    os.rename(place.source("customers/0"), place.source("customers/zero"))
    daemon.start(COEVAL_CRASH_AT=point, COEVAL_CRASH_SIGNAL="TERM")
    with contextlib.suppress(OSError):
        daemon.run()
    wait_for(lambda: f"crash point {point}" in daemon.log() or daemon.has_ended(), point)
    began = time.monotonic()
    status = daemon.wait_end(10)
    assert status == 0, f"{status}\n{daemon.log()}"
    assert time.monotonic() - began < 5.5
    assert f"crash point {point}" in daemon.log()
    if point != "agent.seal.writing":
        assert len(place.seals()) == 1
    daemon.start()
    epoch = daemon.wait_epoch(2, harness.ENDED)
    if not point.startswith(("control.preparing", "control.armed", "agent.snapshot.")):
        assert epoch["state"] == "sealed", f"{epoch}\n{daemon.log()}"
        place.assert_live_equal(2)
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


def test_an_end_while_a_writer_keeps_the_moment_waiting(place):
    """The moment thread waits for the barrier, for far longer than an end may take."""
    daemon = sealed_once(place)
    write(place.source("bills/new"), "new")
    daemon.apply(policy(barrier_wait="PT60S"))
    with open(place.source(".barrier"), "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        number = daemon.run()
        t_us = daemon.wait_epoch(number, ("armed",))["t_us"]
        wait_for(lambda: time.time() * 1e6 > int(t_us) + 50_000, "T to pass")
        assert daemon.epoch(number)["state"] == "armed"
        assert daemon.stop() < 5.5
        assert not [name for name in place.snapshots("a", "/bills") if f".e{number}." in name]
    daemon.start()
    daemon.wait_epoch(number, harness.ENDED)
    number = daemon.next_epoch()["number"]
    place.assert_live_equal(number)


def test_three_processes_and_each_of_them_anew(place):
    control, agent_a, agent_b = place.three()
    control.start()
    control.apply(policy(lead_time="PT0.6S"))
    control.wait_sealed(1)
    place.assert_live_equal(1)
    write(place.source("bills/big"), os.urandom(600_000))
    control.apply(policy(lead_time="PT0.6S", limits={"bytes_per_second": 300_000}))
    number = control.run()
    control.wait_epoch(number, ("receiving",))
    agent_b.kill()
    wait_for(lambda: not [c for c in control.get("/v1/clusters")["clusters"]
                          if c["name"] == "b"][0]["agent_reachable"], "b to be missed")
    agent_b.start()
    control.wait_sealed(number)
    place.assert_live_equal(number)
    for daemon in (control, agent_a, agent_b):
        write(place.source("bills/0"), os.urandom(100))
        number = control.run()
        control.wait_epoch(number, lambda epoch: epoch["state"] != "planned")
        daemon.kill()
        daemon.start()
        control.wait_epoch(number, harness.ENDED)
        number = control.next_epoch()["number"]
        place.assert_live_equal(number)
    for daemon in (control, agent_a, agent_b):
        daemon.stop()
