"""The documents say what the tree has: crash points, who may use whom, keys of the configuration,
events, files that are named."""
import glob
import json
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENTS = ["README.md", "ARCHITECTURE.md", *sorted(
    os.path.relpath(path, ROOT) for path in glob.glob(os.path.join(ROOT, "doc/*.md")))]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sources(pattern="src/**/*.[ch]"):
    return {os.path.relpath(path, ROOT): read(os.path.relpath(path, ROOT))
            for path in sorted(glob.glob(os.path.join(ROOT, pattern), recursive=True))}


def x_macro(text, name):
    """The quoted texts of one table."""
    body = re.search(r"#define " + name + r"\(X\)(.*?[^\\])\n", text, re.S)[1]
    return re.findall(r'X\([^")]*"([^"]+)"', body)


def stages():
    """agent.<kind>.<phase> of every stage of every kind of task."""
    for text in sources("src/agent/*.c").values():
        arrays = dict(re.findall(r"struct task_stage (\w+)\[\] = \{(.*?)\};", text, re.S))
        for kind in re.findall(r"struct task_kind task_kind_\w+ = \{(.*?)\};", text, re.S):
            name = re.search(r'\.name = "([^"]+)"', kind)[1]
            array = arrays[re.search(r"\.stages = (\w+)", kind)[1]]
            for phase in re.findall(r'\.phase = "([^"]+)"', array):
                yield f"agent.{name}.{phase}"


def crash_points():
    points = set(stages())
    for path, text in sources().items():
        for call in re.findall(r"crash_point\(([^;]*)\);", text):
            points.update(re.findall(r'"([a-z][a-z0-9.-]+)"', call))
        if "crash_point(point" in text:  # a computed name: one of the forms listed here
            form = re.search(r'snprintf\(point[^"]*"([^"]+)"', text)[1]
            assert form in ("agent.%s.%s", "agent.commit.%s", "control.%s"), (path, form)
    marks = x_macro(read("src/plan/plan.h"), "PLAN_MARKS")
    points.update("agent.commit." + mark for mark in marks if mark != "back")  # ends no phase
    points.update("control." + state
                  for state in x_macro(read("src/epoch/epoch.h"), "EPOCH_STATES"))
    return points


def listed(path, pattern):
    """First column of the tables of a document."""
    return set(re.findall(r"^\| `(" + pattern + r")` \|", read(path), re.M))


def test_every_crash_point_is_listed():
    points = crash_points()
    assert len(points) > 50
    assert listed("doc/crash-points.md", r"[a-z0-9._-]+") == points


def test_the_may_use_table_is_the_one_that_is_enforced():
    table = json.loads(read("test/tidy/may-use.json"))["folders"]
    rows = re.findall(r"^\| `([a-z/-]+)` \| ([^|]*) \|", read("ARCHITECTURE.md"), re.M)
    told = {folder: re.findall(r"`([a-z/-]+)`", used) for folder, used in rows}
    assert told == table


def test_every_key_of_the_configuration_is_described():
    text, described = read("src/daemon/config.c"), read("doc/configuration.md")
    keys = {key for array in re.findall(r"\bkeys\[\] = \{(.*?)\};", text, re.S)
            for key in re.findall(r'"(\w+)"', array)}
    assert {"state", "clusters", "token_file", "instances"} <= keys
    assert [key for key in sorted(keys) if not re.search(r"^\| `(\w+\.)?" + key + "` ", described,
                                                         re.M)] == []


def test_every_event_is_explained():
    events = set()
    for path, text in sources("src/epoch/*.c").items():
        events.update(re.findall(r'"(epoch\.[a-z_-]+)"', text))
    for path, text in sources("src/control/*.c").items():
        events.update(re.findall(r'\btell\([^;]*?"(?:notice|warning|alarm)",\s*"([a-z._-]+)"',
                                 text.replace("event_tell(", "tell("), re.S))
    assert len(events) > 15
    assert sorted(events - listed("doc/operations.md", r"[a-z._-]+")) == []


def test_files_that_documents_name_are_there():
    lost = []
    for document in DOCUMENTS:
        for name in re.findall(r"`((?:src|doc|conf|tools|test|include)/[\w./-]+)`", read(document)):
            if not os.path.exists(os.path.join(ROOT, name.rstrip("/"))):
                lost.append(f"{document}: {name}")
    assert lost == []


def test_the_way_of_a_byte_can_be_followed():
    """Every source file and function that ARCHITECTURE.md names is there."""
    text, code = read("ARCHITECTURE.md"), sources()
    files = set(re.findall(r"`([a-z/_]+/[a-z_]+\.[ch])`", text))
    functions = set(re.findall(r"`([a-z_0-9]+)\(\)`", text))
    assert len(files) > 25 and len(functions) > 20
    assert sorted(name for name in files if f"src/{name.removeprefix('src/')}" not in code) == []
    everything = "\n".join(code.values())
    assert sorted(name for name in functions
                  if not re.search(r"\b" + name + r"\(", everything)) == []


def test_every_kind_of_instruction_is_described():
    phases = {}
    for stage in stages():
        _, kind, phase = stage.split(".")
        phases.setdefault(kind, []).append(phase)
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]* \| ([a-z, -]+) \|", read("doc/protocol.md"), re.M)
    assert {kind: told.split(", ") for kind, told in rows} == phases


# ---- examples are accepted by the programs ------------------------------------------------------

def examples():
    """(name, text) of every whole YAML example: those of conf/, and the blocks of documents."""
    for path in sorted(glob.glob(os.path.join(ROOT, "conf/**/*.yaml"), recursive=True)):
        yield os.path.relpath(path, ROOT), read(os.path.relpath(path, ROOT))
    for document in DOCUMENTS:
        for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", read(document),
                                                  re.M | re.S), 1):
            yield f"{document} {number}", block


def run(program, *arguments):
    path = os.environ.get(program)
    if path is None:
        pytest.skip(f"${program} does not name the program: run it by meson test")
    return subprocess.run([path, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=60)


def test_configurations_are_accepted(tmp_path):
    wanted = [(name, text) for name, text in examples()
              if re.match(r"(#.*\n|\s*\n)*state: /", text) and "…" not in text]
    assert len(wanted) >= 6
    for name, text in wanted:
        token = tmp_path / "token"
        token.write_text("0123456789abcdef\n")
        token.chmod(0o600)
        (tmp_path / "coevald.yaml").write_text(re.sub(r"/etc/coeval/[\w-]*token", str(token), text))
        done = run("COEVALD", "--config", str(tmp_path / "coevald.yaml"), "--check-config")
        assert (name, done.returncode, done.stdout) == (name, 0, "")


def test_policies_are_accepted(tmp_path):
    """coeval reads a policy before it looks for the device: 4 is 'unreachable', 1 'not sound'."""
    wanted = [(name, text) for name, text in examples()
              if re.search(r"^kind: Policy", text, re.M) and re.search("^name: ", text, re.M)]
    assert len(wanted) >= 6
    for name, text in wanted:
        (tmp_path / "policy.yaml").write_text(text)
        done = run("COEVAL", "policy", "apply", "-f", str(tmp_path / "policy.yaml"), "--device",
                   "http://127.0.0.1:1")
        assert (name, done.returncode) == (name, 4), done.stdout
