"""A control device that is restored from an older copy of its journal: the alarm says what to type,
and who types just that has the service back, with its newest seal as the base."""
import os
import shlex
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402
from harness import policy, write  # noqa: E402

COEVAL = os.environ["COEVAL"]


@pytest.fixture
def place():
    with harness.site(parent=harness.memory()) as made:
        for top in ("bills", "customers"):
            write(made.source(top, "1"), top)
        yield made


def restored(daemon, place):
    """The device knows epoch 1; 2 and 3 were sealed since."""
    journal, copy = os.path.join(daemon.state, "control"), os.path.join(place.directory, "copy")
    daemon.start()
    daemon.apply(policy())
    daemon.wait_sealed(1)
    daemon.stop()
    shutil.copytree(journal, copy)
    daemon.start()
    for number in (2, 3):
        write(place.source("bills", str(number)), str(number))
        daemon.next_epoch()
    daemon.stop()
    shutil.rmtree(journal)
    shutil.copytree(copy, journal)
    daemon.start()


def type_in(daemon, command):
    words = [word if word != "TEXT" else "restored from an old copy" for word in
             shlex.split(command)]
    environment = {**os.environ, "COEVAL_DEVICE": f"http://127.0.0.1:{daemon.port}",
                   "LC_ALL": "C.UTF-8"}
    if words[0] == "coeval":
        words[0] = COEVAL
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.parametrize("agents", ("embedded", "remote"))
def test_the_alarm_says_what_to_type(place, agents):
    daemon = place.embedded() if agents == "embedded" else place.three()[0]
    restored(daemon, place)
    daemon.run()
    alarm = daemon.wait_event("device.behind")
    assert alarm["severity"] == "alarm"
    assert daemon.policy()["state"] in ("paused", "running")
    move, recover, resume = alarm["commands"]
    for command in (move, recover, resume):
        assert f"`{command}`" in alarm["text"], alarm
    daemon.wait_idle()
    daemon.stop()
    type_in(daemon, move)
    daemon.start()
    type_in(daemon, recover)
    daemon.wait_idle()  # the newest seal is settled once more
    assert daemon.policy()["state"] == "paused"
    type_in(daemon, resume)
    epoch = daemon.next_epoch()
    assert (epoch["number"], epoch["base"], epoch["mode"]) == (4, 3, "incremental"), epoch
    place.assert_live_equal(4)
