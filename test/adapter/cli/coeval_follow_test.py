"""coeval_follow_test.py: coeval stays with a running epoch, and with long work."""
import json

import pytest

from run_coeval import EPOCH_1, coeval, on_terminal, script  # noqa: F401
from scripted_device import APPLIED, epoch, error, event, operation, progress, service


# ---- following ----


def states(ran):
    return [json.loads(line)["state"] for line in ran.stdout.splitlines()]


def run_and_wait(script, *more, **options):
    script.on("POST", "/v1/policies/bills/run", {"service": "bills", "number": 1})
    return coeval("policy", "run", "bills", "--wait", *more, url=script.url, **options)


def test_run_waits_for_the_seal(script):
    script.on("GET", EPOCH_1, epoch(1, "armed", progress=progress()),
              epoch(1, "armed", progress=progress()), epoch(1, "sealed", progress=progress()),
              epoch(1, "sealed"))
    ran = run_and_wait(script)
    assert ran.returncode == 0
    assert states(ran) == ["armed", "sealed", "sealed"]  # what did not change is not said again
    assert script.asked[1][1] == EPOCH_1 + "?view=summary"


def test_run_that_is_abandoned_fails(script):
    script.on("GET", EPOCH_1, epoch(1, "abandoned", cause={"code": "CONFLICT", "message": "fuzzy"}))
    ran = run_and_wait(script, "-o", "table")
    assert ran.returncode == 5
    assert "abandoned" in ran.stdout and ran.stderr == "coeval policy run: fuzzy\n"


def test_run_that_asks_ends_waiting(script):
    script.on("GET", EPOCH_1, epoch(1, "received", question="touched", progress=progress()))
    ran = run_and_wait(script, "-o", "table")
    assert ran.returncode == 6
    assert "coeval epoch approve bills 1 --reason" in ran.stdout


def test_run_waits_through_a_restart(script):
    script.on("GET", EPOCH_1, epoch(1, "received", progress=progress()), None, None,
              epoch(1, "sealed"), raw=True)
    ran = run_and_wait(script)
    assert ran.returncode == 0 and states(ran)[-1] == "sealed"


def refused_once(script, *policies):
    """Another epoch runs; then these answers of the policy, and the order is taken."""
    script.on("POST", "/v1/policies/bills/run", error("CONFLICT", "epoch 1 runs"), status=409)
    script.then("POST", "/v1/policies/bills/run", 200, {"service": "bills", "number": 2})
    script.on("GET", "/v1/policies/bills", *({**found, "policy": APPLIED["policy"]}
                                             for found in policies))
    script.on("GET", "/v1/services/bills/epochs/2", epoch(2))


RUNNING = service(state="running", running=epoch(1, "armed", progress=progress()))


def test_run_waits_for_the_epoch_that_runs(script):
    """As straight after `policy apply` with t0: now."""
    refused_once(script, service(state="running"), RUNNING, service())
    ran = coeval("policy", "run", "bills", "--wait", "--reason", "r", url=script.url)
    assert ran.returncode == 0, ran.stderr
    assert [json.loads(line)["number"] for line in ran.stdout.splitlines()] == [2]
    assert ran.stderr == "  an epoch is running: the new one begins when it has ended\n"
    orders = [json.loads(body) for method, _, body, _ in script.asked if method == "POST"]
    assert orders == [{"reason": "r"}, {"reason": "r"}]


def test_run_waits_for_its_turn_through_a_restart(script):
    refused_once(script, RUNNING)
    script.answers["GET", "/v1/policies/bills"] += [(0, None, True), (0, None, True)]
    script.then("GET", "/v1/policies/bills", 200, {**service(), "policy": APPLIED["policy"]})
    assert run_again(script).returncode == 0
    refused_once(script, RUNNING)
    script.then("GET", "/v1/policies/bills", 404, error("NOT_FOUND", "it was deleted"))
    ran = run_again(script)
    assert ran.returncode == 3 and ran.stderr.endswith("coeval policy run: it was deleted\n")


def run_again(script):
    return coeval("policy", "run", "bills", "--wait", url=script.url)


def test_run_waits_for_the_epoch_that_runs_no_longer_than_it_may(script):
    refused_once(script, RUNNING)
    ran = coeval("policy", "run", "bills", "--wait", "--timeout", "1s", url=script.url)
    assert ran.returncode == 8 and "no epoch was begun, one of 'bills' still runs" in ran.stderr
    refused_once(script, RUNNING)
    text, code = on_terminal(script, "policy", "run", "bills", "--wait", "--timeout", "1s")
    assert code == 8 and "waits for the one that runs: armed" in text


