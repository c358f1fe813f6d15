"""coeval_test.py: how coeval reads what is typed, how it ends, and policies."""
import json
import os
import re
import signal
import subprocess

import pytest

from run_coeval import COEVAL, PATIENCE_S, ROOT, coeval, environment, script  # noqa: F401
from scripted_device import APPLIED, epoch, error, event, service, status


# ---- usage ----


def commands(path=()):
    """Every command and group, as coeval's own help lists them."""
    yield path
    listed = coeval(*path, "--help").stdout.partition("Everywhere:")[0]
    if "COMMAND" in listed.splitlines()[0]:
        for name in re.findall(r"^  ([a-z]+)  ", listed, re.M):
            yield from commands((*path, name))


def test_help_everywhere():
    every = list(commands())
    assert len(every) > 30 and ("policy", "apply") in every
    for path in every:
        ran = coeval(*path, "--help")
        assert ran.returncode == 0 and ran.stderr == "", path
        assert ran.stdout.startswith("Usage: " + " ".join(("coeval", *path))), path
        assert max(map(len, ran.stdout.splitlines())) <= 100, path
        assert coeval(*path, "-h").stdout == ran.stdout


WORDS = {"POLICY": "bills", "SERVICE": "bills", "CLUSTER": "east", "INSTANCE:/PATH": "posix:/x",
         "INSTANCE": "posix", "OPERATION": "x", "FILE": "bills.yaml", "TEXT": "why", "WHEN": "1h"}


def test_usage_is_what_must_be_given(tmp_path):
    """With what the first line of its help tells, each command asks the device; with less it does
    not even try."""
    (tmp_path / "bills.yaml").write_text(POLICY)
    for path in commands():
        usage = coeval(*path, "--help").stdout.splitlines()[0].removeprefix("Usage: coeval ")
        if "COMMAND" in usage:
            continue
        words = re.sub(r"\[[^]]*\]", "", usage).split()[len(path):]
        given = [WORDS.get(word, word) for word in words]
        assert coeval(*path, *given, cwd=tmp_path).returncode == 4, (path, given)
        if given:
            short = given[:-2] if "--" in words[-2:][0] else given[:-1]
            ran = coeval(*path, *short, cwd=tmp_path)
            assert ran.returncode == 1 and "is missing" in ran.stderr, (path, short)


def test_help_tells_of_output_and_exit_status():
    text = coeval("--help").stdout
    assert "  --version" in text and "into a pipe" in text and "Exit status:" in text
    for path in commands():
        if path:
            ran = coeval(*path, "--help")
            assert ran.stdout.endswith("\nOutput and exit status: coeval --help\n"), path
            assert "until the epoch" not in ran.stdout  # `operation show` waits, too


def test_tables_into_a_pipe_are_tables(script):
    """Only an epoch that is followed is JSON where no terminal is."""
    script.on("GET", "/v1/status", status(services=[service()]))
    script.on("GET", "/v1/policies", {"policies": [service()]})
    script.on("GET", "/v1/epochs", {"epochs": [epoch()]})
    for words in (["status"], ["policy", "list"], ["epoch", "list", "bills"]):
        for form in ([], ["-o", "table"]):
            shown = coeval(*words, *form, url=script.url).stdout
            assert shown.splitlines()[0].split()[0] in ("service", "policy", "epoch"), shown
        assert isinstance(json.loads(coeval(*words, "-o", "json", url=script.url).stdout), dict)


def test_commands_of_the_manual_are_there():
    every = {" ".join(path) for path in commands()}
    assert {"status", "check", "policy apply", "policy list", "policy show", "policy delete",
            "policy run", "policy pause", "policy resume", "epoch list", "epoch show",
            "epoch verify", "epoch abandon", "epoch rollback", "epoch resume", "epoch approve",
            "root list", "root plan", "root move", "cluster list", "cluster datasets", "events",
            "simulate", "recover"} <= every


@pytest.mark.parametrize("arguments, words", [
    ([], "a command is missing: one of status, check"),
    (["stat"], "'stat' is no command: one of status"),
    (["policy"], "coeval policy: a command is missing: one of apply, list"),
    (["policy", "aply"], "'aply' is no command: one of apply"),
    (["policy", "apply"], "--file FILE is missing"),
    (["policy", "show"], "something is missing: coeval policy show POLICY"),
    (["policy", "show", "a", "b"], "'b' is one argument too many: coeval policy show POLICY"),
    (["policy", "delete", "a"], "--reason TEXT is missing"),
    (["epoch", "abandon", "a", "1"], "--reason TEXT is missing"),
    (["recover"], "--reason TEXT is missing"),
    (["status", "--frobnicate"], "no option --frobnicate here"),
    (["status", "-z"], "no option -z here"),
    (["status", "--follow"], "no option --follow here"),
    (["events", "--after", "x"], "--after 'x' is not a number"),
    (["events", "--limit", "0"], "--limit '0' is not a number above 0"),
    (["events", "--limit"], "option --limit wants a value"),
    (["check", "--timeout", "soon"], "--timeout 'soon' is no duration"),
    (["status", "-o", "xml"], "--output is table or json, not 'xml'"),
    (["status", "--device", "localhost:7077"], "the device is http://HOST:PORT"),
    (["status", "--token-file", "/nonexistent"], "--token-file: "),
    (["epoch", "show", "bills", "one"], "'one' is no number of an epoch"),
    (["cluster", "datasets", "east", "posix:relative"], "is not INSTANCE:/PATH"),
    (["root", "plan", "east", ":/x"], "is not INSTANCE:/PATH"),
    (["simulate", "--until", "soon"], "is neither a time with its zone"),
    (["root", "move", "east", "posix", "--reason", "x"], "'posix' is not INSTANCE:/PATH"),
    (["simulate", "--until", "367d"], "--until '367d' is too far away: at most 366d"),
    (["simulate"], "--until WHEN is missing"),
])
def test_wrong_arguments(arguments, words):
    ran = coeval(*arguments)
    assert ran.returncode == 1 and ran.stdout == ""
    assert words in ran.stderr
    assert ran.stderr.startswith("coeval")


