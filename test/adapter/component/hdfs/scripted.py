"""What the tests against scripted NameNodes share: their fixtures and usual answers."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../../../fake")]

from namenode import FakeNameNode, answer, file_status, refuse  # noqa: E402
from store_tool import StoreTool  # noqa: E402

import pytest  # noqa: E402

STANDBY = refuse("StandbyException", "Operation category READ is not supported in state standby. "
                 "Visit https://s.apache.org/sbnn-error")
SAFE_MODE = refuse("SafeModeException", "Cannot create directory /a. Name node is in safe mode.")
STARTING = refuse("RetriableException", "Namenode is in startup mode")
MISSING = refuse("FileNotFoundException", "File does not exist: /a", 404)
TRUE = answer({"boolean": True})
DIRECTORY = answer(file_status("DIRECTORY"))


@pytest.fixture
def fake():
    with FakeNameNode() as one:
        yield one


@pytest.fixture
def store(fake):
    with StoreTool([fake.url]) as tool:
        yield tool
