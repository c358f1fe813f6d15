"""device.py: a real coevald over two directories ("east", "west"), and the program coeval to order
it about. Every answer that passes here is held against doc/openapi.yaml.

COEVALD and COEVAL name the programs."""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import threading
from urllib.parse import urlsplit

import openapi_check

PATIENCE_S = 60
COEVALD = os.environ.get("COEVALD", "")
COEVAL = os.environ.get("COEVAL", "")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Device:
    """One daemon with its state and the clusters' directories below a directory."""

    def __init__(self, directory, token=None):
        self.directory = pathlib.Path(directory)
        self.east, self.west = self.directory / "east", self.directory / "west"
        self.token = token
        self.process, self.lines, self.port = None, [], None
        for cluster in (self.east, self.west):
            cluster.mkdir(parents=True, exist_ok=True)
            (cluster / "barrier").touch()
        (self.directory / "token").write_text((token or "") + "\n")
        (self.directory / "token").chmod(0o600)
        self.write_configuration()

    def write_configuration(self):
        listen = {"address": "127.0.0.1", "port": 0}
        if self.token:
            listen["token_file"] = str(self.directory / "token")
        clusters = {}
        for name, base in (("east", self.east), ("west", self.west)):
            options = {"kind": "posix", "base": str(base), "barrier": "/barrier"}
            clusters[name] = {"location": name, "instances": {"posix": options}}
        self.configuration = self.directory / "coevald.yaml"
        self.configuration.write_text(json.dumps({
            "state": str(self.directory / "state"), "roles": ["control", "agent"],
            "listen": listen, "clusters": clusters}))

    # ---- the process ----

    def start(self):
        self.lines, ready = [], threading.Event()
        self.process = subprocess.Popen(
            [COEVALD, "--config", str(self.configuration)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
            start_new_session=True)

        def read(stream):
            for line in stream:
                self.lines.append(line)
                if " daemon.ready " in line:
                    ready.set()
            ready.set()

        self.reader = threading.Thread(target=read, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        assert ready.wait(PATIENCE_S), "coevald is not ready:\n" + self.log()
        assert any(" daemon.ready " in line for line in self.lines), self.log()
        self.port = int((self.directory / "state/port").read_text())
        return self

    def stop(self, number=signal.SIGTERM):
        """The exit status."""
        if self.process is None:
            return None
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        self.process.stderr.close()
        self.process = None
        return status

    def log(self):
        return "".join(self.lines[-60:])

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.stop(signal.SIGKILL)

    # ---- asking ----

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    def headers(self):
        return {"Authorization": "Bearer " + self.token} if self.token else {}

    def ask(self, method, path, body=None, headers=None):
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        connection = self.connect()
        try:
            connection.request(method, path, data, {"Content-Type": "application/json",
                                                    **self.headers(), **(headers or {})})
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        is_json = response.getheader("Content-Type", "").startswith("application/json")
        answer = json.loads(text) if is_json else text
        openapi_check.check(method, path, response.status, answer)
        return Answer(response.status, dict(response.getheaders()), answer)

    def get(self, path):
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.body

    def operation(self, path, body=None):
        """Begins long work, and waits for its end."""
        begun = self.ask("POST", path, body or {})
        assert begun.status == 202, begun.body
        place = begun.headers["Location"]
        assert urlsplit(place).path == f"/v1/operations/{begun.body['id']}"
        while True:
            operation = self.get(place + "?wait=20")
            if operation["phase"] != "running":
                return operation

    def coeval(self, *arguments, **options):
        """Runs the program; the result has returncode, stdout, stderr."""
        environment = {**os.environ, "COEVAL_DEVICE": self.url, "LC_ALL": "C.UTF-8"}
        environment.pop("COEVAL_TOKEN_FILE", None)
        if self.token:
            environment["COEVAL_TOKEN_FILE"] = str(self.directory / "token")
        environment.update(options.pop("env", {}))
        return subprocess.run([COEVAL, *map(str, arguments)], capture_output=True, text=True,
                              timeout=PATIENCE_S, env=environment, **options)


def policy(name="bills", **changes):
    """A policy that runs only when it is told to."""
    return {"apiVersion": "coeval/v1", "kind": "Policy", "name": name,
            "pair": {"name": "east-west", "primary": "east", "secondary": "west"},
            "group": {"data_sets": [f"posix:/{name}"]}, "t0": "next",
            "period": {"cron": "0 3 1 1 *", "zone": "UTC"}, "consistency": "fuzzy",
            "lead_time": "PT0.3S", **changes}
