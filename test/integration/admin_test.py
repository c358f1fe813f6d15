"""admin_test.py: the REST interface of a running device, and coeval against it."""
import http.client
import json
import signal
import socket
import time

import pytest

import openapi_check
from device import PATIENCE_S, Device, policy


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    with Device(tmp_path_factory.mktemp("device")) as made:
        bills = made.east / "bills"
        bills.mkdir()
        for number in range(20):
            (bills / f"{number}.txt").write_text(f"bill {number}\n")
        yield made
        assert made.stop() == 0, made.log()


@pytest.fixture(scope="module")
def sealed(device):
    """The device with one sealed epoch of 'bills'."""
    applied = device.ask("PUT", "/v1/policies/bills?reason=first", policy())
    assert applied.status == 200, applied.body
    assert applied.body["revision"] == 1
    ran = device.coeval("policy", "run", "bills", "--wait")
    assert ran.returncode == 0, ran.stdout + ran.stderr + device.log()
    device.run_output = ran.stdout
    return device


# ---- before there is a policy ----


def test_empty_device(device):
    assert device.get("/live") == {"live": True}
    assert device.get("/ready")["ready"] is True
    assert device.get("/v1/roots") == {"roots": []}
    assert device.get("/v1/operations") == {"operations": []}
    assert [c["name"] for c in device.get("/v1/clusters")["clusters"]] == ["east", "west"]
    assert "No policy yet" in device.coeval("status").stdout


def test_dry_run_changes_nothing(device):
    answer = device.ask("PUT", "/v1/policies/dry?dry_run=true", policy("dry", group={
        "data_sets": ["posix:/bills"]}))
    assert answer.status == 200, answer.body
    assert answer.body["dry_run"] is True and answer.body["revision"] == 0
    assert device.get("/v1/policies")["policies"] == []
    assert device.ask("GET", "/v1/policies/dry").status == 404


# ---- what is refused ----


