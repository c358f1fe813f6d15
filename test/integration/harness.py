"""Daemons on directories, for tests from outside: temporary places, configurations, processes,
the REST interface. Nothing waits for a length of time: each wait is for a condition, with a
deadline."""
import contextlib
import fcntl
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

import openapi_check
import tree_walk

COEVALD = os.environ["COEVALD"]
ENVIRONMENT = dict(os.environ)  # now: pytest changes it between tests, beside our threads
PATIENCE = float(os.environ.get("COEVAL_TEST_PATIENCE", "60"))
POLL = 0.02
ENDED = ("sealed", "retired", "abandoned")


class Refused(Exception):
    """An answer that says no: .status and .error (the document's "error")."""

    def __init__(self, status, document):
        self.status = status
        self.error = document.get("error", document)
        super().__init__(f"{status}: {self.error}")

    @property
    def text(self):
        return json.dumps(self.error)


def wait_for(condition, what, seconds=PATIENCE):
    """The first true value of condition()."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(POLL)


def yaml_of(value):
    """JSON is YAML, but for the rules of this project's reader; flow style keeps it short."""
    return json.dumps(value, indent=1) + "\n"


class Port:
    """A port that peers may know: below those that connections get, so that nobody has it while the
    daemon is down, and held against other tests by a name that goes with this process."""

    def __init__(self):
        for number in (random.randrange(20000, 32000) for _ in range(12000)):
            self.holder = socket.socket(socket.AF_UNIX)
            with socket.socket() as probe:
                with contextlib.suppress(OSError):
                    self.holder.bind(f"\0coeval-test-port-{number}")
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", number))
                    self.number = number
                    return
            self.holder.close()
        raise AssertionError("no port is free")

    def close(self):
        self.holder.close()


class Daemon:
    """One coevald, over any number of starts."""

    def __init__(self, directory, name, config):
        self.directory = os.path.join(directory, name)
        os.makedirs(self.directory)
        self.state = os.path.join(self.directory, "state")
        self.config_path = os.path.join(self.directory, "coevald.yaml")
        self.log_path = os.path.join(self.directory, "log")
        self.process = None
        self.held = Port()
        self.port = self.held.number
        self.token = None
        self.configure(config)

    def configure(self, config):
        listen = dict({"port": self.port}, **config.get("listen", {}))
        whole = dict(config, state=self.state, listen=listen)
        whole.setdefault("log", {"level": "debug"})
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(yaml_of(whole))
        self.config = config

    def launch(self, **environment):
        """Without waiting for anything."""
        assert self.process is None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.state, "port"))
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([COEVALD, "--config", self.config_path],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=dict(ENVIRONMENT, **environment))
        return self

    def start(self, **environment):
        self.launch(**environment)
        wait_for(lambda: self.read_port() or self.has_ended(), "the port file")
        assert self.process.poll() is None, self.log()
        return self

    def read_port(self):
        try:
            with open(os.path.join(self.state, "port"), encoding="utf-8") as file:
                text = file.read()
            return int(text) if text.endswith("\n") else 0
        except FileNotFoundError:
            return 0

    def has_ended(self):
        return self.process.poll() is not None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()[-6000:]

    def wait_end(self, seconds=PATIENCE):
        """Its status; -9: killed."""
        status = self.process.wait(seconds)
        self.process = None
        return status

    def kill(self):
        self.process.kill()
        assert self.wait_end() == -signal.SIGKILL

    def stop(self, seconds=10):
        self.process.terminate()
        began = time.monotonic()
        status = self.wait_end(seconds)
        assert status == 0, f"status {status}: {self.log()}"
        return time.monotonic() - began

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.held.close()

    # ---- the interface ----

    def call(self, method, path, body=None, timeout=PATIENCE):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers,
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return self.read(method, path, answer.status, answer.read())
        except urllib.error.HTTPError as refusal:
            document = self.read(method, path, refusal.code, refusal.read())
            raise Refused(refusal.code, document or {}) from None

    @staticmethod
    def read(method, path, status, text):
        """What is said is as doc/openapi.yaml says; agents speak doc/protocol.md."""
        document = json.loads(text) if text else None
        if path.startswith("/v1/"):
            openapi_check.check(method, path, status, document)
        return document

    def call_text(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}",
                                    timeout=PATIENCE) as answer:
            return answer.read().decode()

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None):
        return self.call("POST", path, {} if body is None else body)

    def apply(self, policy, dry_run=False):
        return self.call("PUT", f"/v1/policies/{policy['name']}" +
                         ("?dry_run=true" if dry_run else ""), policy)

    def epochs(self, service="svc"):
        """By number."""
        answer = self.get(f"/v1/epochs?service={service}&limit=1000")
        return {epoch["number"]: epoch for epoch in answer["epochs"]}

    def epoch(self, number, service="svc"):
        return self.get(f"/v1/services/{service}/epochs/{number}")

    def verb(self, number, verb, service="svc"):
        return self.post(f"/v1/services/{service}/epochs/{number}/{verb}", {"reason": "test"})

    def run(self, service="svc"):
        return self.post(f"/v1/policies/{service}/run")["number"]

    def wait_epoch(self, number, accepts, service="svc", seconds=PATIENCE):
        """accepts: states, or a function of the epoch."""
        wanted = accepts if callable(accepts) else lambda epoch: epoch["state"] in accepts
        last = {}

        def look():
            epoch = self.epochs(service).get(number)
            last["epoch"] = epoch
            return epoch if epoch is not None and wanted(epoch) else None

        try:
            return wait_for(look, f"epoch {number} of {service}", seconds)
        except OSError as lost:
            raise AssertionError(f"{lost}: {self.process.poll()}\n{self.log()}") from None
        except AssertionError as late:
            raise AssertionError(f"{late}; it is {last.get('epoch')}\n{self.log()}") from None

    def wait_sealed(self, number, service="svc", seconds=PATIENCE):
        """Sealed, and the base of the next one."""
        epoch = self.wait_epoch(number, ENDED + ("stuck",), service, seconds)
        assert epoch["state"] in ("sealed", "retired"), f"{epoch}\n{self.log()}"
        self.wait_idle(service, seconds)
        return self.epochs(service)[number]

    def wait_question(self, number, question, service="svc"):
        return self.wait_epoch(number, lambda epoch: epoch.get("question") == question, service)

    def wait_idle(self, service="svc", seconds=PATIENCE):
        wait_for(lambda: self.policy(service)["state"] in ("idle", "paused"),
                 f"{service} to be idle", seconds)

    def policy(self, service="svc"):
        return self.get(f"/v1/policies/{service}")

    def next_epoch(self, service="svc"):
        """Runs one now; sealed."""
        self.wait_idle(service)
        return self.wait_sealed(self.run(service), service)

    def operation(self, path, body=None):
        """Result of long work."""
        begun = self.post(path, body)
        until = time.monotonic() + PATIENCE
        while True:
            now = self.get(f"/v1/operations/{begun['id']}?wait=20")
            if now["phase"] != "running":
                assert now["phase"] == "done", now
                return now["result"]
            assert time.monotonic() < until, now

    def events(self, after=0):
        return self.get(f"/v1/events?after={after}&limit=10000")["events"]

    def wait_event(self, name, after=0):
        return wait_for(lambda: [e for e in self.events(after) if e["name"] == name],
                        f"event {name}")[-1]


