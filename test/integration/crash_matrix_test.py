"""kill -9 of control, agent A or agent B at every named point of an epoch, while the two others
live on; then a start without it: the epoch is sealed, or abandoned where nothing was received, the
next one is sealed, and what is sealed is the source. The same with the journals of the agents, or
of the device, deleted in between. Three processes, in memory where there is such a file system:
what is durable after kill -9 does not depend on the disk."""
import concurrent.futures
import glob
import os
import pwd
import shutil
import signal
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import crash_points  # noqa: E402
import harness  # noqa: E402
import tree_walk  # noqa: E402
from harness import Refused, policy, wait_for, write  # noqa: E402

WORKERS = 8
ROOTS = ("/bills", "/customers")
JOURNALS = ("kept", "agents", "control")
CONTROL, A, B = "control", "agent-a", "agent-b"

# Which way leads past a point; the others are passed by an epoch that is sealed.
BACK = ("agent.rollback.", "agent.commit.back-", "control.rolling_back", "control.stuck")
DISARM = ("agent.disarm.", "agent.discard.", "control.abandon")
ASKED = {"agent.check.check": "/v1/check", "agent.inspect.inspect": "/v1/recover",
         "agent.inspect.orders": "/v1/recover", "agent.orphans.orphans": "/v1/check",
         "agent.verify.verify": "/v1/services/svc/epochs/1/verify"}
# Passed outside of an epoch.
APPLIED, SELECTED, MOVED, MEASURED, LIMITED, DELETED = (
    "agent.identify.identify", "agent.catalogue.catalogue", "agent.move-root.move-root",
    "agent.measure.measure", "agent.limits.set", "agent.unprotect.unprotect")
# Who passes it. A name with "/push" or "/discarded" says how it comes to be passed there.
PASSED_BY = (("control.", (CONTROL,)), ("agent.commit.", (B,)), ("agent.seal.", (B,)),
             ("agent.rollback.", (B,)), ("agent.verify.", (B,)), ("agent.transfer.", (B, A)),
             ("agent.discard.", (A,)), ("agent.retire.", (A, B)), ("agent.", (A,)),
             ("posix.", (A, B)), ("journal.", (CONTROL, A, B)))
ELSEWHERE = {
    "journal.trim.": "of 100,000 records and more: test/adapter/journal kills there",
}
# Groups of records: the n-th one since the start.
GROUPS = {CONTROL: (1, 4, 8, 12), A: (2, 4), B: (2, 4)}


def victims_of(point):
    return next(victims for prefix, victims in PASSED_BY if point.startswith(prefix))


def way_of(point):
    return ("applied" if point == APPLIED else "selected" if point == SELECTED else
            "moved" if point == MOVED else "measured" if point == MEASURED else
            "limited" if point == LIMITED else "deleted" if point == DELETED else
            "back" if point.startswith(BACK) else
            "disarm" if point.startswith(DISARM) else "asked" if point in ASKED else "sealed")


def base_tree(place):
    for top in ("bills", "customers"):
        for name in ("same", "changed", "removed", "moved", "d/inner", "d/other", "attributes"):
            write(place.source(top, name), f"{top} {name}")
        os.makedirs(place.source(top, "empty"))


def change(place):
    for top in ("bills", "customers"):
        write(place.source(top, "changed"), "changed content")
        os.unlink(place.source(top, "removed"))
        os.rename(place.source(top, "moved"), place.source(top, "moved here"))
        os.rename(place.source(top, "d"), place.source(top, "e"))
        write(place.source(top, "d/in a new one"), "new")
        os.chmod(place.source(top, "attributes"), 0o640)
        os.rmdir(place.source(top, "empty"))
        write(place.source(top, "empty"), "a file now")


