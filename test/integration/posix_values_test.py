"""What a look at names, lengths and times alone would miss: values. On directories."""
import os
import shutil
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402
from harness import policy, write  # noqa: E402
from posix_bed import (  # noqa: E402
    files_below, go_back, killed_at, read, sealed_after, sealed_once, two_sets)

SETS = ["posix:/bills", "posix:/customers"]


@pytest.fixture
def place():
    with two_sets("012") as made:
        yield made


def rewrite(path, text):
    """Other bytes, the same length, the same mtime: as `cp -p` does from a file of that age."""
    before = os.stat(path)
    assert len(text) == before.st_size
    with open(path, "r+b") as file:
        file.write(text.encode())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def ends(daemon, number):
    """Sealed, or why not."""
    epoch = daemon.wait_epoch(number, lambda epoch: epoch["state"] in harness.ENDED + ("stuck",) or
                              epoch.get("question"))
    assert epoch["state"] == "sealed", f"{epoch}\n{daemon.log()}"
    daemon.wait_idle()


# ---- content ----


def test_other_bytes_of_the_same_length_and_time_arrive(place):
    daemon = sealed_once(place)
    rewrite(place.source("bills/1"), "BILLS1")
    daemon.next_epoch()
    assert read(place.snapshot("b", "/bills", 2), "1") == "BILLS1"
    place.assert_live_equal(2)


def test_such_bytes_on_the_target_are_asked_about(place):
    sealed_once(place)
    rewrite(place.target("bills/1"), "FOREIG")
    write(place.source("bills/new"), "new")
    sealed_after(place, "touched")


def test_such_bytes_that_come_before_the_commit_are_not_sealed(place):
    daemon = sealed_once(place)
    write(place.source("bills/new"), "new")
    killed_at(daemon, "agent.commit.begun")
    rewrite(place.target("bills/1"), "FOREIG")
    daemon.start()
    epoch = daemon.wait_epoch(2, harness.ENDED + ("stuck",))
    assert epoch["state"] == "stuck" and "1" in str(epoch["cause"]), epoch
    rewrite(place.target("bills/1"), "bills1")
    daemon.verb(2, "resume")
    daemon.wait_sealed(2)
    place.assert_live_equal(2)


def test_such_bytes_are_not_taken_for_the_base_when_it_goes_back(place):
    daemon = sealed_once(place)
    write(place.source("bills/new"), "new")
    killed_at(daemon, "agent.commit.begun")
    rewrite(place.target("bills/1"), "FOREIG")
    daemon.start()
    first = daemon.wait_epoch(2, ("stuck",))["cause"]
    daemon.verb(2, "rollback")
    daemon.wait_epoch(2, lambda epoch: epoch["state"] == "stuck" and epoch["cause"] != first)
    rewrite(place.target("bills/1"), "bills1")
    go_back(daemon)


# ---- times of directories ----


def disturb(directory):
    """As somebody's temporary file does: only the directory's time is another."""
    write(os.path.join(directory, "temporary"), "x")
    os.unlink(os.path.join(directory, "temporary"))


def test_a_directory_of_the_target_with_another_time_is_asked_about(place):
    write(place.source("bills/sub/1"), "1")
    daemon = sealed_once(place)
    disturb(place.target("bills/sub"))
    write(place.source("bills/2"), "changed")
    number = daemon.run()
    epoch = daemon.wait_question(number, "touched")
    assert "sub" in str(epoch["cause"])
    daemon.verb(number, "approve")
    daemon.wait_sealed(number)
    place.assert_live_equal(number)


def test_the_top_of_the_target_may_have_any_time(place):
    daemon = sealed_once(place)
    disturb(place.target("bills"))
    write(place.source("bills/2"), "changed")
    daemon.next_epoch()
    place.assert_live_equal(2)


def test_a_directory_disturbed_in_the_commit_does_not_stop_the_way_back(place):
    write(place.source("bills/sub/1"), "1")
    daemon = sealed_once(place)
    write(place.source("bills/2"), "changed")
    killed_at(daemon, "agent.commit.begun")
    disturb(place.target("bills/sub"))
    daemon.start()
    daemon.wait_epoch(2, ("stuck",))
    go_back(daemon)
    place.assert_live_equal(daemon.next_epoch()["number"])


def test_a_directory_may_be_as_old_as_time(place):
    write(place.source("bills/was/1"), "1")
    os.utime(place.source("bills/was"), (0, 0))
    write(place.source("bills/d/1"), "1")
    daemon = sealed_once(place)
    write(place.source("bills/d/2"), "2")
    os.utime(place.source("bills/d"), (0, 0))
    write(place.source("bills/was/2"), "2")
    daemon.next_epoch()
    place.assert_live_equal(2)


def test_it_goes_back_to_a_directory_as_old_as_time(place):
    write(place.source("bills/was/1"), "1")
    os.utime(place.source("bills/was"), (0, 0))
    daemon = sealed_once(place)
    write(place.source("bills/was/2"), "2")
    killed_at(daemon, "agent.commit.compared")
    write(place.target("bills/foreign"), "f")
    daemon.start()
    daemon.wait_epoch(2, ("stuck",))
    os.unlink(place.target("bills/foreign"))
    go_back(daemon)
    assert os.stat(place.target("bills/was")).st_mtime_ns == 0


