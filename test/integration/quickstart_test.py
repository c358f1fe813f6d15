"""tools/quickstart: what it tells a newcomer to type does what it says."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE_S = 300


def run(*arguments, cwd, **options):
    return subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE_S, **options)


def next_commands(text):
    """Those at the end: indented by two, what follows several blanks explains them."""
    tail = text.split("What you may try next:\n", 1)[1]
    return [line[2:].split("  ")[0] for line in tail.splitlines() if re.match("  [^ ]", line)]


def typed(text, places, directory):
    """What was typed on the way and only reads works again, with the places defined as shown."""
    commands = [line for line in re.findall(r"^\$ (.*)$", text, re.M) if line.startswith(
        ("tools/verify-manifest", "head -n", "tools/quickstart_app.py check"))]
    assert places[0].startswith("D=") and len(commands) >= 4
    for line in commands:
        ran = run("bash", "-c", "\n".join(["set -eu", *places, line]), cwd=directory)
        assert ran.returncode == 0, (line, ran.stderr)


def quickstart(tmp_path, cwd, *arguments):
    """Runs it; its temporary directory is made in tmp_path/temporary."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    shown = run(os.path.join(ROOT, "tools/quickstart"), "--build", os.environ["BUILD_ROOT"],
                *arguments, cwd=cwd, env={**os.environ, "TMPDIR": str(temporary)})
    assert shown.returncode == 0, shown.stdout + shown.stderr
    for words in ("the primary cluster", "the secondary cluster", "the sealed trees",
                  "the files kept as proof"):
        assert words in shown.stdout
    commands = next_commands(shown.stdout)
    assert len(commands) == 3, shown.stdout
    return shown.stdout, commands, temporary


def all_work(commands, cwd):
    for command in commands:
        ran = run("bash", "-c", command, cwd=cwd)
        assert ran.returncode == 0, (command, ran.stdout + ran.stderr)


def test_what_it_leaves_can_be_looked_at(tmp_path):
    text, commands, temporary = quickstart(tmp_path, ROOT, "--keep")
    typed(text, re.findall(r"^\$ (\w+=.*)$", text, re.M), ROOT)
    assert list(temporary.iterdir())
    all_work(commands, ROOT)  # the last one removes it
    assert not list(temporary.iterdir())


def test_it_leaves_nothing_and_says_how_to_go_on(tmp_path):
    """From elsewhere, too."""
    _, commands, temporary = quickstart(tmp_path, tmp_path)
    assert not list(temporary.iterdir())
    assert commands.pop(0) == f"{ROOT}/tools/quickstart --keep"  # that is the other test
    all_work(commands, tmp_path)