class Site:
    """Two clusters of directories, a and b, and the daemon (or daemons) that serve them."""

    def __init__(self, directory, barrier=True):
        self.directory = str(directory)
        self.bases = {side: os.path.join(self.directory, side) for side in "ab"}
        for base in self.bases.values():
            os.makedirs(base)
        self.barrier = barrier
        if barrier:
            with open(self.source(".barrier"), "w", encoding="utf-8"):
                pass
        self.daemons = []
        self.control = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for daemon in self.daemons:
            daemon.close()

    def source(self, *parts):
        return os.path.join(self.bases["a"], *[part.lstrip("/") for part in parts])

    def target(self, *parts):
        return os.path.join(self.bases["b"], *[part.lstrip("/") for part in parts])

    def clusters(self):
        a = {"kind": "posix", "base": self.bases["a"]}
        if self.barrier:
            a["barrier"] = "/.barrier"
        b = {"kind": "posix", "base": self.bases["b"]}
        return {"a": {"location": "Here", "instances": {"posix": a}},
                "b": {"location": "There", "instances": {"posix": b}}}

    def daemon(self, name, config):
        daemon = Daemon(self.directory, name, config)
        self.daemons.append(daemon)
        return daemon

    def embedded(self, **config):
        """One process: control and both agents."""
        self.control = self.daemon("one", dict({"roles": ["control", "agent"],
                                                "clusters": self.clusters()}, **config))
        return self.control

    def three(self, **config):
        """Three processes over HTTP with a token; control is not started. control, agent a, b."""
        token_file = os.path.join(self.directory, "token")
        with open(token_file, "w", encoding="utf-8") as file:
            file.write("a-token-of-more-than-sixteen-characters\n")
        os.chmod(token_file, 0o600)
        agents = []
        for side, other in (("a", "b"), ("b", "a")):
            clusters = self.clusters()
            clusters[other]["agent"] = "http://127.0.0.1:1"  # known for its store, never called
            agents.append(self.daemon("agent-" + side, {
                "roles": ["agent"], "listen": {"token_file": token_file}, "clusters": clusters,
                **config}))
            agents[-1].start()
        clusters = self.clusters()
        for side, agent in zip("ab", agents):
            clusters[side].update(agent=f"http://127.0.0.1:{agent.port}",
                                  agent_token_file=token_file)
        self.control = self.daemon("control", {"roles": ["control"], "clusters": clusters,
                                               **config})
        return self.control, agents[0], agents[1]

    # ---- snapshots, found without the product ----

    def snapshots(self, side, root):
        """name -> path of its tree, of one root; names grow with the number of the epoch."""
        top = os.path.join(self.bases[side], "coeval", "snapshots")
        found = {}
        for directory in os.listdir(top) if os.path.isdir(top) else ():
            below = os.path.join(top, directory)
            with open(os.path.join(below, "root"), encoding="utf-8") as file:
                if file.read().strip("\n\0") != root:
                    continue
            for name in os.listdir(below):
                if name.startswith("coeval."):
                    found[name] = os.path.join(below, name, "tree")
        return found

    def snapshot(self, side, root, number):
        """Path of the tree of an epoch's snapshot, that of the newest attempt."""
        wanted = re.compile(rf"\.e{number}\.a(\d+)\.")
        trees = [(int(match.group(1)), path) for name, path in self.snapshots(side, root).items()
                 if (match := wanted.search(name))]
        assert trees, f"no snapshot of epoch {number} of {root} on {side}"
        return max(trees)[1]

    def seals(self):
        """All seal.json files on B."""
        found = []
        for top, _, names in os.walk(self.target("coeval")):
            if "seal.json" in names and os.sep + "snapshots" + os.sep not in top:
                found.append(os.path.join(top, "seal.json"))
        return sorted(found)

    def assert_equal(self, number, roots=("/bills", "/customers"), target=None, **options):
        """The snapshot on A and the sealed one on B hold the same."""
        for root in roots:
            mapped = (target or {}).get(root, root)
            tree_walk.assert_same(self.snapshot("a", root, number),
                                  self.snapshot("b", mapped, number), **options)

    def assert_live_equal(self, number, roots=("/bills", "/customers"), **options):
        """The source, which stood still since, equals the seal; so does the target's live tree."""
        for root in roots:
            sealed = self.snapshot("b", root, number)
            tree_walk.assert_same(self.source(root), sealed, **options)
            tree_walk.assert_same(self.target(root), sealed, **options)


