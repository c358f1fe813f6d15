"""The main job on directories, through the whole product: what is sealed is what was there at T."""
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402
import tree_walk  # noqa: E402
from harness import Refused, Writer, policy, wait_for, write  # noqa: E402
from posix_bed import sealed_once, two_sets  # noqa: E402

JOURNAL = os.environ["COEVAL_JOURNAL"]


@pytest.fixture
def place():
    with two_sets("012") as made:
        yield made


@pytest.fixture
def loose():
    """Without a barrier."""
    with harness.site(barrier=False) as made:
        write(made.source("bills/1"), "one")
        yield made


# ---- the moment ----


def test_a_writer_under_the_barrier_is_caught_between_two_changes(place):
    daemon = place.embedded().start()
    with Writer(place) as writer:
        daemon.apply(policy())
        epochs = [daemon.wait_sealed(1)] + [daemon.next_epoch() for _ in range(3)]
    assert writer.count > 10
    assert [epoch["mode"] for epoch in epochs] == ["full"] + 3 * ["incremental"]
    assert {epoch["grade"] for epoch in epochs} == {"quiesced"}
    seen = []
    for epoch in epochs[2:]:  # the source keeps two
        place.assert_equal(epoch["number"])
    for epoch in epochs:
        trees = [place.snapshot("b", root, epoch["number"]) for root in ("/bills", "/customers")]
        counts = Writer.counts(*trees)
        assert len(counts) == 1, f"epoch {epoch['number']} mixes {counts}"
        seen.append(int(counts.pop()))
    assert seen == sorted(set(seen))
    place.control = daemon
    last = daemon.next_epoch()["number"]
    place.assert_live_equal(last)


def test_without_a_barrier_it_is_fuzzy_and_says_so(loose):
    daemon = loose.embedded().start()
    daemon.apply(policy(data_sets=["posix:/bills"], consistency="fuzzy"))
    assert daemon.wait_sealed(1)["grade"] == "fuzzy"
    loose.assert_live_equal(1, ["/bills"])


def test_less_than_the_wanted_consistency_is_no_epoch(loose):
    daemon = loose.embedded().start()
    try:
        daemon.apply(policy(data_sets=["posix:/bills"], retries=0))
    except Refused as refusal:  # said when it is applied: better still
        assert "quiesced" in refusal.text or "barrier" in refusal.text
        return
    epoch = daemon.wait_epoch(1, harness.ENDED)
    assert epoch["state"] == "abandoned"
    assert "fuzzy" in str(epoch["cause"])
    assert not loose.seals()


# ---- names and things ----


def names():
    """Bytes that a file name may have."""
    return [b"with space", b"new\nline", b"'quotes\"", b"back\\slash", b"tab\there", b"-dash",
            b"percent%2Fslash", b"semi;colon&and?what#hash", b"*star[a]", b"caf\xc3\xa9",
            b"cafe\xcc\x81", b"\xff\xfe not utf-8", b"trailing ", b"..three", b"x" * 255,
            "日本語".encode(), b"#1", b"a" * 200 + b"\xc3\xa9"]


def make_odd(top):
    top = os.fsencode(top)
    for i, name in enumerate(names()):
        write(os.path.join(top, name, name), b"%d" % i)
    os.makedirs(os.path.join(top, b"empty/below/deep"))
    write(os.path.join(top, b"real"), b"real")
    os.symlink(b"real", os.path.join(top, b"link"))
    os.symlink(b"/nowhere/\xff", os.path.join(top, b"dangling"))
    os.symlink(b"empty", os.path.join(top, b"link to directory"))
    os.link(os.path.join(top, b"real"), os.path.join(top, b"hard"))
    write(os.path.join(top, b"zero"), b"")
    with open(os.path.join(top, b"sparse"), "wb") as file:
        file.seek(8 << 20)
        file.write(b"end")


def make_attributes(top):
    path = write(os.path.join(top, "attributes/file"), "a")
    os.setxattr(path, "user.colour", b"blue\0\xff")
    os.setxattr(os.path.dirname(path), "user.of.directory", b"")
    subprocess.run(["setfacl", "-m", "u:1:rw,g:2:r,d:u:1:rwx", os.path.dirname(path)], check=True)
    subprocess.run(["setfacl", "-m", "u:1:rw,m::r", path], check=True)
    for i, mode in enumerate((0o000, 0o777, 0o4755, 0o2750, 0o1777, 0o400)):
        os.chmod(write(os.path.join(top, f"attributes/mode{i}"), "m"), mode)
    os.chmod(os.path.join(top, "attributes"), 0o1771)
    if os.geteuid() == 0:
        os.chown(path, 1, 2)
        os.setxattr(path, "trusted.secret", b"t")
    os.utime(path, ns=(1, 1_234_567_890_123_456_789))