def test_run_does_not_wait_for_the_operator(script):
    asking = epoch(1, "received", question="shrink", progress=progress())
    refused_once(script, service(state="waiting", running=asking))
    ran = coeval("policy", "run", "bills", "--wait", url=script.url)
    assert ran.returncode == 6 and "epoch 1 runs" in ran.stderr
    assert "coeval epoch approve bills 1" in ran.stdout


def test_run_that_is_refused_for_another_reason(script):
    refused_once(script, service(state="broken"))
    ran = coeval("policy", "run", "bills", "--wait", url=script.url)
    assert ran.returncode == 2 and ran.stderr == "coeval policy run: epoch 1 runs\n"
    refused_once(script, service())  # idle again, and refused again: it is not tried for ever
    script.on("POST", "/v1/policies/bills/run", error("CONFLICT", "no"), status=409)
    ran = coeval("policy", "run", "bills", "--wait", url=script.url)
    assert ran.returncode == 2 and ran.stderr == "coeval policy run: no\n"


def test_run_that_is_planned_first(script):
    script.on("GET", EPOCH_1, error("NOT_FOUND"), status=404)
    script.then("GET", EPOCH_1, 200, epoch(1, "sealed"))
    assert run_and_wait(script).returncode == 0


def test_run_of_which_no_epoch_comes(script):
    script.on("GET", EPOCH_1, error("NOT_FOUND", "no epoch 1"), status=404)
    script.on("GET", "/v1/policies/bills", {**service(), "policy": APPLIED["policy"]})
    script.on("GET", "/v1/events", {"events": [
        event(1, name="epoch.not-planned", text="an old story"),
        event(2, name="epoch.not-planned", text="selects nothing"),
        event(3, name="epoch.not-planned", service="orders", text="another's")]})
    ran = run_and_wait(script)
    assert ran.returncode == 5 and "selects nothing" in ran.stderr


def test_run_with_a_limit(script):
    script.on("GET", EPOCH_1, epoch(1, "received", progress=progress()))
    ran = run_and_wait(script, "--timeout", "1s")
    assert ran.returncode == 8 and "epoch 1 goes on" in ran.stderr


def test_abandoning_is_what_was_wanted(script):
    script.on("POST", EPOCH_1 + "/abandon", epoch(1, "abandoning"))
    script.on("GET", EPOCH_1, epoch(1, "abandoning", progress=progress()), epoch(1, "abandoned"))
    order = ["epoch", "abandon", "bills", "1", "--reason", "r"]
    assert coeval(*order, "--wait", url=script.url).returncode == 0
    assert json.loads(script.asked[0][2]) == {"reason": "r"}
    assert coeval(*order, url=script.url).stdout == "epoch 1 of 'bills': abandoning\n"


def test_newest_epoch_is_meant_without_a_number(script):
    script.on("GET", "/v1/epochs", {"epochs": [epoch(1)]}, {"epochs": []})
    script.on("GET", EPOCH_1, {**epoch(1), "members": [], "moment": None, "transfer": None,
                               "commit": None, "history": None})
    ran = coeval("epoch", "show", "bills", url=script.url)
    assert ran.returncode == 0 and "bills/1" in ran.stdout
    assert coeval("epoch", "show", "bills", url=script.url).returncode == 3
    assert coeval("epoch", "show", "bills/1", url=script.url).returncode == 0


def test_bar_on_a_terminal(script):
    half = progress(bytes_done=1288699904, bytes_total=2577399808, files_done=310, files_total=600,
                    bytes_per_second=125829120, seconds_left=10)
    script.on("GET", EPOCH_1, epoch(1, "receiving", progress=half), epoch(1, "sealed"))
    text, code = on_terminal(script, "epoch", "show", "bills", "1", "--follow")
    assert code == 0
    first = text.split("\033[K")[0]
    assert first.startswith("\rbills/1  receiving (copy)  [=====")
    assert "50%  1.2 GiB/2.4 GiB  310/600 files  120 MiB/s  0:10 left" in first
    assert len(first) <= 100
    assert "\033[32msealed\033[0m" in text and "{" not in text