def policy(name="svc", data_sets=("posix:/bills", "posix:/customers"), **more):
    document = {"apiVersion": "coeval/v1", "kind": "Policy", "name": name,
                "pair": {"name": "ab", "primary": "a", "secondary": "b"},
                "group": {"data_sets": list(data_sets)}, "t0": "now", "period": "none",
                "lead_time": "PT0.4S", "consistency": "quiesced"}
    document.update(more)
    return document


def write(path, content=b"x"):
    data = content.encode() if isinstance(content, str) else content
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return path


def memory():
    """A file system in memory with room, for tests that care neither for disks nor for xattrs."""
    place = "/dev/shm"
    if not os.access(place, os.W_OK) or shutil.disk_usage(place).free < 1 << 30:
        return None
    return place


@contextlib.contextmanager
def site(barrier=True, parent=None):
    directory = tempfile.mkdtemp(prefix="coeval-test-", dir=parent)
    try:
        with Site(directory, barrier) as made:
            yield made
    finally:
        for top, names, files in os.walk(directory):
            for name in names + files:
                path = os.path.join(top, name)
                if not os.path.islink(path) and not os.access(path, os.W_OK):
                    with contextlib.suppress(OSError):
                        os.chmod(path, 0o700)
        shutil.rmtree(directory, ignore_errors=True)


class Busy:
    """Somebody's work in a thread, until the block ends: work() looks at self.ended."""

    def __init__(self):
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.ended.set()
        self.thread.join()


class Writer(Busy):
    """Changes both data sets together, under the barrier: half a change is never to be seen. With
    the count n, every file below holds n."""

    def __init__(self, place, files=6, honest=True):
        super().__init__()
        self.paths = [place.source(top, f"counter{i}") for top in ("bills", "customers")
                      for i in range(files)]
        self.lock_path = place.source(".barrier")
        self.honest = honest
        self.count = 0
        self.step()

    def step(self):
        self.count += 1
        for path in self.paths:
            temporary = path + ".new"
            write(temporary, str(self.count))
            os.rename(temporary, path)

    def work(self):
        with open(self.lock_path, "ab") as lock:
            while not self.ended.is_set():
                if self.honest:
                    fcntl.flock(lock, fcntl.LOCK_SH)
                self.step()
                fcntl.flock(lock, fcntl.LOCK_UN)
                self.ended.wait(0.001)  # the moment must get its turn

    @staticmethod
    def counts(*trees):
        """What the files of a snapshot say: one count if it is of one moment."""
        found = set()
        for tree in trees:
            for name in os.listdir(tree):
                if name.startswith("counter") and not name.endswith(".new"):
                    with open(os.path.join(tree, name), encoding="utf-8") as file:
                        found.add(file.read())
        return found