# ---- exclusions ----


def test_what_is_excluded_later_goes_from_the_target(place):
    write(place.source("bills/deep/x.tmp"), "t")
    daemon = sealed_once(place)
    daemon.apply(policy(group={"data_sets": SETS, "exclude": ["*.tmp"]}))
    ends(daemon, daemon.run())
    assert not os.path.exists(place.target("bills/deep/x.tmp"))
    write(place.source("bills/deep/x.tmp"), "changed")
    ends(daemon, daemon.run())
    assert os.listdir(place.target("bills/deep")) == []


def test_an_excluded_name_on_an_adopted_target_goes_and_is_saved(place):
    write(place.target("bills/_temporary/0/x"), "left over")
    sealed_once(place, adopt="compare")
    place.assert_live_equal(1)
    kept = [path for path in files_below(place.target("coeval/saved"))
            if os.path.basename(path) != "list"]
    assert [read(path) for path in kept] == ["left over"]


# ---- attributes and names ----


@pytest.mark.skipif(os.geteuid() != 0, reason="trusted.* is root's")
def test_a_symbolic_link_keeps_its_attributes(place):
    daemon = sealed_once(place)
    link = place.source("bills/link")
    os.symlink("nowhere", link)
    os.setxattr(link, "trusted.x", b"1", follow_symlinks=False)
    ends(daemon, daemon.run())
    arrived = os.path.join(place.snapshot("b", "/bills", 2), "link")
    assert os.getxattr(arrived, "trusted.x", follow_symlinks=False) == b"1"
    os.setxattr(link, "trusted.x", b"2", follow_symlinks=False)
    ends(daemon, daemon.run())
    arrived = os.path.join(place.snapshot("b", "/bills", 3), "link")
    assert os.getxattr(arrived, "trusted.x", follow_symlinks=False) == b"2"


class Scribbler(harness.Busy):
    """Writes one file over and over, as large as takes longer to copy than one write."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        write(path, b"0" * (32 << 20))

    def work(self):
        descriptor = os.open(self.path, os.O_WRONLY)
        count = 0
        while not self.ended.is_set():
            count += 1
            os.pwrite(descriptor, b"%16d" % count, count % 1000 * 16)
        os.close(descriptor)


def test_a_file_that_changes_while_it_is_copied_may_have_any_name():
    name = b"50%\xff\xfe\n%41"
    with harness.site(barrier=False) as place:
        write(place.source("bills/1"), "one")
        path = os.path.join(os.fsencode(place.source("bills")), b"d\xe9", name)
        daemon = sealed_once(place, data_sets=["posix:/bills"], consistency="fuzzy")
        suspects = []
        with Scribbler(path):
            while not suspects:
                number = daemon.run()
                ends(daemon, number)
                members = daemon.epoch(number)["moment"]["members"]
                suspects = [path for member in members for path in member["suspects"]]
        assert suspects == ["/d%E9/50%25%FF%FE%0A%2541"]
        ends(daemon, daemon.run())
        last = daemon.run()
        ends(daemon, last)
        assert daemon.epoch(last)["moment"]["members"][0]["suspects"] == []
        place.assert_live_equal(last, ["/bills"])


# ---- a name that staging has, too ----


def test_staging_is_one_place_and_its_name_is_free_elsewhere(place):
    write(place.source("bills/deep/.coeval/mine"), "mine")
    daemon = sealed_once(place)
    assert read(place.snapshot("b", "/bills", 1), "deep/.coeval/mine") == "mine"
    write(place.source("bills/deep/.coeval/mine"), "mine, changed")
    write(place.source("customers/other/.coeval"), "a file")
    ends(daemon, daemon.run())
    assert read(place.target("bills/deep/.coeval/mine")) == "mine, changed"
    assert read(place.target("customers/other/.coeval")) == "a file"
    shutil.rmtree(place.source("bills/deep/.coeval"))
    ends(daemon, daemon.run())
    assert os.listdir(place.target("bills/deep")) == []


def test_a_member_below_its_root_may_not_have_the_name_of_staging(place):
    """Another service made the directory above both a root."""
    write(place.source("data/x/.coeval/mine"), "mine")
    write(place.source("data/y/1"), "1")
    daemon = sealed_once(place, data_sets=["posix:/data"])
    daemon.apply(policy(name="part", data_sets=["posix:/data/x"],
                        target_map=[{"instance": "posix", "from": "/data", "to": "/other"}]))
    number = 1
    epoch = daemon.wait_epoch(number, harness.ENDED + ("stuck",), "part")
    assert epoch["state"] == "abandoned" and "/data/x/.coeval" in str(epoch["cause"]), epoch
    daemon.wait_idle("part")
    daemon.apply(policy(name="part", group={"data_sets": ["posix:/data/x"],
                                            "exclude": ["/data/x/.coeval"]},
                        target_map=[{"instance": "posix", "from": "/data", "to": "/other"}]))
    daemon.next_epoch("part")
