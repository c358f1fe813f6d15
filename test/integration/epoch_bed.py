"""What tests of whole epochs on real HDFS need: two clusters, coevald on top, and the proof that a
sealed target equals its source, read from both sides without the product's code."""
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTBED = os.path.join(HERE, "../testbed")
sys.path.insert(0, TESTBED)

import openapi_check  # noqa: E402
from webhdfs import WebHdfs, compare  # noqa: E402

DAEMON = os.environ.get("COEVALD", "coevald")
LIMIT_S = 90  # an epoch takes about a second on an idle machine, a restart with work to redo ten
CAPTURE = "dfs.namenode.snapshot.capture.openfiles="


class Clusters:
    """Two HDFS clusters a and b."""

    def __init__(self, directory, capture="true"):
        self.environment = dict(os.environ, COEVAL_TESTBED=str(directory))
        self.urls, self.clients, started = {}, {}, {}
        version = os.environ.get("COEVAL_HADOOP_VERSION", "3.4.3")
        subprocess.run(self._command("resolve", "--version", version), check=True,
                       env=self.environment, stdout=subprocess.DEVNULL)  # once, not by both
        for name in ("a", "b"):
            started[name] = subprocess.Popen(
                self._command("start", name, "--version", version, "--owner", str(os.getpid()),
                              "-D", CAPTURE + capture),
                env=self.environment, stdout=subprocess.PIPE, text=True)
        answers = {name: process.communicate()[0] for name, process in started.items()}
        if any(process.returncode != 0 for process in started.values()):
            self.close()
            raise AssertionError("a cluster did not start: %r" % answers)
        for name, answer in answers.items():
            self.urls[name] = json.loads(answer)["namenode"]
            self.clients[name] = WebHdfs(self.urls[name])
        self.a, self.b = self.clients["a"], self.clients["b"]

    @staticmethod
    def _command(*arguments):
        return [os.path.join(TESTBED, "hadoop-cluster"), *arguments]


    def close(self):
        for client in self.clients.values():
            client.close()
        stopping = [subprocess.Popen(self._command("stop", name), env=self.environment,
                                     stderr=subprocess.DEVNULL) for name in ("a", "b")]
        for process in stopping:
            process.wait()


class Refused(Exception):
    """The device's answer to a request that it does not grant."""


