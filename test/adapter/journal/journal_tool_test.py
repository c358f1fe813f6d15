"""coeval-journal from outside: what it prints, how it ends, and that it does no harm."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import threading

import pytest

TOOL = os.environ["COEVAL_JOURNAL_TOOL"]
FEED = os.environ["COEVAL_JOURNAL_FEED"]
PATIENCE_S = 20
COMMANDS = ["dump", "tail", "verify", "epochs", "export"]

EPOCH_1 = (
    '{"service_name":"bills","generation":2,"number":7,"attempt":1,"state":"SEALED",'
    '"t_us":"1795266000000000","more":[1,2]}'
)
LINES = [
    "opened - {}",
    'policy bills {"period":"PT1H","note":"\\u0007 \u00e9"}',
    'epoch bills/7 {"state":"PLANNED"}',
    "epoch bills/7 " + EPOCH_1,
    'epoch bills/8 {"number":"eight","state":null}',
    "epoch gone/1 {}",
    "epoch gone/1 !",
    "event - not JSON at all",
    'service bills {"z":1,"a":2}',
    "epoch odd/1 [1]",
]


class Feed:
    """A live journal."""

    def __init__(self, directory, *keep):
        self.process = subprocess.Popen(
            [FEED, directory, *keep], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1
        )

    def append(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE_S) == 0
        self.process.stdout.close()

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self.process.stdin.close()
        self.process.stdout.close()


def run(*arguments):
    return subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=PATIENCE_S)


def run_well(*arguments):
    result = run(*arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def read_line(stream):
    assert select.select([stream], [], [], PATIENCE_S)[0], "nothing came"
    return stream.readline()


@pytest.fixture(scope="module")
def dead(tmp_path_factory):
    """A journal that nobody has open."""
    directory = str(tmp_path_factory.mktemp("dead"))
    feed = Feed(directory)
    for number, line in enumerate(LINES, 1):
        assert feed.append(line) == number
    feed.close()
    return directory


# Usage


def test_help_everywhere():
    general = run_well("--help")
    for command in COMMANDS:
        assert command in general
        own = run_well(command, "--help")
        assert command in own and own != general
        assert run_well("/nowhere", command, "-h") == own
    assert "Exit codes: 0" in general
    for option in ["--after", "--limit", "--type"]:
        assert option in run_well("dump", "--help")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dump"],
        ["DIR"],
        ["DIR", "eat"],
        ["DIR", "dump", "more"],
        ["DIR", "dump", "--nothing"],
        ["DIR", "dump", "--limit"],
        ["DIR", "dump", "--limit", "0"],
        ["DIR", "dump", "--limit", "-1"],
        ["DIR", "dump", "--limit", "7x"],
        ["DIR", "dump", "--after", ""],
        ["DIR", "dump", "--after", "99999999999999999999"],
        ["DIR", "dump", "--type", "epic"],
        ["DIR", "dump", "--follow"],
        ["DIR", "verify", "--limit", "1"],
        ["DIR", "dump", "-o", "xml"],
    ],
)
def test_usage(dead, arguments):
    result = run(*[dead if argument == "DIR" else argument for argument in arguments])
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("coeval-journal: ") and "--help" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_no_journal(tmp_path, command):
    for directory in [str(tmp_path), str(tmp_path / "missing")]:
        result = run(directory, command)
        assert result.returncode == 2
        assert result.stdout == "" and directory in result.stderr


# Records


def test_dump_text(dead):
    lines = run_well(dead, "dump").splitlines()
    assert len(lines) == len(LINES)
    fields = [line.split("  ", 5) for line in lines]
    assert [field[0] for field in fields] == [str(i) for i in range(1, 11)]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", field[1]) for field in fields)
    assert fields[3][2:] == ["epoch", "g5", "bills/7", EPOCH_1]
    assert fields[6][4:] == ["gone/1", "(removed)"]
    assert fields[7][4:] == ["-", "not JSON at all"]


def test_dump_json(dead):
    records = json_lines(run_well(dead, "dump", "-o", "json"))
    assert [record["sequence"] for record in records] == list(range(1, 11))
    epoch = records[3]
    assert epoch["type"] == "epoch" and epoch["key"] == "bills/7" and epoch["generation"] == 5
    assert epoch["payload"] == json.loads(EPOCH_1) and epoch["removed"] is False
    assert epoch["origin"] == "0b1e6a52-7a0e-4f8e-9f0c-2f1d35a7c001"
    assert int(epoch["realtime_us"]) > 0 and int(epoch["boottime_ns"]) > 0
    assert records[6]["removed"] is True and records[6]["payload"] is None
    assert records[7]["payload"] == "not JSON at all" and records[7]["key"] is None


def sequences(*arguments):
    return [record["sequence"] for record in json_lines(run_well(*arguments, "-o", "json"))]


def test_ranges(dead):
    assert sequences(dead, "dump", "--after", "8") == [9, 10]
    assert sequences(dead, "dump", "--limit", "2") == [1, 2]
    assert sequences(dead, "dump", "--type", "epoch") == [3, 4, 5, 6, 7, 10]
    assert sequences(dead, "dump", "--type", "epoch", "--after", "3", "--limit", "2") == [4, 5]
    assert sequences(dead, "dump", "--type", "type-17") == []
    assert sequences(dead, "dump", "--after", str(2**64 - 1)) == []
    assert sequences(dead, "tail") == list(range(1, 11))
    assert sequences(dead, "tail", "--limit", "3") == [8, 9, 10]
    assert sequences(dead, "tail", "--limit", "2", "--type", "epoch") == [7, 10]
    assert sequences(dead, "tail", "--type", "fence") == []


def test_nothing_can_command_a_terminal(tmp_path):
    feed = Feed(str(tmp_path))
    feed.append("event \x1b[2J\x9b {\"a\":\"\x1b]0;x\x07\"}")
    feed.close()
    for command in ["dump", "tail", "export", "epochs"]:
        output = run_well(str(tmp_path), command)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", output)
    assert "\\x1b[2J\\xc2\\x9b" in run_well(str(tmp_path), "dump")


# Objects


def test_verify(dead):
    assert run_well(dead, "verify") == "sound: 10 records, chain and objects intact\n"
    assert json.loads(run_well(dead, "verify", "-o", "json")) == {
        "records": 10, "sound": True, "trimmed": 0}


def test_epochs(dead):
    lines = run_well(dead, "epochs").splitlines()
    assert lines[0].split() == ["SERVICE", "GEN", "NUMBER", "TRY", "STATE", "T", "KEY"]
    assert [line.split() for line in lines[1:]] == [
        ["bills", "2", "7", "1", "SEALED", "2026-11-21T13:00:00Z", "bills/7"],
        ["-", "-", "eight", "-", "-", "-", "bills/8"],
        ["-", "-", "-", "-", "-", "-", "odd/1"],
    ]
    epochs = json.loads(run_well(dead, "epochs", "-o", "json"))["epochs"]
    assert [epoch["key"] for epoch in epochs] == ["bills/7", "bills/8", "odd/1"]
    assert epochs[0]["number"] == 7 and epochs[0]["t_us"] == "1795266000000000"
    assert epochs[1]["service_name"] is None


def test_export(dead):
    text = run_well(dead, "export")
    document = json.loads(text)
    assert list(document) == ["journal", "last_sequence", "objects"]
    assert document["last_sequence"] == 10 and len(document["journal"]) == 36
    assert list(document["objects"]) == ["epoch", "policy", "service"]
    assert list(document["objects"]["epoch"]) == ["bills/7", "bills/8", "odd/1"]
    assert list(document["objects"]["service"]["bills"]) == ["a", "z"]
    assert document["objects"]["policy"]["bills"]["note"] == "\u0007 \u00e9"
    assert run_well(dead, "export", "-o", "json") == text


def test_empty_journal(tmp_path):
    Feed(str(tmp_path)).close()
    directory = str(tmp_path)
    assert run_well(directory, "dump") == "" and run_well(directory, "tail") == ""
    assert run_well(directory, "verify").startswith("sound: 0 records")
    assert json.loads(run_well(directory, "epochs", "-o", "json")) == {"epochs": []}
    assert json.loads(run_well(directory, "export"))["objects"] == {}


# Nothing is harmed


def contents(directory):
    """Every file but LMDB's table of readers, with its bytes and who it belongs to."""
    found = {}
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        with open(path, "rb") as file:
            data = b"" if name == "lock.mdb" else file.read()
        status = os.stat(path)
        found[name] = (data, status.st_uid, status.st_mode, status.st_mtime_ns
                       if name != "lock.mdb" else 0)
    return found


