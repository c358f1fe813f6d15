"""Where tests on directories begin: two data sets, /bills and /customers, that were sealed once;
and the ways of an epoch that more than one file goes."""
import contextlib
import os
import signal

import harness
import tree_walk
from harness import policy, write

TOPS = ("bills", "customers")


@contextlib.contextmanager
def two_sets(names, content="{top}{name}", times=1):
    """A site with these files in each of both."""
    with harness.site() as made:
        for top in TOPS:
            for name in names:
                write(made.source(top, name), content.format(top=top, name=name) * times)
        yield made


def sealed_once(place, **options):
    daemon = place.embedded().start()
    daemon.apply(policy(**options))
    daemon.wait_sealed(1)
    return daemon


def killed_at(daemon, point):
    """The next epoch has come there; the daemon is to be started again."""
    daemon.stop()
    daemon.start(COEVAL_CRASH_AT=point)
    with contextlib.suppress(OSError):  # the answer may be lost with it
        daemon.run()
    assert daemon.wait_end() == -signal.SIGKILL


def sealed_after(place, question, number=None):
    """An epoch, a new one or that which runs, asks this and nothing else; the epoch as it asked."""
    daemon = place.control
    number = number or daemon.run()
    epoch = daemon.wait_question(number, question)
    daemon.verb(number, "approve")
    daemon.wait_sealed(number)
    place.assert_live_equal(number)
    return epoch


def go_back(daemon, number=2):
    daemon.verb(number, "rollback")
    assert daemon.wait_epoch(number, harness.ENDED)["state"] == "abandoned", daemon.log()
    daemon.wait_idle()


def assert_is_base(place):
    """The target's live tree is what epoch 1 sealed."""
    for top in TOPS:
        tree_walk.assert_same(place.snapshot("b", "/" + top, 1), place.target(top))


def files_below(top):
    for directory, _, names in os.walk(top):
        for name in names:
            yield os.path.join(directory, name)


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


def saved(place, content):
    """Files of that content below the area's "saved"."""
    found = []
    for path in files_below(place.target("coeval/saved")):
        with open(path, "rb") as file:
            if file.read() == content.encode():
                found.append(path)
    return found