@pytest.mark.parametrize("method, path, body, status, words", [
    ("GET", "/v1/nothing", None, 404, "nothing at this path"),
    ("POST", "/v1/status", None, 405, "allowed: GET, HEAD"),
    ("GET", "/v1/policies/%zz", None, 400, "bad percent escape"),
    ("GET", "/v1/policies?limit=1", None, 400, "no parameters are taken here"),
    ("GET", "/v1/epochs?limits=1", None, 400, "'limits' is not known"),
    ("GET", "/v1/epochs?limit=1&limit=2", None, 400, "given twice"),
    ("GET", "/v1/epochs?limit=10001", None, 400, "from 0 to 10000"),
    ("GET", "/v1/epochs?limit=-1", None, 400, "is not a number"),
    ("GET", "/v1/epochs?limit=", None, 400, "is not a number"),
    ("GET", "/v1/epochs?service=nobody", None, 404, "no policy 'nobody'"),
    ("GET", "/v1/services/bills/epochs/x", None, 400, "epoch 'x' is not a number"),
    ("GET", "/v1/services/bills/epochs/1?view=half", None, 404, "no epoch"),
    ("GET", "/v1/services/nobody/epochs/1", None, 404, "no epoch 1 of 'nobody'"),
    ("POST", "/v1/services/nobody/epochs/1/verify", None, 404, "no epoch 1"),
    ("POST", "/v1/services/nobody/epochs/1/abandon", None, 404, "nobody"),
    ("POST", "/v1/policies/nobody/run", None, 404, "nobody"),
    ("DELETE", "/v1/policies/nobody", None, 404, "nobody"),
    ("PUT", "/v1/policies/x?dryrun=true", {}, 400, "'dryrun' is not known"),
    ("PUT", "/v1/policies/x?dry_run=yes", {}, 400, "neither true nor false"),
    ("PUT", "/v1/policies/x?dry_run=%zz", {}, 400, "bad escape"),
    ("PUT", "/v1/policies/x", "{", 400, "policy: "),
    ("PUT", "/v1/policies/x", {"name": "y"}, 400, "names policy 'x', its body 'y'"),
    ("PUT", "/v1/policies/x", {"nam": "x"}, 400, "unknown key 'nam'"),
    ("PUT", "/v1/policies/bills", policy(group={"data_sets": []}), 400, "group"),
    ("PUT", "/v1/policies/bills", policy(pair={"name": "p", "primary": "north",
                                               "secondary": "west"}), 404, "north"),
    ("POST", "/v1/recover", {"reasons": "x"}, 400, "'reasons' is not known"),
    ("POST", "/v1/recover", {"reason": 1}, 400, "'reason' must be a string"),
    ("POST", "/v1/check", {"service": "nobody"}, 404, "nobody"),
    ("POST", "/v1/roots/plan", {"cluster": "east"}, 400, "instance"),
    ("POST", "/v1/roots/plan", {"cluster": "north", "instance": "posix", "root": "/x"}, 404,
     "north"),
    ("POST", "/v1/roots/plan", {"cluster": "east", "instance": "posix", "root": "/"}, 400,
     "cannot be a snapshot root"),
    ("GET", "/v1/clusters/east/datasets", None, 400, "'instance' is missing"),
    ("GET", "/v1/clusters/north/datasets?instance=posix", None, 404, "north"),
    ("GET", "/v1/simulate", None, 400, "either until"),
    ("GET", "/v1/simulate?seconds=1&until=2026-11-21T13:00Z", None, 400, "either until"),
    ("GET", "/v1/simulate?until=2001-01-01T00:00Z", None, 400, "past"),
    ("GET", "/v1/simulate?until=tomorrow", None, 400, "tomorrow"),
    ("GET", "/v1/operations/none", None, 404, "no operation 'none'"),
    ("GET", "/v1/operations/none?wait=61", None, 400, "from 0 to 60"),
    ("GET", "/v1/events?after=x", None, 400, "after 'x'"),
    ("GET", "/v1/events/stream?after=x", None, 400, "after 'x'"),
])
def test_refusals(device, method, path, body, status, words):
    answer = device.ask(method, path, body)
    assert answer.status == status, answer.body
    assert words in answer.body["error"]["message"], answer.body


def test_method_that_is_not_served_names_those_that_are(device):
    answer = device.ask("DELETE", "/v1/policies")
    assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD"


def test_head_has_no_body(device):
    connection = device.connect()
    connection.request("HEAD", "/v1/status")
    response = connection.getresponse()
    assert response.status == 200 and int(response.getheader("Content-Length")) > 0
    assert response.read() == b""
    connection.close()


# ---- a sealed epoch, from all sides ----


def test_run_shows_json_lines_when_nobody_watches(sealed):
    lines = [json.loads(line) for line in sealed.run_output.splitlines()]
    for line in lines:
        openapi_check.check_schema("Epoch", line)
    assert lines[-1]["state"] == "sealed" and lines[-1]["number"] == 1
    assert lines[-1]["files"] == 20


def test_status_and_policies(sealed):
    service = sealed.get("/v1/status")["services"][0]
    assert service["name"] == "bills" and service["last_sealed"]["number"] == 1
    assert service["age_seconds"] >= 0
    whole = sealed.get("/v1/policies/bills")
    assert whole["policy"]["retention"]["source"] == {"last": 2}  # defaults are written out
    assert sealed.get(f"/v1/policies/{whole['id']}")["name"] == "bills"


def test_epoch_whole_and_summary(sealed):
    whole = sealed.get("/v1/services/bills/epochs/1")
    assert [m["source_path"] for m in whole["members"]] == ["/bills"]
    assert whole["moment"] and whole["transfer"] and whole["commit"]
    summary = sealed.get("/v1/services/bills/epochs/1?view=summary")
    assert "members" not in summary and summary["state"] == "sealed"
    assert sealed.get("/v1/epochs?service=bills&limit=1")["epochs"] == [summary]
    assert sealed.get("/v1/epochs?limit=0") == {"epochs": []}


