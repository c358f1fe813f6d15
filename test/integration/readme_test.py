"""README.md, "Two clusters of your own": its files and commands as they stand there; only the
places and the port are others."""
import os
import re
import shlex
import subprocess

import pytest

from device import COEVAL, COEVALD, PATIENCE_S
from harness import wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def section(title):
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        text = file.read().split(f"\n### {title}\n")[1]
    return re.split(r"\n##+ ", text)[0]


def commands(text):
    """Indented by four; comments are not typed."""
    return [line[4:].split("  #")[0].strip() for line in text.splitlines()
            if re.match("    [a-z]", line)]


def yaml_files(text):
    return re.findall(r"```yaml\n(.*?)```", text, re.S)


@pytest.fixture
def newcomer(tmp_path):
    """Somebody who types; every place lies below a temporary directory."""
    reader = Newcomer(tmp_path)
    yield reader
    reader.stop()


class Newcomer:
    def __init__(self, top):
        self.top, self.process = top, None
        programs = top / "bin"
        programs.mkdir()
        for program in (COEVAL, COEVALD):
            os.symlink(program, programs / os.path.basename(program))
        self.environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}

    def place(self, text):
        return re.sub(r"(/etc/coeval|/srv/app|/mnt/backup|/var/lib/coeval)", rf"{self.top}\1", text)

    def write(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.place(text))

    def start(self, command):
        words = shlex.split(self.place(command).rstrip("& "))
        with open(self.top / "log", "wb") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self.top,
                                            env=self.environment)
        port = self.top / "var/lib/coeval/port"
        wait_for(lambda: self.process.poll() is not None or
                 port.exists() and port.read_text(), "the port")
        self.environment["COEVAL_DEVICE"] = f"http://127.0.0.1:{port.read_text().strip()}"

    def type(self, command):
        if command.endswith("&"):
            self.start(command)
            return ""
        done = subprocess.run(self.place(command), shell=True, cwd=self.top, check=False,
                              env=self.environment, capture_output=True, text=True,
                              timeout=PATIENCE_S)
        assert done.returncode == 0, (command, done.stdout + done.stderr)
        return done.stdout

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)


def test_directories_of_a_machine(newcomer):
    text = section("Directories of a machine")
    configuration, policy = yaml_files(text)
    before = text.split("```yaml", 1)[0]
    after = text.rsplit("```", 1)[1].split("**As a service**")[0]
    for command in commands(before):
        newcomer.type(command)
    newcomer.write(newcomer.top / "etc/coeval/coevald.yaml",
                   configuration + "listen: {port: 0}\n")
    newcomer.write(newcomer.top / "billing.yaml", policy)
    newcomer.write(newcomer.top / "srv/app/bills/1", "a bill")
    typed = commands(after)
    assert len(typed) == 8
    said = {command: newcomer.type(command) for command in typed}
    assert "error" not in said["coeval check"]
    assert "no barrier" not in said["coeval check"]  # the secondary needs none
    table = said["coeval policy run billing --wait -o table"].splitlines()
    assert table[1].split()[0] == "2" and " sealed " in table[1] and " quiesced " in table[1]
    assert len(said["coeval epoch list billing"].splitlines()) == 3
    shown, = re.findall(r"files:(/coeval/snapshots/\S+/tree)\n",
                        said["coeval epoch show billing"].split("files:/customers")[0])
    with open(f"{newcomer.top}/mnt/backup{shown}/1", encoding="utf-8") as file:
        assert file.read() == "a bill"
    assert "is as its manifest says" in said["coeval epoch verify billing 2"]


def test_the_commands_are_commands():
    """Those of the rest, which need HDFS or systemd: what coeval is told to do there it knows."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        typed = [line for line in commands(file.read()) if line.startswith("coeval ")]
    assert len(typed) >= 12
    for command in typed:
        words = shlex.split(command)
        ran = subprocess.run([COEVAL, *words[1:], "--help"], capture_output=True, text=True,
                             check=False, timeout=PATIENCE_S)
        assert ran.returncode == 0 and ran.stdout.startswith("Usage: coeval"), (command, ran.stderr)
