"""coeval_show_test.py: what coeval shows: tables, events, roots, schedules."""
import json
import re
import subprocess

import pytest

from run_coeval import (  # noqa: F401
    COEVAL, EPOCH_1, PATIENCE_S, coeval, environment, on_terminal, script)
from scripted_device import cluster, epoch, error, event, operation, progress, service, status


# ---- tables ----


def test_epochs_table(script):
    stuck = epoch(3, "stuck", cause={"code": "CONFLICT", "message": "refused"})
    script.on("GET", "/v1/epochs", {"epochs": [stuck, epoch(2), epoch(1, "planned")]})
    ran = coeval("epoch", "list", "bills", "--limit", "3", url=script.url)
    assert script.asked[0][1] == "/v1/epochs?service=bills&limit=3"
    lines = ran.stdout.splitlines()
    assert lines[:4] == [
        "epoch  T                         state    mode         grade      skew  files     bytes  "
        "removed  seconds  sealed",
        "    3  2026-11-21T13:00:00.250Z  stuck    incremental  bounded  1.2 ms      3  11.7 MiB  "
        "      2        -  -",
        "    2  2026-11-21T13:00:00.250Z  sealed   incremental  bounded  1.2 ms      3  11.7 MiB  "
        "      2      1.8  2026-11-21T13:00:02Z",
        "    1  -                         planned  incremental  -             -      3  11.7 MiB  "
        "      2        -  -"]
    assert "bills 3 is stuck: refused" in lines
    assert any(line.startswith("  coeval epoch rollback bills 3 --reason") for line in lines)


def test_small_terminals_get_what_matters_most(script):
    script.on("GET", "/v1/epochs", {"epochs": [epoch(2), epoch(1)]})
    text, _ = on_terminal(script, "epoch", "list", "bills", columns=80)
    lines = text.replace("\033[2m", "").replace("\033[0m", "").splitlines()
    assert lines[0].split() == ["epoch", "T", "state", "grade", "files", "bytes", "seconds"]
    assert max(map(len, lines)) <= 80
    text, _ = on_terminal(script, "epoch", "list", "bills", columns=140)
    assert "sealed" in text.splitlines()[0] and "skew" in text.splitlines()[0]


@pytest.mark.parametrize("words, path, answer, told", [
    (("epoch", "list"), "/v1/epochs", {"epochs": []}, "No epoch yet: coeval policy run"),
    (("policy", "list"), "/v1/policies", {"policies": []}, "No policy yet: coeval policy apply"),
    (("root", "list"), "/v1/roots", {"roots": []}, "No root yet"),
    (("operation", "list"), "/v1/operations", {"operations": []}, "None since the device"),
    (("simulate", "--until", "1h"), "/v1/simulate", {"steps": [], "more": False}, "Nothing is due"),
])
def test_nothing_is_said_in_words(script, words, path, answer, told):
    script.on("GET", path, answer)
    assert coeval(*words, url=script.url).stdout.startswith(told)
    assert json.loads(coeval(*words, "-o", "json", url=script.url).stdout) == answer


def test_a_running_epoch_says_how_to_follow_it(script):
    script.on("GET", EPOCH_1, {**epoch(1, "receiving", progress=progress()), "members": [],
                               "moment": None, "transfer": None, "commit": None, "history": None})
    ran = coeval("epoch", "show", "bills", "1", url=script.url)
    assert ran.stdout.endswith("\n\nIt runs: coeval epoch show bills 1 --follow\n")


def test_events_stand_in_columns(script):
    script.on("GET", "/v1/events", {"events": [
        event(7, text="epoch 1 of bills: is sealed"),
        event(8, severity="warning", name="root.moved", text="why", of=()),
        event(1234, severity="alarm", name="clock.behind", text="set back", of=("service",),
              commands=["coeval status"])]})
    assert coeval("events", url=script.url).stdout == (
        "   7  2026-11-21T13:00:00.250Z  notice   epoch.sealed          bills/1: is sealed\n"
        "   8  2026-11-21T13:00:00.250Z  warning  root.moved            why\n"
        "1234  2026-11-21T13:00:00.250Z  alarm    clock.behind          bills: set back\n"
        "      coeval status\n")


def test_epochs_of_several_services_are_told_apart(script):
    script.on("GET", "/v1/epochs", {"epochs": [epoch(1), epoch(1, service="orders")]})
    lines = coeval("epoch", "list", url=script.url).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["service", "bills", "orders"]