def test_odd_names_and_all_attributes_arrive_and_change(place):
    make_odd(place.source("bills/odd"))
    make_attributes(place.source("bills"))
    daemon = sealed_once(place)
    place.assert_live_equal(1)
    sparse = os.stat(place.target("bills/odd/sparse"))
    assert sparse.st_blocks * 512 < 1 << 20

    file = place.source("bills/attributes/file")
    os.setxattr(file, "user.colour", b"red")
    os.removexattr(place.source("bills/attributes"), "user.of.directory")
    subprocess.run(["setfacl", "-b", file], check=True)
    os.utime(place.source("bills/0"), ns=(5, 7_000_000_001))
    os.chmod(place.source("bills/1"), 0o604)
    top = os.fsencode(place.source("bills/odd"))
    os.rename(os.path.join(top, names()[0]), os.path.join(top, b"moved\nhere"))
    os.unlink(os.path.join(top, b"link"))
    os.symlink(b"zero", os.path.join(top, b"link"))
    os.unlink(os.path.join(top, b"zero"))
    os.mkdir(os.path.join(top, b"zero"))
    daemon.next_epoch()
    place.assert_live_equal(2)


def test_a_rename_moves_and_copies_nothing(place):
    for i in range(40):
        write(place.source("bills/many/deep", f"file{i}"), os.urandom(5000))
    write(place.source("customers/old name"), os.urandom(300000))
    daemon = place.embedded().start()
    daemon.apply(policy())
    assert daemon.wait_sealed(1)["bytes"] > 500000
    os.rename(place.source("bills/many"), place.source("bills/renamed"))
    os.rename(place.source("customers/old name"), place.source("customers/new name"))
    epoch = daemon.next_epoch()
    place.assert_live_equal(2)
    assert (epoch["files"], epoch["bytes"]) == (0, 0), epoch
    assert epoch["moved"] == 2


def test_hard_changes_of_shape(place):
    """Two names swapped, a file that becomes a directory and the reverse, a name taken over."""
    write(place.source("bills/dir/inner"), "inner")
    write(place.source("bills/x"), "x")
    write(place.source("bills/y"), "y")
    write(place.source("bills/becomes-dir"), "file")
    write(place.source("bills/becomes-file/f"), "f")
    daemon = sealed_once(place)
    os.rename(place.source("bills/x"), place.source("bills/t"))
    os.rename(place.source("bills/y"), place.source("bills/x"))
    os.rename(place.source("bills/t"), place.source("bills/y"))
    os.rename(place.source("bills/dir/inner"), place.source("bills/inner"))
    os.rmdir(place.source("bills/dir"))
    os.unlink(place.source("bills/becomes-dir"))
    write(place.source("bills/becomes-dir/now"), "now")
    os.unlink(place.source("bills/becomes-file/f"))
    os.rmdir(place.source("bills/becomes-file"))
    write(place.source("bills/becomes-file"), "file now")
    os.rename(place.source("bills/0"), place.source("bills/1"))
    daemon.next_epoch()
    place.assert_live_equal(2)


def test_nothing_changed_costs_nothing(place):
    daemon = sealed_once(place)
    epoch = daemon.next_epoch()
    assert (epoch["files"], epoch["bytes"], epoch["moved"]) == (0, 0, 0)
    place.assert_live_equal(2)


# ---- the group ----


def test_excluded_stays_away_and_crosses_the_border(place):
    for name in ("keep", "drop.tmp", ".Trash/t", "sub/also.tmp", "scratch/s"):
        write(place.source("bills", name), name)
    daemon = place.embedded().start()
    daemon.apply(policy(group={"data_sets": ["posix:/bills"],
                               "exclude": ["*.tmp", "/bills/scratch"]}))
    daemon.wait_sealed(1)
    sealed = tree_walk.walk(place.snapshot("b", "/bills", 1))
    assert {b"keep", b"sub"} <= sealed.keys()
    assert not {b"drop.tmp", b".Trash", b"sub/also.tmp", b"scratch"} & sealed.keys()
    os.rename(place.source("bills/drop.tmp"), place.source("bills/in"))
    os.rename(place.source("bills/keep"), place.source("bills/out.tmp"))
    os.rename(place.source("bills/scratch/s"), place.source("bills/from scratch"))
    daemon.next_epoch()
    sealed = tree_walk.walk(place.snapshot("b", "/bills", 2))
    assert {b"in", b"from scratch"} <= sealed.keys()
    assert not {b"keep", b"out.tmp", b"scratch"} & sealed.keys()