class Crash:
    """One point in one process, one treatment of the journals."""

    def __init__(self, place, point, victim, journals):
        self.place = place
        self.point = point
        self.journals = journals
        self.push = victim == A and point.startswith("agent.transfer.")
        self.control, agent_a, agent_b = place.three(log={"level": "info"})
        self.daemons = {CONTROL: self.control, A: agent_a, B: agent_b}
        self.victim = self.daemons[victim]

    def policy(self, **options):
        if self.push:
            options["direction"] = "push"
        # The moment is never missed for want of a turn on a busy machine.
        options = {"lead_time": "PT1S",
                   "retention": {"source": {"last": 1}, "target": {"last": 1}}, **options}
        return policy(**options)

    def prepare(self, **options):
        base_tree(self.place)
        self.control.start()
        self.control.apply(self.policy(**options))
        self.control.wait_sealed(1)
        change(self.place)

    def arm(self):
        """The victim starts anew; it dies at the point."""
        if self.victim.process is not None:
            self.victim.stop()
        self.victim.launch(COEVAL_CRASH_AT=self.point)  # which may come while it starts
        wait_for(lambda: self.victim.read_port() or self.victim.has_ended(), "the port file")
        if self.control.process is None:
            self.control.start()

    def ask(self, what):
        """An order whose answer may be lost with the process."""
        try:
            return what()
        except (OSError, Refused):
            return None

    def pause(self):
        return self.control.post("/v1/policies/svc/pause")

    def must_die(self, over):
        """over(): the way has ended without passing the point."""
        def look():
            if self.victim.has_ended():
                return "dead"
            # What is told may not be durable yet; an order that is recorded after it is.
            return "over" if self.ask(over) and self.ask(self.pause) else None
        how = wait_for(look, f"{self.point} to be passed")
        assert how == "dead", f"{self.point} was not passed\n{self.log()}"
        assert self.victim.wait_end() == -signal.SIGKILL, self.log()

    def lose(self, *names):
        """Dead if it was not, and without its journal."""
        for name in names:
            daemon = self.daemons[name]
            if daemon.process is not None:
                daemon.kill()
            [journal] = glob.glob(os.path.join(daemon.state, "*", "journal"))
            shutil.rmtree(journal)

    def revive(self):
        """Without the crash, and perhaps without a journal."""
        self.lose(*{"agents": (A, B), "control": (CONTROL,)}.get(self.journals, ()))
        for daemon in self.daemons.values():
            if daemon.process is None:
                daemon.start()
        if self.journals == "control":
            found = self.control.operation("/v1/recover", {"reason": "the journal is lost"})
            assert [s["name"] for s in found["services"]] == ["svc"], found
            self.control.post("/v1/policies/svc/resume")

    def log(self):
        return "\n".join(f"---- {name}\n{daemon.log()}" for name, daemon in self.daemons.items())

    def state_of(self, number):
        epoch = self.control.epochs().get(number)
        return epoch and epoch["state"]

    def is_over(self, number=2):
        return self.state_of(number) in ("sealed", "retired") and self.state_of(1) == "retired"

    # ---- ways ----

    def go_sealed(self):
        self.arm()
        self.ask(self.control.run)
        self.must_die(self.is_over)

    def go_disarm(self):
        self.arm()
        self.control.run()
        self.control.wait_epoch(2, ("armed",))
        self.ask(lambda: self.control.verb(2, "abandon"))
        self.must_die(lambda: self.state_of(2) == "abandoned" and
                      self.control.policy()["state"] == "idle")

    def go_back(self):
        """Stuck at a foreign object, then ordered to go back."""
        agent_b = self.daemons[B]
        agent_b.stop()
        agent_b.start(COEVAL_CRASH_AT="agent.commit.begun")
        self.ask(self.control.run)
        assert agent_b.wait_end() == -signal.SIGKILL
        foreign = write(self.place.target("customers/moved here"), "foreign")
        self.arm()
        if agent_b.process is None:
            agent_b.start()

        def order():
            if self.state_of(2) == "stuck":
                os.unlink(foreign)
                self.ask(lambda: self.control.verb(2, "rollback"))
                return True
            return False
        wait_for(lambda: self.victim.has_ended() or self.ask(order), "a stuck commit")
        self.must_die(lambda: self.state_of(2) == "abandoned")
        if os.path.exists(foreign):
            os.unlink(foreign)

    def go_asked(self):
        self.arm()
        self.ask(lambda: self.control.post(ASKED[self.point]))
        self.must_die(lambda: False)

    # ---- what must hold ----

    def settle(self, number):
        """The end of an epoch that was under way; None: it never was, or is not known any more."""
        def look():
            state = self.state_of(number)
            if state == "stuck":  # only in the way back: it had been ordered, or is now
                self.ask(lambda: self.control.verb(number, "rollback"))
            return state in harness.ENDED or (state is None and
                                              self.control.policy()["state"] == "idle")
        wait_for(look, f"epoch {number} to end")
        self.control.wait_idle()
        return self.state_of(number)

    def check_sealed(self, number):
        for root in ROOTS:
            sealed = self.place.snapshot("b", root, number)
            tree_walk.assert_same(self.place.source(root), sealed)
            tree_walk.assert_same(self.place.target(root), sealed)
            assert not os.path.lexists(self.place.target(root, ".coeval"))

    def check_is_base(self, base):
        for root, tree in base.items():
            found = tree_walk.differences(tree, tree_walk.walk(self.place.target(root)))
            assert not found, found

    def may_be_abandoned(self):
        """Before all is on B an epoch may be given up, but only with the moment or a journal."""
        early = self.point.startswith(("agent.snapshot.", "agent.resolve.", "control.planned",
                                       "control.preparing", "control.armed", "control.report",
                                       "posix.snapshot.", "journal."))
        return early or (self.journals == "control" and self.point.startswith(
            ("agent.transfer.", "control.snapped", "control.receiving")))

    def go(self):
        way = way_of(self.point)
        self.prepare(**({"lead_time": "PT2S"} if way == "disarm" else {}))
        base = {root: tree_walk.walk(self.place.snapshot("b", root, 1)) for root in ROOTS}
        getattr(self, "go_" + way)()
        self.revive()
        end = self.settle(2)
        if end in ("sealed", "retired"):
            assert way in ("sealed", "back"), end
            self.check_sealed(2)
        elif way == "sealed":
            assert self.may_be_abandoned(), f"{end}: {self.control.epochs().get(2)}"
        if end not in ("sealed", "retired"):
            self.check_is_base(base)
        self.check_next()

    def check_next(self):
        write(self.place.source("bills/after"), "after")
        os.rename(self.place.source("customers/same"), self.place.source("customers/not the same"))
        number = self.control.next_epoch()["number"]
        assert number > 1
        self.check_sealed(number)
        self.check_remains(number)
        for daemon in self.daemons.values():
            daemon.stop()

    def check_remains(self, number):
        """Each side ends with one snapshot per root: what a crash left behind was removed."""
        for side in "ab":
            for root in ROOTS:
                def left(side=side, root=root):
                    return [name for name in self.place.snapshots(side, root)
                            if f".e{number}." not in name]
                wait_for(lambda: not left(), f"nothing but epoch {number} on {side} of {root}")