def test_no_colours_when_they_are_not_wanted(script, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    script.on("GET", "/v1/epochs", {"epochs": [epoch(1)]})
    text, _ = on_terminal(script, "epoch", "list")
    assert "sealed" in text and "\033" not in text


# ---- long work ----


def long_work(script, kind, path, *ends):
    script.on("POST", path, operation(kind, "running"), status=202)
    script.on("GET", f"/v1/operations/{operation(kind)['id']}", *ends)


def test_check(script):
    findings = [{"hop": "device", "level": "ok", "what": "fine", "remedy": None},
                {"hop": "agent east -> west:hdfs", "level": "warning", "what": "slow",
                 "remedy": "faster"}]
    long_work(script, "check", "/v1/check", operation("check", "running"),
              operation("check", result={"findings": findings}))
    ran = coeval("check", "bills", url=script.url)
    assert ran.returncode == 0
    assert ran.stdout == ("ok       device: fine\nwarning  agent east -> west:hdfs: slow\n"
                          "         -> faster\n")
    assert json.loads(script.asked[0][2]) == {"service": "bills"}
    assert script.asked[1][1].endswith("?wait=20")
    findings[1]["level"] = "error"
    assert coeval("check", url=script.url).returncode == 5


def test_how_far_it_is(script):
    """On a terminal a bar that is gone at the end; elsewhere only the end."""
    halfway = operation("check", "running", doing="asking cluster west", done=1, total=2)
    finding = {"hop": "device", "level": "ok", "what": "fine", "remedy": None}
    long_work(script, "check", "/v1/check", halfway, halfway,
              operation("check", result={"findings": [finding]}))
    text, code = on_terminal(script, "check", columns=80)
    assert code == 0
    bar, again, rest = text.split("\033[K", 2)
    assert bar.startswith("\rcheck: asking cluster west  [======") and len(bar) <= 80
    assert bar.endswith("50%  1/2 clusters") and again == bar
    assert rest == "\r\033[K\033[32mok\033[0m       device: fine\r\n"
    assert script.asked[1][1].endswith("?wait=1")
    script.on("GET", "/v1/operations/" + halfway["id"], halfway)
    ran = coeval("operation", "show", halfway["id"], url=script.url)
    assert ran.stdout == (f"check goes on: coeval operation show {halfway['id']} --wait\n"
                          "  asking cluster west: 1 of 2 clusters\n")


def test_check_without_waiting(script):
    long_work(script, "check", "/v1/check")
    ran = coeval("check", "--no-wait", url=script.url)
    assert ran.returncode == 0 and "coeval operation show" in ran.stdout
    assert len(script.asked) == 1


def test_check_with_a_limit(script):
    long_work(script, "check", "/v1/check", operation("check", "running"))
    assert coeval("check", "--timeout", "1s", url=script.url).returncode == 8


@pytest.mark.parametrize("result, problem, expected, words", [
    ({"equal": True, "findings": [], "entries": 7, "bytes": 4096}, None, 0, "7 entries, 4.0 KiB"),
    ({"equal": False, "findings": [{"member": "/bills", "what": "missing: a"}], "entries": 7,
      "bytes": 1}, None, 5, "/bills: missing: a"),
    (None, {"code": "CORRUPT", "message": "torn"}, 5, "coeval epoch verify: torn\n"),
])
def test_verify(script, result, problem, expected, words):
    long_work(script, "verify", EPOCH_1 + "/verify", operation(
        "verify", "failed" if problem else "done", service="bills", number=1, result=result,
        error=problem))
    ran = coeval("epoch", "verify", "bills", "1", url=script.url)
    assert ran.returncode == expected and words in (ran.stderr if problem else ran.stdout)


@pytest.mark.parametrize("silent, expected", [([], 0), ([
    {"cluster": "west", "error": {"code": "UNAVAILABLE", "message": "gone"}}], 5)])
def test_recover(script, silent, expected):
    found = [{"service": service()["id"], "cluster": "west", "name": "bills", "epochs": 3}]
    long_work(script, "recover", "/v1/recover", operation(
        "recover", result={"services": found, "silent_clusters": silent}))
    ran = coeval("recover", "--reason", "disk lost", url=script.url)
    assert ran.returncode == expected
    assert "service 'bills' from cluster west: 3 epochs" in ran.stdout
    assert ("west did not answer: gone" in ran.stdout) == bool(silent)
    assert json.loads(script.asked[0][2]) == {"reason": "disk lost"}