def test_all_takes_every_top_directory_and_later_ones(place):
    daemon = sealed_once(place, group={"all": True})
    place.assert_live_equal(1)
    write(place.source("third/new"), "new")
    daemon.next_epoch()
    place.assert_live_equal(2, ["/bills", "/customers", "/third"])
    for i in range(3):
        os.unlink(place.source("customers", str(i)))
    os.rmdir(place.source("customers"))
    daemon.next_epoch()
    place.assert_live_equal(3, ["/bills", "/third"])
    assert not os.path.exists(place.target("customers/0"))


def test_selectors_by_prefix_and_owner(place):
    for name in ("finance/a", "finance/b", "other/c"):
        write(place.source(name, "f"), name)
    os.makedirs(place.source("owned"))
    write(place.source("owned/f"), "owned")
    os.chown(place.source("owned"), 1, 1)
    daemon = place.embedded().start()
    daemon.apply(policy("finance", group={"select": [{"prefix": "/finance"}]}))
    daemon.wait_sealed(1, "finance")
    place.assert_live_equal(1, ["/finance/a", "/finance/b"])
    assert not os.path.exists(place.target("other"))
    import pwd  # noqa: PLC0415: names of users are of this test alone
    daemon.apply(policy("owned", group={"select": [{"owner": pwd.getpwuid(1).pw_name}]}))
    daemon.wait_sealed(1, "owned")
    assert os.path.exists(place.target("owned/f"))
    assert not os.path.exists(place.target("bills"))


def test_the_target_map_puts_it_elsewhere(place):
    daemon = place.embedded().start()
    daemon.apply(policy(target_map=[{"instance": "posix", "from": "/bills",
                                    "to": "/copies/of bills"}]))
    daemon.wait_sealed(1)
    place.assert_equal(1, target={"/bills": "/copies/of bills"})
    write(place.source("bills/more"), "more")
    daemon.next_epoch()
    place.assert_equal(2, target={"/bills": "/copies/of bills"})
    assert not os.path.exists(place.target("bills"))


# ---- how ----


@pytest.mark.parametrize("options", [{"direction": "push"}, {"mode": "full"}, {"executors": 4},
                                     {"sweep": "every"}],
                         ids=lambda options: "-".join(map(str, *options.items())))
def test_ways_of_transfer_give_the_same(place, options):
    daemon = place.embedded().start()
    for i in range(20):
        write(place.source("bills/d", str(i)), os.urandom(3000))
    daemon.apply(policy(**options))
    daemon.wait_sealed(1)
    place.assert_live_equal(1)
    os.rename(place.source("bills/d"), place.source("customers/d"))
    write(place.source("bills/0"), "changed")
    epoch = daemon.next_epoch()
    place.assert_live_equal(2)
    assert epoch["direction"] == options.get("direction", "pull")
    assert epoch["mode"] == options.get("mode", "incremental")


def test_retention_on_both_sides(place):
    daemon = sealed_once(place, retention={"source": {"last": 1}, "target": {"last": 3}})
    for i in range(5):
        write(place.source("bills/0"), str(i))
        daemon.next_epoch()
    wait_for(lambda: len(place.snapshots("a", "/bills")) == 1, "one snapshot on A")
    wait_for(lambda: len(place.snapshots("b", "/bills")) == 3, "three seals on B")
    place.assert_live_equal(6)
    for number in (4, 5, 6):
        place.snapshot("b", "/bills", number)


def test_two_services_side_by_side(place):
    daemon = place.embedded().start()
    daemon.apply(policy("one", ["posix:/bills"]))
    daemon.apply(policy("two", ["posix:/customers"]))
    for name in ("one", "two"):
        daemon.wait_sealed(1, name)
    for _ in range(2):
        write(place.source("bills/n"), os.urandom(100))
        write(place.source("customers/n"), os.urandom(100))
        numbers = {name: daemon.run(name) for name in ("one", "two")}
        for name, number in numbers.items():
            daemon.wait_sealed(number, name)
    place.assert_live_equal(3, ["/bills"])
    place.assert_live_equal(3, ["/customers"])


