"""run_coeval.py: the program coeval, run against a scripted device."""
import os
import pathlib
import subprocess

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
