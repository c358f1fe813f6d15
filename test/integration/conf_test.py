"""conf/: the entrypoint of a container and the unit of systemd, started as they are written."""
import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import harness  # noqa: E402
from harness import COEVALD, policy, wait_for, write  # noqa: E402

CONF = os.path.join(os.path.dirname(os.path.dirname(HERE)), "conf")
ENTRYPOINT = os.path.join(CONF, "entrypoint")
UNIT = os.path.join(CONF, "coevald.service")


@pytest.fixture
def place():
    with harness.site() as made:
        write(made.source("bills/0"), "bill")
        yield made


# ---- the entrypoint ----


class Container:
    """What an image has: coevald on the PATH, the entrypoint, a volume with state and
    configuration. More programs: {name: text of a shell script}."""

    def __init__(self, place, programs=()):
        self.daemon = place.daemon("volume", {"roles": ["control", "agent"],
                                              "clusters": place.clusters()})
        self.bin = os.path.join(place.directory, "bin")
        os.makedirs(self.bin)
        os.symlink(COEVALD, os.path.join(self.bin, "coevald"))
        for name, text in dict(programs).items():
            path = write(os.path.join(self.bin, name), "#!/bin/sh\n" + text)
            os.chmod(path, 0o755)

    def environment(self, **more):
        path = self.bin + os.pathsep + "/usr/bin" + os.pathsep + "/bin"
        return {"PATH": path, "COEVAL_CONFIG": self.daemon.config_path, **more}

    def start(self, *command):
        """As harness starts it, but by the entrypoint."""
        with open(self.daemon.log_path, "ab") as log:
            self.daemon.process = subprocess.Popen(
                command or (ENTRYPOINT,), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment())
        wait_for(lambda: self.daemon.read_port() or self.daemon.has_ended(), "the port file")
        assert not self.daemon.has_ended(), self.daemon.log()
        self.daemon.port = self.daemon.read_port()
        return self.daemon

    def run(self, *arguments, **more):
        return subprocess.run([ENTRYPOINT, *arguments], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env=self.environment(**more), timeout=harness.PATIENCE)


def comm(pid):
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_entrypoint_becomes_the_daemon(place, number):
    container = Container(place)
    daemon = container.start()
    assert comm(daemon.process.pid) == "coevald"  # no shell in between: signals reach it
    daemon.apply(policy(data_sets=["posix:/bills"]))
    daemon.wait_sealed(1)
    daemon.process.send_signal(number)
    began = time.monotonic()
    assert daemon.wait_end(10) == 0, daemon.log()
    assert time.monotonic() - began < 5.5
    os.unlink(os.path.join(daemon.state, "port"))
    container.start()  # the volume is all that it needs
    write(place.source("bills/1"), "another")
    daemon.next_epoch()
    place.assert_live_equal(2, ["/bills"])


def test_the_status_of_the_entrypoint_is_the_daemons(place):
    container = Container(place)
    daemon = container.start()
    os.unlink(os.path.join(daemon.state, "port"))
    done = container.run()
    assert done.returncode == 1, done.stdout
    assert "is in use by process" in done.stdout
    daemon.process.kill()
    assert daemon.wait_end() == -signal.SIGKILL


def test_the_entrypoint_starts_nothing_with_a_bad_configuration(place):
    container = Container(place)
    bad = write(os.path.join(place.directory, "bad.yaml"), "state: /x\nstate: /y\n")
    done = container.run(COEVAL_CONFIG=bad)
    assert done.returncode == 2, done.stdout
    assert done.stdout.count("bad.yaml:2:1") == 1, done.stdout  # the check ends it
    assert not os.path.exists(container.daemon.state)
    missing = os.path.join(place.directory, "missing.yaml")
    done = container.run(COEVAL_CONFIG=missing)
    assert done.returncode == 2 and missing in done.stdout, done.stdout


def test_the_entrypoint_has_a_default_and_hands_arguments_on(place):
    recorder = Container(place, {"record": 'echo "$@"\n'})
    os.unlink(os.path.join(recorder.bin, "coevald"))
    os.symlink("record", os.path.join(recorder.bin, "coevald"))
    done = recorder.run("--version")
    assert done.stdout.splitlines() == [
        f"--config {recorder.daemon.config_path} --check-config",
        f"--config {recorder.daemon.config_path} --version"]
    environment = recorder.environment()
    del environment["COEVAL_CONFIG"]
    done = subprocess.run([ENTRYPOINT], env=environment, text=True, check=True, timeout=20,
                          stdout=subprocess.PIPE)
    assert done.stdout.splitlines()[-1] == "--config /etc/coeval/coevald.yaml"


