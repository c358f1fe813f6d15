"""run_coeval.py: the program coeval, run against a scripted device."""
import os
import pathlib
import pty
import select
import subprocess
import termios
import time

import pytest

import scripted_device

COEVAL = os.environ["COEVAL"]
ROOT = pathlib.Path(__file__).resolve().parents[3]
PATIENCE_S = 30
EPOCH_1 = "/v1/services/bills/epochs/1"


@pytest.fixture
def script():
    script = scripted_device.Script()
    yield script
    script.close()
    assert script.problems == []


def environment(url="http://127.0.0.1:1", **more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COEVAL_")}
    return {**kept, "COEVAL_DEVICE": url, "LC_ALL": "C.UTF-8", "TERM": "xterm", **more}


def coeval(*arguments, url="http://127.0.0.1:1", env=None, **options):
    return subprocess.run([COEVAL, *map(str, arguments)], capture_output=True, text=True,
                          timeout=PATIENCE_S, env=environment(url, **(env or {})), **options)


def on_terminal(script, *arguments, columns=100):
    """Runs coeval on a terminal of its own; returns what it wrote there and the exit status."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    process = subprocess.Popen([COEVAL, *arguments], stdin=theirs, stdout=theirs, stderr=theirs,
                               env=environment(script.url), start_new_session=True)
    os.close(theirs)
    written, end = b"", time.monotonic() + PATIENCE_S
    while time.monotonic() < end and select.select([ours], [], [], PATIENCE_S)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        written += piece
    os.close(ours)
    return written.decode(), process.wait(PATIENCE_S)