@pytest.mark.parametrize("has_lock", [True, False])
def test_a_dead_journal_stays_as_it_is(dead, tmp_path, has_lock):
    directory = str(tmp_path / "copy")
    shutil.copytree(dead, directory)
    if not has_lock:  # made by root it would shut the daemon out
        os.unlink(os.path.join(directory, "lock.mdb"))
    before = contents(directory)
    for command in COMMANDS:
        for form in ("text", "json"):
            assert run_well(directory, command, "-o", form) == run_well(dead, command, "-o", form)
    assert contents(directory) == before


def test_a_damaged_journal_stays_as_it_is(broken):
    before = contents(broken)
    for command in COMMANDS:
        assert run(broken, command).returncode in (0, 3)
    assert contents(broken) == before


def test_each_command_and_form_while_it_is_written(tmp_path):
    feed = Feed(str(tmp_path), "20")  # and trimmed
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            feed.append(f"epoch bills/{number % 5} " + EPOCH_1)

    for line in LINES:
        feed.append(line)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(10):
            for command in COMMANDS:
                assert run_well(str(tmp_path), command)
                text = run_well(str(tmp_path), command, "-o", "json")
                assert json_lines(text) if command in ("dump", "tail", "verify") else json.loads(
                    text)
    finally:
        stop.set()
        writer.join(PATIENCE_S)
    feed.close()
    told = json.loads(run_well(str(tmp_path), "verify", "-o", "json"))
    assert told["sound"] is True and told["trimmed"] > 0 and told["records"] < 60
    text = run_well(str(tmp_path), "verify")
    assert f"records up to {told['trimmed']} were trimmed" in text
    first = json_lines(run_well(str(tmp_path), "dump", "--after", "3", "--limit", "1", "-o",
                                "json"))
    assert first[0]["sequence"] == told["trimmed"] + 1
    # What was told at the beginning and never again is still known.
    assert json.loads(run_well(str(tmp_path), "export"))["objects"]["service"]["bills"]["z"] == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_tool_that_is_killed_or_hangs_stops_nobody(tmp_path, how):
    feed = Feed(str(tmp_path))
    feed.append("event - 1")
    tail = subprocess.Popen([TOOL, str(tmp_path), "tail", "--follow"], stdout=subprocess.PIPE,
                            text=True)
    assert read_line(tail.stdout)
    tail.send_signal(how)
    for number in range(2, 200):
        assert feed.append("event - 1") == number
    tail.kill()
    tail.wait(PATIENCE_S)
    tail.stdout.close()
    feed.close()
    assert run_well(str(tmp_path), "verify").startswith("sound: 199 records")