def test_orders_that_are_not_possible(sealed):
    answer = sealed.ask("POST", "/v1/services/bills/epochs/1/abandon", {"reason": "x"})
    assert answer.status == 409 and "is sealed" in answer.body["error"]["message"]
    answer = sealed.ask("POST", "/v1/services/bills/epochs/1/explode", {})
    assert answer.status == 400 and "unknown verb" in answer.body["error"]["message"]
    answer = sealed.ask("POST", "/v1/policies/bills/explode", {})
    assert answer.status == 400 and "unknown verb" in answer.body["error"]["message"]


def test_pause_and_resume(sealed):
    assert sealed.ask("POST", "/v1/policies/bills/pause", {"reason": "x"}).body["state"] == "paused"
    assert sealed.get("/v1/policies/bills")["next"] is None
    assert sealed.ask("POST", "/v1/policies/bills/resume").body["state"] == "idle"
    assert sealed.get("/v1/policies/bills")["next"] is not None


def test_roots_and_data_sets(sealed):
    roots = {(r["cluster"], r["root"]) for r in sealed.get("/v1/roots")["roots"]}
    assert roots == {("east", "/bills"), ("west", "/bills")}
    order = {"cluster": "east", "instance": "posix", "root": "/bills/more"}
    plan = sealed.ask("POST", "/v1/roots/plan", order).body
    assert plan["replaces"] == ["/bills"]
    sets = sealed.get("/v1/clusters/east/datasets?instance=posix&path=%2F")
    assert "bills" in [s["name"] for s in sets["data_sets"]]


def test_simulate(sealed):
    steps = sealed.get("/v1/simulate?seconds=31536000")["steps"]
    assert len(steps) == 1 and steps[0]["t"].endswith("-01-01T03:00:00Z")


def test_operations(sealed):
    checked = sealed.operation("/v1/check", {"service": "bills"})
    assert checked["phase"] == "done" and checked["error"] is None
    levels = {f["level"] for f in checked["result"]["findings"]}
    assert "ok" in levels and "error" not in levels, checked["result"]
    verified = sealed.operation("/v1/services/bills/epochs/1/verify")
    assert verified["phase"] == "done", verified["error"]
    assert verified["result"]["equal"] is True and verified["number"] == 1
    recovered = sealed.operation("/v1/recover", {"reason": "test"})
    assert recovered["phase"] == "done" and recovered["result"]["silent_clusters"] == []
    listed = [o["kind"] for o in sealed.get("/v1/operations")["operations"]]
    assert listed[:3] == ["recover", "verify", "check"]
    for operation, unit in ((checked, "clusters"), (verified, "entries"), (recovered, "clusters")):
        assert operation["unit"] == unit and operation["doing"] is None
        assert operation["done"] == operation["total"] == (21 if unit == "entries" else 2)


def test_root_that_cannot_move(sealed):
    """Nothing is removed for a typing error, and it is said which directory is not there."""
    order = {"cluster": "east", "instance": "posix", "root": "/bilsl", "reason": "x"}
    failed = sealed.operation("/v1/roots/move", order)
    assert failed["phase"] == "failed" and failed["error"]["code"] == "NOT_FOUND"
    assert "no directory /bilsl in posix on cluster east; nothing was changed" in failed["error"][
        "message"]
    assert (failed["done"], failed["total"], failed["unit"]) == (0, 2, "steps")
    answer = sealed.ask("POST", "/v1/roots/move", dict(order, root="/bills/more"))
    assert answer.status == 409 and "or a directory above it" in answer.body["error"]["message"]
    answer = sealed.ask("POST", "/v1/roots/move", dict(order, instance="hdfs"))
    assert answer.status == 404 and "only posix" in answer.body["error"]["message"]
    ran = sealed.coeval("root", "move", "east", "posix:/bilsl", "--reason", "x")
    assert ran.returncode == 3 and ran.stdout == "" and "make it there" in ran.stderr
    roots = {(r["cluster"], r["root"]) for r in sealed.get("/v1/roots")["roots"]}
    assert roots == {("east", "/bills"), ("west", "/bills")}
    assert not [e for e in sealed.get("/v1/events")["events"] if e["name"] == "root.moved"]


