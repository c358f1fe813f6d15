"""What a look at names, lengths and times alone would miss: values. On directories."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402
from harness import policy, write  # noqa: E402

@pytest.fixture
def place():
    with harness.site() as made:
        for top in ("bills", "customers"):
            for i in range(3):
                write(made.source(top, str(i)), f"{top}{i}")
        yield made


def sealed_once(place, **options):
    daemon = place.embedded().start()
    daemon.apply(policy(**options))
    daemon.wait_sealed(1)
    return daemon


def rewrite(path, text):
    """Other bytes, the same length, the same mtime: as `cp -p` does from a file of that age."""
    before = os.stat(path)
    assert len(text) == before.st_size
    with open(path, "r+b") as file:
        file.write(text.encode())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


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