# ---- when ----


def wait_sealed_count(daemon, count, after=0):
    """So many epochs behind that one are sealed; a busy machine may miss a moment in between."""
    wait_for(lambda: sum(number > after and epoch["state"] in ("sealed", "retired")
                         for number, epoch in daemon.epochs().items()) >= count,
             f"{count} sealed epochs after {after}")


def test_pause_resume_run_and_the_timer(place):
    daemon = place.embedded().start()
    daemon.apply(policy(period="PT2S", lead_time="PT1.8S", grace="PT1.9S"))
    wait_sealed_count(daemon, 2)
    daemon.post("/v1/policies/svc/pause")
    daemon.wait_idle()
    assert daemon.policy()["state"] == "paused"
    known = max(daemon.epochs())
    daemon.next_epoch()
    assert max(daemon.epochs()) == known + 1
    daemon.post("/v1/policies/svc/resume")
    wait_sealed_count(daemon, 1, after=known + 1)
    moments = [epoch["t_us"] for _, epoch in sorted(daemon.epochs().items())]
    assert moments == sorted(set(moments))


def test_an_overrun_is_passed_over_and_counted(place):
    write(place.source("bills/big"), os.urandom(600000))
    daemon = place.embedded().start()
    daemon.apply(policy(period="PT2S", lead_time="PT1.8S", grace="PT1.9S",
                        limits={"bytes_per_second": "200kB/s"}))
    wait_sealed_count(daemon, 1)
    wait_for(lambda: daemon.policy()["passed"].get("overrun", 0) > 0, "an overrun")
    wait_sealed_count(daemon, 2)


def test_hooks_run_around_the_moment(place):
    told = place.source("..", "told")
    def hook(word):
        return {"command": ["/bin/sh", "-c", f"echo {word} >>{told}"], "timeout": "PT0.3S"}
    daemon = place.embedded(listen={"hooks": True}).start()
    daemon.apply(policy(hooks={"before": hook("before"), "after": hook("after")}))
    daemon.wait_sealed(1)
    with open(told, encoding="utf-8") as file:
        assert file.read().split() == ["before", "after"]


def test_a_failing_hook_is_no_epoch_but_after_runs(place):
    told = place.source("..", "told")
    daemon = place.embedded(listen={"hooks": True}).start()
    daemon.apply(policy(retries=0, hooks={
        "before": {"command": ["/bin/sh", "-c", "echo no >&2; exit 3"], "timeout": "PT0.3S"},
        "after": {"command": ["/bin/sh", "-c", f"echo after >>{told}"], "timeout": "PT0.3S"}}))
    epoch = daemon.wait_epoch(1, harness.ENDED)
    assert epoch["state"] == "abandoned"
    assert "hook" in str(epoch["cause"])
    wait_for(lambda: os.path.exists(told), "the hook after")
    assert not place.seals()


def test_the_limit_of_bytes_holds(place):
    size, rate = 1_500_000, 500_000
    write(place.source("bills/big"), os.urandom(size))
    daemon = place.embedded().start()
    daemon.apply(policy(limits={"bytes_per_second": rate}))
    slow = daemon.wait_sealed(1)["seconds"]
    assert slow > 0.6 * size / rate, f"{size} bytes in {slow} s"
    place.assert_live_equal(1)


# ---- what is kept ----


def test_journals_of_a_live_daemon_can_be_read(place):
    daemon = sealed_once(place)
    for owner in ("control", "agent-a", "agent-b"):
        directory = os.path.join(daemon.state, owner, "journal")
        done = subprocess.run([JOURNAL, directory, "verify"], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
    done = subprocess.run([JOURNAL, os.path.join(daemon.state, "control", "journal"), "epochs"],
                          text=True, check=True, stdout=subprocess.PIPE)
    assert "sealed" in done.stdout
    daemon.next_epoch()


def test_a_verify_reads_the_seal_again(place):
    daemon = sealed_once(place)
    assert daemon.operation("/v1/services/svc/epochs/1/verify")["equal"]
    path = os.path.join(place.snapshot("b", "/bills", 1), "0")
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.write(b"B")
    result = daemon.operation("/v1/services/svc/epochs/1/verify")
    assert not result["equal"]
    assert [finding["member"] for finding in result["findings"]] == ["/bills"]