REASON = ["--reason", "x"]


@pytest.mark.parametrize("words, code, message", [
    (["policy", "show", "nobody"], 3, "no policy 'nobody': see `coeval policy list`"),
    (["policy", "run", "nobody"], 3, "see `coeval policy list`"),
    (["policy", "run", "nobody", "--wait"], 3, "see `coeval policy list`"),
    (["policy", "pause", "nobody"], 3, "see `coeval policy list`"),
    (["policy", "resume", "nobody"], 3, "see `coeval policy list`"),
    (["policy", "delete", "nobody", *REASON], 3, "see `coeval policy list`"),
    (["check", "nobody"], 3, "see `coeval policy list`"),
    (["epoch", "list", "nobody"], 3, "see `coeval policy list`"),
    (["epoch", "show", "nobody"], 3, "see `coeval policy list`"),
    (["epoch", "show", "bills", "77"], 3, "no epoch 77 of 'bills': see `coeval epoch list`"),
    (["epoch", "show", "bills", "77", "--follow", "--timeout", "1s"], 8, "was not there in time"),
    (["epoch", "verify", "bills", "77"], 3, "no epoch 77"),
    (["epoch", "approve", "bills", "77", *REASON], 3, "see `coeval epoch list bills`"),
    (["epoch", "abandon", "bills", "77", "--wait", *REASON], 3, "see `coeval epoch list bills`"),
    (["epoch", "abandon", "bills", "1", *REASON], 2, "is sealed: retention removes it"),
    (["epoch", "rollback", "bills", "1", *REASON], 2, "there is nothing to roll back"),
    (["epoch", "resume", "bills", "1"], 2, "there is nothing to resume"),
    (["epoch", "approve", "bills", "1", *REASON], 2, "there is nothing to approve"),
    (["epoch", "lost", "nobody", "1", *REASON], 3, "see `coeval policy list`"),
    (["root", "plan", "north", "posix:/x"], 3, "see `coeval cluster list`"),
    (["root", "plan", "east", "hdfs:/x"], 3, "cluster east has no instance 'hdfs', only posix"),
    (["root", "plan", "east", "posix:/x/"], 2, "it is a directory below /, written without"),
    (["root", "move", "north", "posix:/x", *REASON], 3, "see `coeval cluster list`"),
    (["cluster", "datasets", "north", "posix:/"], 3, "see `coeval cluster list`"),
    (["cluster", "datasets", "east", "hdfs:/"], 3, "only posix"),
    (["cluster", "datasets", "east", "posix:/nowhere"], 3, "cluster east: posix:/nowhere: "),
    (["simulate", "--until", "2001-01-01T00:00Z"], 2, "lies in the past"),
    (["operation", "show", "nope", "--wait"], 3, "no operation 'nope': it is long over"),
])
def test_coeval_says_what_is_wrong(sealed, words, code, message):
    ran = sealed.coeval(*words)
    assert ran.returncode == code and ran.stdout == "", ran.stdout + ran.stderr
    assert message in ran.stderr and ran.stderr.startswith("coeval " + " ".join(words[:1]))
    ran = sealed.coeval(*words, "-o", "json")
    assert ran.returncode == code
    assert message in json.loads(ran.stderr)["error"]["message"]


def metric_names(text):
    return {line.split()[2]: line.split()[3] for line in text.splitlines()
            if line.startswith("# TYPE ")}


def documented_metrics():
    """The table of doc/metrics.md: name and type."""
    rows = (openapi_check.DESCRIPTION.parent / "metrics.md").read_text().splitlines()
    cells = [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in rows
             if row.startswith("| `coeval_")]
    return {name: kind for name, kind, *_ in cells}


