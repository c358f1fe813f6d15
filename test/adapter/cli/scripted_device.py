"""scripted_device.py: an HTTP server that says what a test wants to hear from a device, and notes
what it was asked. What it says is held against doc/openapi.yaml unless it is meant to be wrong."""
import http.server
import json
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))

import openapi_check  # noqa: E402


def error(code, message="because"):
    return {"error": {"code": code, "message": message}}


def epoch(number=1, state="sealed", **more):
    is_known = state not in ("planned", "preparing")
    return {"service": "bills", "number": number, "generation": 1, "attempt": 1, "state": state,
            "t": "2026-11-21T13:00:00.250000Z" if is_known else None,
            "t_us": "1795266000250000" if is_known else "0", "mode": "incremental",
            "direction": "pull", "base": number - 1 if number > 1 else None,
            "grade": "bounded" if is_known else None, "skew_us": 1200 if is_known else None,
            "files": 3, "bytes": 12345678, "entries_removed": 2, "moved": 1, "operations": 9,
            "sealed_at": "2026-11-21T13:00:02Z" if state == "sealed" else None,
            **({"seconds": 1.75} if state == "sealed" else {}), **more}


def progress(**more):
    return {"phase": "copy", "files_done": 0, "files_total": 0, "bytes_done": 0, "bytes_total": 0,
            "bytes_per_second": 0, "seconds_left": None, **more}


def service(name="bills", **more):
    return {"id": "00000000-0000-4000-8000-000000000001", "name": name, "revision": 3,
            "pair": "east-west", "primary": "east", "secondary": "west", "state": "idle",
            "last_sealed": None, "age_seconds": None, "base_pinned_bytes": None,
            "running": None, "next": None, "left_behind": [], "passed": {},
            **more}


def cluster(name="east", **more):
    return {"name": name, "location": None, "resources": None, "agent_reachable": True,
            "since": "2026-11-21T12:00:00Z", "instances": [
                {"name": "posix", "kind": "posix", "identity": "coeval-posix 1"}], **more}


def status(**more):
    return {"device": "00000000-0000-4000-8000-000000000002", "now": "2026-11-21T13:00:00Z",
            "clock_error_us": 10, "clock_synchronised": True, "services": [], "clusters": [],
            "last_event": 0, **more}


def event(sequence, of=("service", "number"), **more):
    whole = {"sequence": sequence, "time_us": "1795266000250000", "severity": "notice",
             "name": "epoch.sealed", "service": "bills", "number": 1, "text": "is sealed",
             "commands": [], **more}
    return {k: v for k, v in whole.items() if k in of or k not in ("service", "number")}


def operation(kind, phase="done", **more):
    ended = None if phase == "running" else "2026-11-21T13:00:02Z"
    return {"id": "00000000-0000-4000-8000-000000000003", "kind": kind, "service": None,
            "number": None, "phase": phase, "doing": None, "done": 0 if phase == "running" else 1,
            "total": 1, "unit": "clusters", "bytes_done": 0, "bytes_total": 0,
            "bytes_per_second": 0, "seconds_left": None,
            "started_at": "2026-11-21T13:00:00Z", "ended_at": ended, "error": None, "result": None,
            "commands": [], **more}


APPLIED = {"name": "bills", "revision": 3, "dry_run": False, "roots": [
    {"cluster": "east", "instance": "posix", "data_set": "/bills", "root": "/bills"}], "warnings": [
        {"level": "warning", "what": "no barrier", "remedy": "make one"},
        {"level": "warning", "what": "no barrier", "remedy": "make one"}],
    "policy": {"apiVersion": "coeval/v1", "kind": "Policy", "name": "bills", "pair": {
        "name": "east-west", "primary": "east", "secondary": "west"},
        "group": {"data_sets": ["posix:/bills"]}, "period": "PT15M"}}


class Script:
    """Answers by method and path; a list is told one after another, its last one for ever."""

    def __init__(self):
        self.answers, self.asked, self.problems = {}, [], []
        script = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                size = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(size).decode()
                script.tell(self, body)

            do_GET = do_PUT = do_POST = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def on(self, method, path, *answers, status=200, raw=False):
        """raw: the answers are meant to be wrong, or are bytes of a stream."""
        self.answers[method, path] = [(status, answer, raw) for answer in answers]

    def then(self, method, path, status, answer):
        self.answers[method, path].append((status, answer, False))

    def tell(self, handler, body):
        path = handler.path
        self.asked.append((handler.command, path, body, dict(handler.headers)))
        answers = self.answers.get((handler.command, path.partition("?")[0]))
        if not answers:
            self.problems.append(f"unexpected: {handler.command} {path}")
            answers = [(404, error("NOT_FOUND", "unexpected"), False)]
        status, answer, raw = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:  # breaks off
            handler.close_connection = True
            handler.connection.close()
            return
        if not raw:
            try:
                openapi_check.check(handler.command, path, status, answer)
            except AssertionError as problem:
                self.problems.append(str(problem))
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        try:
            handler.wfile.write(data)
        except OSError:
            pass

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