# Live journals


def test_live_and_killed(tmp_path):
    feed = Feed(str(tmp_path))
    for line in LINES:
        feed.append(line)
    for command in COMMANDS:
        run_well(str(tmp_path), command)
    assert feed.append("event - {}") == 11
    feed.kill()
    assert run_well(str(tmp_path), "verify").startswith("sound: 11 records")
    feed = Feed(str(tmp_path))
    assert feed.append("event - {}") == 12
    feed.close()


def test_follow(tmp_path):
    feed = Feed(str(tmp_path))
    feed.append("event - 1")
    tail = subprocess.Popen(
        [TOOL, str(tmp_path), "tail", "--follow", "-o", "json"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert json.loads(read_line(tail.stdout))["sequence"] == 1
        for number in [2, 3, 4]:
            feed.append(f"event - {number}")
            assert json.loads(read_line(tail.stdout))["payload"] == number
        feed.close()  # the daemon goes and comes back
        feed = Feed(str(tmp_path))
        feed.append("event - 5")
        assert json.loads(read_line(tail.stdout))["payload"] == 5
        tail.stdout.close()  # nobody reads any more
        feed.append("event - 6")
        assert tail.wait(PATIENCE_S) == 0
    finally:
        tail.kill()
        tail.wait()
        feed.close()


def is_watching(pid):
    directory = f"/proc/{pid}/fdinfo"
    for fd in os.listdir(directory):
        try:
            with open(f"{directory}/{fd}") as file:
                if "inotify wd" in file.read():
                    return True
        except FileNotFoundError:
            pass  # closed since
    return False


def test_follow_of_a_replaced_journal(tmp_path):
    Feed(str(tmp_path)).close()
    tail = subprocess.Popen(
        [TOOL, str(tmp_path), "tail", "--follow"], stderr=subprocess.PIPE, text=True
    )
    while not is_watching(tail.pid):
        assert tail.poll() is None
    shutil.copy(tmp_path / "data.mdb", tmp_path / "copy")
    os.rename(tmp_path / "copy", tmp_path / "data.mdb")
    assert tail.wait(PATIENCE_S) == 2
    assert "replaced" in tail.stderr.read()
    tail.stderr.close()


@pytest.mark.parametrize("command", ["dump", "export", "epochs"])
def test_nobody_reads_the_output(tmp_path, command):
    feed = Feed(str(tmp_path))
    for number in range(60):
        feed.append(f'epoch key{number} {{"pad":"{"x" * 4000}"}}')
    feed.close()
    process = subprocess.Popen(
        [TOOL, str(tmp_path), command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(PATIENCE_S) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_output_that_cannot_be_written(dead):
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [TOOL, dead, "dump"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S
        )
    assert result.returncode == 2 and "write the output" in result.stderr


def test_interrupted_follow(dead):
    tail = subprocess.Popen([TOOL, dead, "tail", "--follow"], stdout=subprocess.PIPE, text=True)
    tail.send_signal(signal.SIGSTOP)
    tail.send_signal(signal.SIGINT)
    tail.send_signal(signal.SIGCONT)
    assert tail.wait(PATIENCE_S) == -signal.SIGINT
    tail.stdout.close()


# Damage


def damage(directory, needle):
    """Flips a bit in each copy of the needle: old ones lie in free pages."""
    path = os.path.join(directory, "data.mdb")
    with open(path, "rb") as file:
        data = bytearray(file.read())
    at = data.find(needle)
    assert at >= 0
    while at >= 0:
        data[at] ^= 1
        at = data.find(needle)
    with open(path, "wb") as file:
        file.write(data)


@pytest.fixture
def broken(dead, tmp_path):
    directory = str(tmp_path / "broken")
    shutil.copytree(dead, directory)
    damage(directory, b"not JSON at all")
    return directory


def test_corrupt_record(broken):
    result = run(broken, "verify")
    assert result.returncode == 3
    assert result.stdout.startswith("corrupt: sequence 8: record 8: checksum")
    result = run(broken, "verify", "-o", "json")
    assert result.returncode == 3
    answer = json.loads(result.stdout)
    assert answer["sequence"] == 8 and answer["sound"] is False and "checksum" in answer["reason"]


def test_dump_up_to_the_damage(broken):
    result = run(broken, "dump", "-o", "json")
    assert result.returncode == 3
    assert [record["sequence"] for record in json_lines(result.stdout)] == list(range(1, 8))
    assert "corrupt: record 8" in result.stderr
    assert run(broken, "dump", "--limit", "7").returncode == 0
    assert run_well(broken, "export")  # objects are sound


def test_corrupt_object(dead, tmp_path):
    directory = str(tmp_path / "broken")
    shutil.copytree(dead, directory)
    damage(directory, b"bills" + b"\x01\x00\x00\x00" + b"\x0d")  # key, then version of the object
    result = run(directory, "verify")
    assert result.returncode == 3
    result = run(directory, "export")
    assert result.returncode == 3


@pytest.mark.parametrize("size", [0, 100, 4096, 8192, 12288, 20480])
def test_cut_file(dead, tmp_path, size):
    directory = str(tmp_path / "cut")
    shutil.copytree(dead, directory)
    os.truncate(os.path.join(directory, "data.mdb"), size)
    for command in COMMANDS:
        result = run(directory, command)
        assert result.returncode == 3, (command, result.stdout, result.stderr)
    assert run(directory, "verify").stdout.startswith("corrupt: sequence 1: ")
    assert json.loads(run(directory, "verify", "-o", "json").stdout)["sequence"] == 1


def test_not_a_journal(tmp_path):
    (tmp_path / "data.mdb").write_bytes(b"\x7fELF" * 5000)
    result = run(str(tmp_path), "dump")
    assert result.returncode == 3 and "head page" in result.stderr