def test_epoch_tells_where_its_seal_lies(script):
    member = {"id": "m1", "instance": "hdfs", "source_path": "/bills", "target_instance": "hdfs",
              "target_path": "/copy/bills"}
    gone = dict(member, id="m2", source_path="/old", target_path="/copy/old", tombstone=True)
    seal = {"members": [dict(member, snapshot={"path": "/copy/bills/.snapshot/coeval.x"})]}
    script.on("GET", EPOCH_1, {**epoch(1), "members": [member, gone], "moment": {}, "transfer": {},
                               "commit": {"seal": seal}, "history": None})
    ran = coeval("epoch", "show", "bills", "1", url=script.url)
    assert ran.stdout.splitlines()[-2:] == [
        "hdfs:/bills       hdfs:/copy/bills  hdfs:/copy/bills/.snapshot/coeval.x",
        "hdfs:/old (gone)  hdfs:/copy/old    -"]
    assert re.search(r"^cause", ran.stdout, re.M) is None


def test_status(script):
    waiting = epoch(4, "received", question="shrink", progress=progress(),
                    cause={"code": "CONFLICT", "message": "300 of 400 entries"})
    script.on("GET", "/v1/status", status(
        services=[service(state="waiting", last_sealed=epoch(3), age_seconds=3700,
                          running=waiting)],
        clusters=[cluster(), cluster("west", agent_reachable=False, error={
            "code": "UNAVAILABLE", "message": "refused"})], clock_synchronised=False))
    ran = coeval("status", url=script.url)
    assert ran.returncode == 0
    assert re.search(r"bills +waiting +3 +2026-11-21T13:00:00.250Z +1h 1m +bounded +4 received",
                     ran.stdout)
    assert re.search(r"west +unreachable", ran.stdout)
    assert "chrony" in ran.stdout
    assert "west: refused (coeval check)\n" in ran.stdout
    assert ran.stdout.index("waits for you") < ran.stdout.index("unreachable")
    assert "bills 4 waits for you: 300 of 400 entries" in ran.stdout
    assert "coeval epoch approve bills 4 --reason" in ran.stdout
    assert coeval("status", "--exit-code", url=script.url).returncode == 6


@pytest.mark.parametrize("agent, expected", [
    ({}, 0), ({"agent_reachable": False}, 0),
    ({"agent_reachable": False, "error": {"code": "UNAVAILABLE", "message": "x"}}, 4)])
def test_status_exit_code(script, agent, expected):
    script.on("GET", "/v1/status", status(clusters=[cluster(**agent)]))
    assert coeval("status", "--exit-code", url=script.url).returncode == expected


def test_text_of_the_device_steers_no_terminal(script):
    script.on("GET", "/v1/events", {"events": [event(1, text="a\033[2Jb\nc", commands=["x\ry"])]})
    ran = coeval("events", url=script.url)
    assert "a\\x1b[2Jb\\x0ac" in ran.stdout and "x\\x0dy" in ran.stdout
    script.on("GET", "/v1/status", error("INVALID", "\033]0;x\007"), status=400)
    assert "\033" not in coeval("status", url=script.url).stderr


# ---- the rest ----


def test_events_follow_goes_on_after_a_break(script):
    script.on("GET", "/v1/events", {"events": [event(5)]})
    line = [json.dumps(event(n)).encode() + b"\n" for n in range(8)]
    script.on("GET", "/v1/events/stream", b"\n" + line[6], line[7], raw=True)
    process = subprocess.Popen([COEVAL, "events", "--follow", "-o", "json"], text=True,
                               stdout=subprocess.PIPE, env=environment(script.url))
    seen = [json.loads(process.stdout.readline())["sequence"] for _ in range(3)]
    process.terminate()
    process.communicate(timeout=PATIENCE_S)
    assert seen == [5, 6, 7]
    paths = [path for _, path, _, _ in script.asked]
    assert paths[1:3] == ["/v1/events/stream?after=5", "/v1/events/stream?after=6"]


def test_events_follow_ends_when_it_is_refused(script):
    script.on("GET", "/v1/events", {"events": []})
    script.on("GET", "/v1/events/stream", error("DENIED", "no"), status=403, raw=True)
    ran = coeval("events", "--follow", url=script.url)
    assert ran.returncode == 7 and ran.stderr == "coeval events: no\n"


def test_events_options(script):
    script.on("GET", "/v1/events", {"events": []})
    coeval("events", "--after", "7", "--limit", "9", url=script.url)
    coeval("events", url=script.url)
    assert [path for _, path, _, _ in script.asked] == ["/v1/events?after=7&limit=9", "/v1/events"]


def test_simulate(script):
    step = {"service": "bills", "decided_at": "2026-11-21T13:00:00Z", "action": "passed-over",
            "t": "2026-11-21T12:00:00Z", "missed": 2, "overrun": 0, "coalesced": 0}
    script.on("GET", "/v1/simulate", {"steps": [step], "more": True})
    ran = coeval("simulate", "--until", "36h", url=script.url)
    assert ran.returncode == 0 and "... and more" in ran.stdout
    assert ran.stdout.splitlines()[1].split() == [
        "2026-11-21T13:00:00Z", "bills", "passed-over", "2026-11-21T12:00:00Z", "2", "-", "-"]
    coeval("simulate", "--until", "2026-12-01T00:00+01:00", url=script.url)
    assert [path for _, path, _, _ in script.asked] == [
        "/v1/simulate?seconds=129600", "/v1/simulate?until=2026-12-01T00%3A00%2B01%3A00"]