def test_metrics_are_those_of_the_table(sealed):
    text = sealed.get("/metrics")
    assert metric_names(text) == documented_metrics()
    assert 'coeval_last_sealed_epoch{service="bills"} ' in text


# ---- events ----


class Follower:
    """Reads the stream line by line."""

    def __init__(self, device, query):
        self.connection = device.connect()
        self.connection.request("GET", "/v1/events/stream" + query, headers=device.headers())
        self.response = self.connection.getresponse()
        assert self.response.status == 200

    def next(self):
        while True:
            line = self.response.readline()
            assert line, "the stream ended"
            if line.strip():
                event = json.loads(line)
                openapi_check.check_schema("Event", event)
                return event

    def close(self):
        self.response.close()
        self.connection.close()


def settle(device):
    """An event is shown once it is durable, the answer to an order may come before: waits until
    all are shown that there are."""
    last = device.get("/v1/status")["last_event"]
    follower = Follower(device, "?after=0")
    while last > 0 and follower.next()["sequence"] < last:
        pass
    follower.close()


def test_events_listed(sealed):
    settle(sealed)
    events = sealed.get("/v1/events?after=0")["events"]
    assert [e["sequence"] for e in events] == sorted(e["sequence"] for e in events)
    assert {"policy.applied", "epoch.sealed"} <= {e["name"] for e in events}
    newest = sealed.get("/v1/events?limit=1")["events"]
    assert newest == events[-1:]
    assert sealed.get(f"/v1/events?after={events[-1]['sequence']}")["events"] == []
    assert sealed.get("/v1/events?after=0&limit=1")["events"] == events[:1]


def test_events_followed(sealed):
    settle(sealed)
    told = sealed.get("/v1/events?after=0")["events"]
    old, new = Follower(sealed, "?after=0"), Follower(sealed, "")
    assert [old.next() for _ in told] == told
    sealed.ask("POST", "/v1/policies/bills/pause")
    sealed.ask("POST", "/v1/policies/bills/resume")
    for follower in (old, new):
        assert [follower.next()["text"] for _ in range(2)] == ["pause", "resume"]
        follower.close()


def test_follower_that_leaves_is_forgotten(sealed):
    follower = Follower(sealed, "")
    follower.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    follower.close()
    sealed.ask("POST", "/v1/policies/bills/pause")
    sealed.ask("POST", "/v1/policies/bills/resume")
    assert sealed.get("/live") == {"live": True}


def test_caller_that_leaves_does_not_take_its_order_back(sealed):
    settle(sealed)
    before = sealed.get("/v1/policies/bills")["revision"]
    follower = Follower(sealed, "")
    body = json.dumps(policy())
    with socket.create_connection(("127.0.0.1", sealed.port)) as peer:
        peer.sendall(f"PUT /v1/policies/bills HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                     f"application/json\r\nContent-Length: {len(body)}"
                     f"\r\n\r\n{body}".encode())
    assert follower.next()["name"] == "policy.applied"
    follower.close()
    assert sealed.get("/v1/policies/bills")["revision"] == before + 1


# ---- coeval ----


def test_coeval_lists(sealed):
    head, *rows = sealed.coeval("epoch", "list", "bills").stdout.splitlines()
    assert head.split() == ["epoch", "T", "state", "mode", "grade", "skew", "files", "bytes",
                            "removed", "seconds", "sealed"]
    first = rows[-1].split()
    assert first[0] == "1" and first[2:4] == ["sealed", "full"]
    for words in (["status"], ["policy", "list"], ["policy", "show", "bills"], ["cluster", "list"],
                  ["cluster", "datasets", "east", "posix:/"], ["root", "list"],
                  ["root", "plan", "east", "posix:/bills"], ["epoch", "show", "bills"],
                  ["epoch", "show", "bills/1"], ["events"], ["operation", "list"],
                  ["simulate", "--until", "8784h"], ["check", "bills"],
                  ["epoch", "verify", "bills", "1"]):
        for form in ([], ["-o", "json"]):
            ran = sealed.coeval(*words, *form)
            assert ran.returncode == 0, (words, ran.stdout, ran.stderr)
            assert ran.stdout, words
            if form and words != ["events"]:
                assert isinstance(json.loads(ran.stdout), dict), words