def namespace():
    """A command that makes what follows process 1, as this user may."""
    for command in (["unshare", "--pid", "--fork", "--kill-child"],
                    ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]):
        if subprocess.run([*command, "true"], check=False, stderr=subprocess.DEVNULL,
                          timeout=20).returncode == 0:
            return command
    return pytest.skip("no process namespaces here (a container without the right to them)")


def test_process_1_is_tini(place):
    command = namespace()
    said = os.path.join(place.directory, "said")
    tini = f'echo "$$ $@" > {shlex.quote(said)}\nshift\nexec "$@"\n'
    container = Container(place, {"tini": tini})
    daemon = container.start(*command, ENTRYPOINT)
    with open(said, encoding="utf-8") as file:
        assert file.read() == f"1 -- coevald --config {daemon.config_path}\n"
    daemon.apply(policy(data_sets=["posix:/bills"]))
    daemon.wait_sealed(1)


def test_process_1_without_tini_ends_in_order(place):
    """Nothing has a default action in process 1: the daemon must handle the signals itself."""
    command = namespace()
    if shutil.which("tini", path="/usr/bin:/bin"):
        pytest.skip("tini is installed")
    container = Container(place)
    daemon = container.start(*command, ENTRYPOINT)
    children = f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children"
    with open(children, encoding="utf-8") as file:
        inner = int(file.read().split()[0])
    assert comm(inner) == "coevald"
    os.kill(inner, signal.SIGTERM)
    assert daemon.wait_end(10) == 0, daemon.log()


# ---- the unit ----


def settings():
    """Key -> values, in order."""
    found = {}
    with open(UNIT, encoding="utf-8") as file:
        for line in file:
            match = re.match(r"([A-Za-z]+)=(.*)\n", line)
            if match:
                found.setdefault(match[1], []).append(match[2])
    return found


def one(key):
    value, = settings()[key]
    return value


def test_systemd_accepts_the_unit(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze: tools/packages tests installs it")
    with open(UNIT, encoding="utf-8") as file:
        text = file.read().replace("/usr/bin/coevald", COEVALD)
    (tmp_path / "coevald.service").write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no",
                           str(tmp_path / "coevald.service")], text=True, check=False, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    ours = [line for line in done.stdout.splitlines() if "coevald.service" in line]
    assert done.returncode == 0 and not ours, done.stdout


def test_the_unit_starts_the_daemon_of_the_example(tmp_path):
    """ExecStartPre and ExecStart as written, with conf/coevald.yaml; only the places differ."""
    with open(os.path.join(CONF, "coevald.yaml"), encoding="utf-8") as file:
        text = file.read()
    state = tmp_path / one("StateDirectory")  # systemd makes it, below /var/lib
    assert f"\nstate: /var/lib/{one('StateDirectory')}\n" in text
    state.mkdir(mode=int(one("StateDirectoryMode"), 8))
    text = text.replace(f"state: /var/lib/{one('StateDirectory')}", f"state: {state}")
    text = text.replace("port: 7077", "port: 0")
    (tmp_path / "coevald.yaml").write_text(text)

    def command(key):
        words = shlex.split(one(key))
        assert words[:3] == ["/usr/bin/coevald", "--config", "/etc/coeval/coevald.yaml"]
        return [COEVALD, "--config", str(tmp_path / "coevald.yaml"), *words[3:]]

    subprocess.run(command("ExecStartPre"), check=True, timeout=20)
    assert not list(state.iterdir())  # the check leaves nothing
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(command("ExecStart"), stdout=log, stderr=log)
    try:
        wait_for(lambda: (state / "port").exists() or process.poll() is not None, "the port file")
        process.terminate()  # KillSignal's default
        limit = float(one("TimeoutStopSec"))
        assert limit > 5
        assert process.wait(limit) == 0, (tmp_path / "log").read_text()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()


def test_the_unit_takes_nothing_away_that_is_needed():
    """The reasons stand in the unit."""
    for key in ("ProtectSystem", "ProtectHome", "RestrictSUIDSGID", "ProtectClock",
                "CapabilityBoundingSet", "MemoryDenyWriteExecute", "RestrictNamespaces"):
        assert key not in settings()
        with open(UNIT, encoding="utf-8") as file:
            assert key in file.read(), "without its reason"
    assert one("Type") == "exec"  # notify needs sd_notify in the daemon


def test_a_bad_configuration_is_not_started_again(tmp_path):
    """Restart=on-failure would try for ever what only the operator can mend."""
    assert one("Restart") == "on-failure"
    (tmp_path / "bad.yaml").write_text("state: [\n")
    done = subprocess.run([COEVALD, "--config", str(tmp_path / "bad.yaml")], check=False,
                          stderr=subprocess.DEVNULL, timeout=20)
    assert str(done.returncode) in one("RestartPreventExitStatus").split()