@pytest.mark.parametrize("arguments", [
    ["stat", "-o", "json"], ["-o", "json", "policy"], ["policy", "show", "--output=json"],
    ["-ojson", "status", "--frobnicate"], ["events", "--limit", "0", "--output", "json"],
    ["epoch", "show", "bills", "one", "-o", "json"], ["simulate", "--until", "soon", "-o", "json"],
    ["root", "plan", "east", ":/x", "-o", "json"],
    ["policy", "apply", "-o", "json", "-f", "/nonexistent/policy.yaml"],
])
def test_wrong_arguments_are_told_in_json_to_a_script(arguments):
    ran = coeval(*arguments)
    assert ran.returncode == 1 and ran.stdout == ""
    told = json.loads(ran.stderr)["error"]
    assert told["code"] in ("INVALID", "NOT_FOUND") and told["message"]


def test_options_may_stand_at_every_level(script):
    script.on("GET", "/v1/policies", {"policies": []})
    for arguments in (["-o", "json", "policy", "list"], ["policy", "-o", "json", "list"],
                      ["policy", "list", "-o", "json"], ["policy", "list", "--output=json"]):
        ran = coeval(*arguments, url=script.url)
        assert json.loads(ran.stdout) == {"policies": []}


def test_version():
    assert re.fullmatch(r"coeval \d+\.\d+\.\d+\n", coeval("--version").stdout)


# ---- exit status ----


def documented_codes():
    rows = (ROOT / "doc/exit-codes.md").read_text().splitlines()
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    return {int(c[0]): c[1] for c in cells if len(c) == 2 and c[0].isdigit()}


def test_exit_codes_are_those_of_the_table():
    table = (ROOT / "src/cli/exit_code.h").read_text()
    rows = re.findall(r'X\(\w+, (\d+), +\\?\s*"([^"]*)"\)', table)
    assert len(rows) >= 9
    assert documented_codes() == {int(number): text for number, text in rows}
    shown = re.findall(r"^  (\d+)  (.*)$", coeval("--help").stdout, re.M)
    assert documented_codes() == {int(number): text for number, text in shown}


@pytest.mark.parametrize("http_status, code, expected", [
    (400, "INVALID", 2), (409, "CONFLICT", 2), (409, "FENCED", 2), (413, "LIMIT", 2),
    (404, "NOT_FOUND", 3), (503, "UNAVAILABLE", 4), (504, "TIMEOUT", 4), (500, "CORRUPT", 5),
    (507, "NO_SPACE", 5), (403, "DENIED", 7), (401, "DENIED", 7),
])
def test_refusals_of_the_device(script, http_status, code, expected):
    script.on("GET", "/v1/status", error(code, "this is why"), status=http_status)
    ran = coeval("status", url=script.url)
    assert (ran.returncode, ran.stdout) == (expected, "")
    assert ran.stderr == "coeval status: this is why\n"
    ran = coeval("status", "-o", "json", url=script.url)
    assert ran.returncode == expected
    assert json.loads(ran.stderr) == error(code, "this is why")


@pytest.mark.parametrize("answer, http_status", [
    (b"<html>", 200), (b"", 200), (b"[]", 200), (b'{"a":1', 200), (b"{}", 500), (None, 200),
])
def test_something_else_answers(script, answer, http_status):
    script.on("GET", "/v1/status", answer, status=http_status, raw=True)
    ran = coeval("status", url=script.url)
    assert ran.returncode == 4 and ran.stdout == "" and script.url[7:] in ran.stderr


def test_nobody_answers():
    ran = coeval("status")
    assert ran.returncode == 4
    assert "is coevald running? --device or $COEVAL_DEVICE" in ran.stderr


def test_nobody_answers_a_follower():
    """Who follows waits for a device that is started anew, not for one that was never there."""
    ran = coeval("epoch", "show", "bills", "1", "--follow")
    assert ran.returncode == 4 and "is coevald running?" in ran.stderr