def test_roots(script):
    plan = {"cluster": "east", "instance": "hdfs", "root": "/data", "replaces": ["/data/a"],
            "lose_base": [], "consequence": "the next epoch compares"}
    script.on("POST", "/v1/roots/plan", plan)
    script.on("POST", "/v1/roots/move", operation("move-root", "running"), status=202)
    script.on("GET", "/v1/operations/" + operation("move-root")["id"],
              operation("move-root", result=plan))
    ran = coeval("root", "plan", "east", "hdfs:/data", url=script.url)
    assert ran.returncode == 0
    assert "replaces the roots:\n  /data/a\nservices that lose their base: none\n" in ran.stdout
    assert coeval("root", "move", "east", "hdfs:/data", url=script.url).returncode == 1
    ran = coeval("root", "move", "east", "hdfs:/data", "--reason", "r", url=script.url)
    assert ran.returncode == 0
    assert ran.stdout.startswith("the root is now at east hdfs:/data\nreplaces the roots:\n")
    assert [json.loads(body) for _, _, body, _ in script.asked[:2]] == [
        {"cluster": "east", "instance": "hdfs", "root": "/data"},
        {"cluster": "east", "instance": "hdfs", "root": "/data", "reason": "r"}]


@pytest.mark.parametrize("code, expected", [("NOT_FOUND", 3), ("CONFLICT", 2), ("IO", 5)])
def test_root_that_cannot_move(script, code, expected):
    """Nothing was changed: the order was refused, and its status says why."""
    failed = operation("move-root", "failed", error={"code": code, "message": "no directory"},
                       commands=["coeval root list"], done=0, total=2, unit="steps")
    script.on("POST", "/v1/roots/move", operation("move-root", "running"), status=202)
    script.on("GET", "/v1/operations/" + failed["id"], failed)
    ran = coeval("root", "move", "east", "hdfs:/data", "--reason", "r", url=script.url)
    assert ran.returncode == expected
    assert ran.stdout == "" and ran.stderr == ("coeval root move: no directory\n"
                                               "  coeval root list\n")
    ran = coeval("root", "move", "east", "hdfs:/data", "--reason", "r", "-o", "json",
                 url=script.url)
    assert ran.returncode == expected
    assert json.loads(ran.stdout) == failed
    assert json.loads(ran.stderr) == {"error": failed["error"]}
    script.on("GET", "/v1/operations/" + failed["id"], dict(failed, done=1))
    ran = coeval("root", "move", "east", "hdfs:/data", "--reason", "r", url=script.url)
    assert ran.returncode == 5  # snapshots may be gone


def test_data_sets(script):
    bills = {"name": "bills", "owner": "hive", "group": None, "mode": 0o755, "mtime_us": 1}
    script.on("GET", "/v1/clusters/east/datasets",
              {"instance": "hdfs", "path": "/a b", "data_sets": [bills]})
    ran = coeval("cluster", "datasets", "east", "hdfs:/a b", url=script.url)
    assert ran.stdout.splitlines()[1].split() == ["bills", "hive", "-", "755"]
    assert script.asked[0][1] == "/v1/clusters/east/datasets?instance=hdfs&path=%2Fa%20b"


def test_status_shows_what_is_left_behind(script):
    left = {"cluster": "west", "instance": "posix", "path": "/crm", "bytes": 4096, "seals": 0,
            "remedy": "no seal has it any more: remove it by hand"}
    script.on("GET", "/v1/status", status(services=[service("bills", left_behind=[left])]))
    ran = coeval("status", url=script.url)
    assert ("bills: left behind: posix:/crm on west, 4.0 KiB; no seal has it any more: remove it "
            "by hand") in ran.stdout.splitlines()


def test_a_lost_primary_is_shown(script):
    script.on("GET", EPOCH_1, {**epoch(1, primary_lost=True), "members": [], "moment": None,
                               "transfer": None, "commit": None, "history": None})
    ran = coeval("epoch", "show", "bills", "1", url=script.url)
    assert "declared lost: nothing is awaited from it" in ran.stdout


def test_a_fenced_device_is_refused_in_words(script):
    script.on("POST", "/v1/policies/bills/run", error("FENCED", "another device: recover"),
              status=409)
    ran = coeval("policy", "run", "bills", url=script.url)
    assert ran.returncode == 2 and "another device: recover" in ran.stderr