class Process:
    """One coevald with its configuration; may be killed and started again."""

    def __init__(self, directory, document):
        self.state = str(directory)
        os.makedirs(self.state, exist_ok=True)
        self.configuration = os.path.join(self.state, "coevald.json.yaml")
        self.document = dict(document, state=os.path.join(self.state, "state"))
        self.process, self.port = None, None

    def start(self, crash_at=None):
        # JSON is YAML: nothing here can be misread
        with open(self.configuration, "w") as file:
            json.dump(self.document, file, indent=1)
        path = os.path.join(self.document["state"], "port")
        if os.path.exists(path):
            os.unlink(path)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COEVAL_CRASH")}
        if crash_at is not None:
            environment["COEVAL_CRASH_AT"] = crash_at
        with open(os.path.join(self.state, "log"), "ab") as log:
            self.process = subprocess.Popen([DAEMON, "--config", self.configuration], stderr=log,
                                            stdout=log, stdin=subprocess.DEVNULL, env=environment)
        until(lambda: self._read_port(path), "coevald listens", self)
        return self

    def _read_port(self, path):
        assert self.process.poll() is None, "coevald ended\n" + self.log_tail()
        try:
            with open(path) as file:
                self.port = int(file.read() or 0)
        except FileNotFoundError:
            return False
        return self.port != 0

    def log_tail(self, lines=40):
        with open(os.path.join(self.state, "log"), errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    def stop(self):
        """SIGTERM: it ends cleanly, within the documented 5 s (more on a busy machine)."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            status = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process = None
        assert status == 0, "coevald ended with %d\n%s" % (status, self.log_tail())

    def wait_killed(self):
        """The crash point was reached: it ended as by kill -9."""
        try:
            status = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            raise AssertionError("the crash point was not reached\n" + self.log_tail()) from None
        assert status == -signal.SIGKILL, "ended with %d\n%s" % (status, self.log_tail())
        self.process = None

    def ask(self, verb, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(verb, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        openapi_check.check(verb, path, answer.status, json.loads(text))
        if answer.status >= 400:
            raise Refused("%s %s: %d %s" % (verb, path, answer.status, text.decode()))
        return json.loads(text) if text else None

    # --- epochs

    def epochs(self, service):
        return {e["number"]: e for e in self.ask("GET", "/v1/epochs?service=" + service)["epochs"]}

    def wait_sealed(self, service, number):
        """The epoch, whole. Fails at once when it can no longer be sealed."""
        def ended():
            epoch = self.epochs(service).get(number)
            if epoch is None:
                return None
            bad = epoch["state"] in ("abandoned", "stuck") or epoch.get("question")
            assert not bad, "%s\n%s" % (json.dumps(epoch, indent=1), self.log_tail())
            return epoch if epoch["state"] == "sealed" else None
        until(ended, "epoch %d of %s is sealed" % (number, service), self)
        return self.ask("GET", "/v1/services/%s/epochs/%d" % (service, number))

    def apply(self, policy):
        return self.ask("PUT", "/v1/policies/" + policy["name"], policy)

    def verify(self, service, number):
        """What the product itself finds when it reads a seal again: an operation's result."""
        return self.operation("/v1/services/%s/epochs/%d/verify" % (service, number), {})

    def operation(self, path, body):
        """The result of long work."""
        operation = self.ask("POST", path, body)
        limit = time.monotonic() + LIMIT_S
        while operation["phase"] == "running":
            assert time.monotonic() < limit, self.log_tail()
            operation = self.ask("GET", "/v1/operations/%s?wait=20" % operation["id"])
        assert operation["phase"] == "done", operation
        return operation["result"]

    def run(self, service):
        """Orders an epoch, as soon as the one before is settled (sealed is a little earlier)."""
        def accepted():
            try:
                return self.ask("POST", "/v1/policies/%s/run" % service, {"reason": "a test"})
            except Refused as refusal:
                if " 409 " in str(refusal) and "is running" in str(refusal):
                    return None
                raise
        return until(accepted, "an epoch of %s may begin" % service, self)


def until(condition, what, process, limit_s=LIMIT_S):
    """Asks again until it is so: the state of another process has no event for us."""
    pause, limit = threading.Event(), time.monotonic() + limit_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < limit, "not in %d s: %s\n%s" % (limit_s, what,
                                                                  process.log_tail())
        pause.wait(0.03)


def policy(name, data_sets, **more):
    document = {"apiVersion": "coeval/v1", "kind": "Policy", "name": name,
                "pair": {"name": "ab", "primary": "a", "secondary": "b"},
                "group": {"data_sets": ["hdfs:" + path for path in data_sets]},
                "t0": "now", "period": "none", "lead_time": "PT1S"}
    document.update(more)
    return document


def instances(clusters, name):
    return {"hdfs": {"kind": "hdfs", "namenodes": [clusters.urls[name]], "user": "coeval"}}


def apart(clusters, directory):
    """The same as three processes: the device and an agent at each cluster. Each by name."""
    ports, held = {}, []
    for name in ("a", "b"):  # below the ephemeral range: an agent that is down keeps its port
        held.append(socket.socket())
        while name not in ports:
            try:
                held[-1].bind(("127.0.0.1", random.randrange(12000, 32000)))
                ports[name] = held[-1].getsockname()[1]
            except OSError:
                pass
    for probe in held:
        probe.close()

    def document(role, here, port):
        return {"roles": [role], "listen": {"port": port}, "log": {"level": "debug"}, "clusters": {
            name: dict({"instances": instances(clusters, name)}, **(
                {} if name == here else {"agent": "http://127.0.0.1:%d" % ports[name]}))
            for name in ("a", "b")}}

    made = {name: Process(os.path.join(directory, name), document("agent", name, ports[name]))
            for name in ("a", "b")}
    made["device"] = Process(os.path.join(directory, "device"), document("control", None, 0))
    return made


def embedded(clusters, directory):
    """Control and both agents in one process."""
    return Process(directory, {
        "roles": ["control", "agent"], "listen": {"port": 0}, "log": {"level": "debug"},
        "clusters": {name: {"location": name, "instances": instances(clusters, name)}
                     for name in ("a", "b")}})


# --- the proof -----------------------------------------------------------------------------------

def directories(client, top):
    return [top + "/" + child["pathSuffix"] for child in client.list(top)
            if child["type"] == "DIRECTORY"]


def seal_of(clusters, service, number):
    """seal.json as it lies on the secondary: the commit point."""
    for pair in directories(clusters.b, "/coeval"):
        for directory in directories(clusters.b, pair):
            path = "%s/g1.e%d/seal.json" % (directory, number)
            if clusters.b.exists(path):
                seal = json.loads(clusters.b.read(path))
                if seal["service_name"] == service:
                    return seal
    raise AssertionError("no seal of epoch %d of %s" % (number, service))


def in_snapshot(root, name, path):
    assert path == root or path.startswith(root + "/")
    return root + "/.snapshot/" + name + path[len(root):]


def prove_equal(clusters, service, number, directory_times=False):
    """Every member's seal snapshot equals the source's snapshot at T."""
    seal = seal_of(clusters, service, number)
    assert seal["members"]
    for member in seal["members"]:
        source = in_snapshot(member["source_root"], member["source_snapshot"],
                             member["source_path"])
        target = in_snapshot(member["target_root"], member["snapshot"]["name"],
                             member["target_path"])
        lines = compare(clusters.a, source, clusters.b, target,
                        directory_times=directory_times)
        assert not lines, "%s of epoch %d:\n%s" % (source, number, "\n".join(lines[:40]))
        assert not clusters.b.exists(member["target_root"] + "/.coeval"), "staging stayed behind"
    return seal


# --- writers -------------------------------------------------------------------------------------

class Writer(threading.Thread):
    """Changes what lies below its tops until it is stopped: one seeded sequence of operations."""

    def __init__(self, url, tops, seed):
        super().__init__(daemon=True)
        self.client, self.random = WebHdfs(url), random.Random(seed)
        self.tops, self.files = tops, {top: [] for top in tops}
        self.over, self.done, self.failure, self.made = threading.Event(), 0, None, 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        self.client.close()
        assert self.failure is None, repr(self.failure)

    def run(self):
        try:
            while not self.over.wait(0.02):  # some way below what keeps two cores busy
                for top in self.tops:
                    self.step(top, self.files[top])
        except Exception as failure:  # told by the thread that waits for us
            self.failure = failure

    def step(self, top, files):
        kind = self.random.choice(("create", "create", "append", "rename", "remove", "chmod",
                                   "times", "folder"))
        self.done += 1
        if kind == "create" or not files:
            self.made += 1
            path = "%s/w%d/f%d" % (top, self.made % 3, self.made)
            self.client.write(path, self.random.randbytes(self.random.randrange(3000)))
            files.append(path)
        elif kind == "append":
            self.client.append(self.random.choice(files), b"more")
        elif kind == "rename":
            old = files.pop(self.random.randrange(len(files)))
            files.append("%s/r%d" % (top, self.done))
            self.client.rename(old, files[-1])
        elif kind == "remove" and len(files) > 4:
            self.client.remove(files.pop(self.random.randrange(len(files))))
        elif kind == "chmod":
            self.client.call("PUT", self.random.choice(files), "SETPERMISSION",
                             permission="%o" % self.random.randrange(0o400, 0o777))
        elif kind == "times":
            self.client.call("PUT", self.random.choice(files), "SETTIMES",
                             modificationtime=self.random.randrange(10 ** 12))
        else:
            self.client.mkdir("%s/d%d" % (top, self.done))

    def wait_for(self, count):
        """Until so many further operations are done."""
        goal = self.done + count
        limit = time.monotonic() + LIMIT_S
        while self.done < goal and self.failure is None:
            assert time.monotonic() < limit, "the writer is stuck"
            self.over.wait(0.01)