# ---- outside of an epoch ----


class Elsewhere(Crash):
    """Points that no epoch passes: what was asked for is asked for again."""

    def again(self, what):
        self.arm()
        self.ask(what)
        self.must_die(lambda: False)
        self.revive()
        what()

    def go(self):
        base_tree(self.place)
        getattr(self, way_of(self.point))()
        self.check_next()

    def applied(self):
        self.again(lambda: self.control.apply(self.policy()))
        self.control.wait_sealed(1)

    def selected(self):
        owner = pwd.getpwuid(os.getuid()).pw_name
        everything = self.policy(group={"select": [{"instance": "posix", "owner": owner}]})
        self.again(lambda: self.control.apply(everything))
        self.control.wait_sealed(1)

    def moved(self):
        self.control.start()
        inner = {"data_sets": ["posix:/bills", "posix:/customers"]}
        self.control.apply(self.policy(group=inner))
        self.control.wait_sealed(1)

        def move():
            try:
                self.control.call("POST", "/v1/roots/move", {
                    "cluster": "a", "instance": "posix", "root": "/bills", "reason": "test"})
            except Refused as refusal:
                if "is being moved" not in str(refusal):
                    raise
                return False  # the order of before the crash goes on
            return True
        self.again(lambda: wait_for(move, "the root to be moved"))
        wait_for(lambda: all(operation["phase"] != "running" for operation in
                             self.control.get("/v1/operations")["operations"]), "both moves' end")
        self.control.wait_idle()

    def deleted(self):
        self.control.start()
        self.control.apply(self.policy())
        self.control.wait_sealed(1)

        def delete():
            if self.control.get("/v1/policies")["policies"]:
                self.control.call("DELETE", "/v1/policies/svc?reason=test")
        self.again(delete)
        self.control.apply(self.policy())
        self.control.wait_idle()

    def measured(self):
        self.control.start()
        self.control.apply(self.policy())
        self.control.wait_sealed(1)
        self.again(lambda: self.control.apply(self.policy(hold_max={"bytes": 10**9})))
        wait_for(lambda: self.control.policy()["base_pinned_bytes"], "what the base pins")

    def limited(self):
        write(self.place.source("bills/big"), os.urandom(1_000_000))
        self.control.start()
        self.control.apply(self.policy(limits={"bytes_per_second": 5_000}))
        self.control.wait_epoch(1, ("receiving",))
        self.again(lambda: self.control.apply(self.policy()))
        self.control.wait_sealed(1)


def attempt(point, victim, journals):
    with harness.site(parent=harness.memory()) as place:
        kind = Elsewhere if hasattr(Elsewhere, way_of(point)) else Crash
        crash = kind(place, point, victim, journals)
        try:
            crash.go()
        except Exception as failure:
            raise AssertionError(f"{failure}\n{crash.log()}") from failure


def wanted():
    """COEVAL_CRASH_POINTS=prefix,prefix: only these. A lost journal is tried where the first of its
    victims dies."""
    only = tuple(os.environ.get("COEVAL_CRASH_POINTS", "").split(","))
    for point in crash_points.all_points():
        if not point.startswith(only) or point.startswith(tuple(ELSEWHERE)):
            continue
        victims = victims_of(point)
        for victim in victims:
            groups = GROUPS[victim] if point.startswith("journal.") else (0,)
            for group in groups:
                name = f"{point}:{group}" if group else point
                is_first = victim == victims[0] and group in (0, groups[0])
                for journals in JOURNALS:
                    if journals == "kept" or (is_first and way_of(point) in (
                            "sealed", "disarm", "back")):
                        yield name, victim, journals


@pytest.fixture(scope="module")
def attempts():
    """All of them under way, a few at once."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        futures = {key: pool.submit(attempt, *key) for key in wanted()}
        yield futures
        for future in futures.values():
            future.cancel()


@pytest.mark.parametrize("point,victim,journals", list(wanted()))
def test_a_crash_at(attempts, point, victim, journals):
    attempts[point, victim, journals].result()


def test_the_table_lists_every_point():
    table = crash_points.read("doc/crash-points.md")
    missing = [point for point in crash_points.all_points() if f"`{point}`" not in table]
    assert not missing


def test_points_that_are_named_here_exist():
    named = {APPLIED, SELECTED, MOVED, MEASURED, LIMITED, DELETED} | set(ASKED)
    assert named <= set(crash_points.all_points())