def test_coeval_exit_codes(sealed):
    assert sealed.coeval("epoch", "abandon", "bills", "1", "--reason", "x").returncode == 2
    assert sealed.coeval("epoch", "show", "bills", "77").returncode == 3
    assert sealed.coeval("policy", "show", "nobody").returncode == 3
    assert sealed.coeval("status", "--device", "http://127.0.0.1:1").returncode == 4


def test_coeval_shrink_waits_and_is_approved(sealed, tmp_path):
    many = sealed.east / "many"
    many.mkdir()
    for number in range(300):
        (many / str(number)).write_text("x")
    file = tmp_path / "many.yaml"
    file.write_text(json.dumps(policy("many", max_removed=10)))
    assert sealed.coeval("policy", "apply", "-f", file).returncode == 0
    ran = sealed.coeval("policy", "run", "many", "--wait", "-o", "table")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for number in range(200):
        (many / str(number)).unlink()
    ran = sealed.coeval("policy", "run", "many", "--wait", "-o", "table")
    assert ran.returncode == 6, ran.stdout + ran.stderr
    assert "coeval epoch approve many 2" in ran.stdout
    status = sealed.coeval("status", "--exit-code")
    assert status.returncode == 6 and "coeval epoch approve many 2" in status.stdout
    ran = sealed.coeval("epoch", "approve", "many", "2", "--reason", "meant", "--wait")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1])["entries_removed"] == 200
    assert sealed.coeval("policy", "delete", "many", "--reason", "test").returncode == 0
    assert sealed.coeval("policy", "show", "many").returncode == 3
    assert sealed.coeval("policy", "run", "many").returncode == 3
    assert len(sealed.get("/v1/epochs?service=many")["epochs"]) == 2


def test_coeval_runs_straight_after_apply(sealed, tmp_path):
    """t0: now begins an epoch by itself; who wants one more has not to look when that has ended."""
    (sealed.east / "fresh").mkdir()
    file = tmp_path / "fresh.yaml"
    file.write_text(json.dumps(policy("fresh", t0="now")))
    assert sealed.coeval("policy", "apply", "-f", file).returncode == 0
    refused = sealed.coeval("policy", "run", "fresh")
    assert refused.returncode == 2 and "an epoch of 'fresh' is running" in refused.stderr
    ran = sealed.coeval("policy", "run", "fresh", "--wait", "-o", "table")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[1].split()[0] == "2"
    states = [e["state"] for e in sealed.get("/v1/epochs?service=fresh")["epochs"]]
    assert states == ["sealed", "sealed"]
    assert sealed.coeval("policy", "delete", "fresh", "--reason", "test").returncode == 0


def test_coeval_without_a_terminal_prints_no_escapes(sealed):
    for words in (["status"], ["epoch", "list"], ["check"]):
        assert "\033" not in sealed.coeval(*words).stdout


# ---- other devices ----


def test_token(tmp_path):
    with Device(tmp_path, token="0123456789abcdef-token") as device:
        assert device.ask("GET", "/v1/status", headers={"Authorization": "Bearer no"}).status == 401
        assert device.get("/v1/status")["services"] == []
        assert device.coeval("status").returncode == 0
        refused = device.coeval("status", env={"COEVAL_TOKEN_FILE": ""})
        assert refused.returncode == 7, refused.stderr
        assert device.stop() == 0


def test_end_while_somebody_follows_and_waits(tmp_path):
    with Device(tmp_path) as device:
        follower = Follower(device, "?after=0")
        began = time.monotonic()
        assert device.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 5
        with pytest.raises((AssertionError, http.client.HTTPException, OSError)):
            follower.next()
        follower.close()
    assert PATIENCE_S > 5