def test_token_is_sent(script, tmp_path):
    (tmp_path / "token").write_text("secret-token\nsecond line\n")
    script.on("GET", "/v1/status", status())
    coeval("status", "--token-file", tmp_path / "token", url=script.url)
    coeval("status", url=script.url, env={"COEVAL_TOKEN_FILE": str(tmp_path / "token")})
    coeval("status", url=script.url)
    sent = [headers.get("Authorization") for *_, headers in script.asked]
    assert sent == ["Bearer secret-token", "Bearer secret-token", None]


def test_output_that_cannot_be_written(script):
    script.on("GET", "/v1/status", status())
    with open("/dev/full", "w") as full:
        ran = subprocess.run([COEVAL, "status"], stdout=full, stderr=subprocess.PIPE, text=True,
                             env=environment(script.url), timeout=PATIENCE_S)
    assert ran.returncode == 5 and "cannot be written" in ran.stderr


def test_reader_that_leaves_hears_nothing_more(script):
    many = [event(n + 1, text="x" * 500) for n in range(2000)]
    script.on("GET", "/v1/events", {"events": many})
    for parent in (signal.SIG_DFL, signal.SIG_IGN):
        reading, writing = os.pipe()
        process = subprocess.Popen(
            [COEVAL, "events"], stdout=writing, stderr=subprocess.PIPE, restore_signals=False,
            preexec_fn=lambda how=parent: signal.signal(signal.SIGPIPE, how),
            env=environment(script.url))
        os.close(writing)
        assert os.read(reading, 100)
        os.close(reading)
        assert process.communicate(timeout=PATIENCE_S)[1] == b""
        assert process.returncode == -signal.SIGPIPE


# ---- policies ----


POLICY = """\
apiVersion: coeval/v1
kind: Policy
name: bills
pair: {name: east-west, primary: east, secondary: west}
group:
  data_sets: [posix:/bills]
period: PT15M
"""


def test_policy_apply(script, tmp_path):
    file = tmp_path / "bills.yaml"
    file.write_text(POLICY)
    script.on("PUT", "/v1/policies/bills", APPLIED)
    ran = coeval("policy", "apply", "-f", file, "--reason", "a & b", url=script.url)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == "policy 'bills' applied, revision 3"
    assert ran.stdout.count("no barrier") == 1
    method, path, body, headers = script.asked[0]
    assert path == "/v1/policies/bills?reason=a%20%26%20b"
    assert json.loads(body)["group"] == {"data_sets": ["posix:/bills"]}
    assert headers["Content-Type"] == "application/json"


def test_policy_apply_dry_run_from_stdin(script):
    script.on("PUT", "/v1/policies/bills", dict(APPLIED, dry_run=True, revision=0))
    ran = coeval("policy", "apply", "-n", "-f", "-", url=script.url, input=POLICY)
    assert "is sound and would be applied" in ran.stdout
    assert script.asked[0][1] == "/v1/policies/bills?dry_run=true"


@pytest.mark.parametrize("text, where", [
    (POLICY + "colour: red\n", ":8:1: unknown key 'colour'"),
    (POLICY + "period: PT1H\n", ":8:1: "),
    (POLICY.replace("PT15M", "15 minutes"), ":7:9: "),
    (POLICY.replace("name: bills\n", ""), "'name' is missing"),
    (POLICY + "a: [", ": "),
])
def test_policy_that_is_not_sound_is_not_sent(script, tmp_path, text, where):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    ran = coeval("policy", "apply", "-f", file, url=script.url)
    assert ran.returncode == 1 and f"{file}" in ran.stderr and where in ran.stderr
    assert script.asked == []


def test_policy_file_that_is_not_there(script):
    ran = coeval("policy", "apply", "-f", "/nonexistent/policy.yaml", url=script.url)
    assert ran.returncode == 1 and "/nonexistent/policy.yaml" in ran.stderr


def test_names_are_encoded(script):
    script.on("GET", "/v1/policies/a%2Fb%20%3F", error("NOT_FOUND"), status=404)
    assert coeval("policy", "show", "a/b ?", url=script.url).returncode == 3


def test_policy_orders(script):
    script.on("POST", "/v1/policies/bills/pause", service(state="paused"))
    script.on("POST", "/v1/policies/bills/resume", service())
    script.on("POST", "/v1/policies/bills/run", {"service": "bills", "number": 4})
    script.on("DELETE", "/v1/policies/bills", {})
    assert "is paused" in coeval("policy", "pause", "bills", url=script.url).stdout
    assert "is resumed" in coeval("policy", "resume", "bills", url=script.url).stdout
    ran = coeval("policy", "run", "bills", "--reason", "now", url=script.url)
    assert "coeval epoch show bills 4 --follow" in ran.stdout
    ran = coeval("policy", "delete", "bills", "--reason", "r", url=script.url)
    assert "is deleted" in ran.stdout
    assert [json.loads(body or "null") for _, _, body, _ in script.asked] == [
        {}, {}, {"reason": "now"}, None]
    assert script.asked[-1][1] == "/v1/policies/bills?reason=r"