# ---- what is installed ----

INSTALLED = """
bin/coeval
bin/coeval-journal
bin/coevald
bin/verify-manifest
lib/systemd/system/coevald.service
share/doc/coeval/ARCHITECTURE.md
share/doc/coeval/ChangeLog
share/doc/coeval/LICENSE
share/doc/coeval/README.md
share/doc/coeval/STYLE.md
share/doc/coeval/examples/coevald-agent.yaml
share/doc/coeval/examples/coevald-posix.yaml
share/doc/coeval/examples/coevald.yaml
share/doc/coeval/examples/entrypoint
share/doc/coeval/examples/policy-nightly.yaml
share/doc/coeval/examples/policy-posix.yaml
share/doc/coeval/examples/policy-simple.yaml
""".split()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The tree below DESTDIR, and the prefix in it."""
    top = tmp_path_factory.mktemp("destdir")
    subprocess.run(["meson", "install", "-C", os.environ["BUILD_ROOT"], "--no-rebuild", "--quiet",
                    "--destdir", str(top)], check=True, timeout=60)
    found, = top.rglob("bin/coevald")
    return top, found.parents[1]


def test_what_is_installed(installed):
    """Nothing in /etc: that is the operator's. No header, no library: there is none for others."""
    top, prefix = installed
    paths = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir()}
    documents = {f"share/doc/coeval/doc/{name}" for name in os.listdir(os.path.join(CONF, "../doc"))
                 if name != "meson.build"}
    assert paths == {*INSTALLED, *documents}
    assert {path for path in top.rglob("*") if not path.is_dir()} == {prefix / p for p in paths}
    examples = {name for name in os.listdir(os.path.join(CONF, "examples"))}
    assert examples <= {os.path.basename(path) for path in paths}


def test_what_is_installed_works(installed):
    top, prefix = installed
    for name in ("coevald", "coeval", "verify-manifest", "coeval-journal"):
        done = subprocess.run([prefix / "bin" / name, "--help"], capture_output=True, text=True,
                              check=False, timeout=20)
        assert done.returncode == 0 and name in done.stdout, (name, done)
    examples = prefix / "share/doc/coeval/examples"
    assert os.access(examples / "entrypoint", os.X_OK)
    unit = (prefix / "lib/systemd/system/coevald.service").read_text()
    for line in re.findall(r"^ExecStart(?:Pre)?=(\S+)", unit, re.M):
        assert line == f"/{prefix.relative_to(top)}/bin/coevald"
    place, = re.findall(r"^Documentation=file://(\S+)", unit, re.M)
    assert (top / place.lstrip("/")).is_file()


def test_the_examples_are_good(tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef-token\n")
    token.chmod(0o600)
    for name in ("coevald.yaml", "examples/coevald-agent.yaml", "examples/coevald-posix.yaml"):
        with open(os.path.join(CONF, name), encoding="utf-8") as file:
            text = file.read().replace("/etc/coeval/token", str(token))
        (tmp_path / "x.yaml").write_text(text)
        done = subprocess.run([COEVALD, "--config", str(tmp_path / "x.yaml"), "--check-config"],
                              capture_output=True, text=True, check=False, timeout=20)
        assert (done.returncode, done.stderr) == (0, ""), name


def words(text):
    return " ".join(text.split())


def test_exit_codes_of_the_programs_beside_coeval(tmp_path):
    """doc/exit-codes.md has the words of each program's help, and what is wrong ends so."""
    programs = {"coevald": COEVALD, "coeval-journal": os.environ["COEVAL_JOURNAL"],
                "verify-manifest": os.path.join(os.path.dirname(CONF), "tools/verify-manifest")}
    with open(os.path.join(os.path.dirname(CONF), "doc/exit-codes.md"), encoding="utf-8") as file:
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in file
                if line.startswith("| `")]
    assert {row[0].strip("`") for row in rows} == set(programs)
    for name, *meanings in rows:
        text = subprocess.run([programs[name.strip("`")], "--help"], capture_output=True,
                              text=True, check=True, timeout=20).stdout
        for status, meaning in enumerate(meanings):
            assert meaning == "" or f"{status} {meaning}" in words(text), (name, status)
    for arguments, status in ((["coevald"], 2), (["coevald", "--frobnicate"], 2),
                              (["coevald", "--config", tmp_path / "none.yaml"], 2),
                              (["coeval-journal"], 1), (["coeval-journal", tmp_path, "dump"], 2),
                              (["verify-manifest"], 2), (["verify-manifest", tmp_path], 2)):
        done = subprocess.run([programs[arguments[0]], *arguments[1:]], capture_output=True,
                              check=False, timeout=20)
        assert (done.returncode, done.stdout) == (status, b""), (arguments, done)
