"""suites.py: the body of tools/check. Builds under build-check/, warnings are errors, and runs
two lanes side by side, because the first one mostly waits for moments and clusters:

  tidy       layout, include rules, documents     property   random cases, planted defects
  unit       every module on its own              adapter    real LMDB, sockets, directories
  scenario   recorded stories                     fuzz       the corpora of the decoders
  quickstart tools/quickstart, as a newcomer runs it
  testbed, integration  real clusters, and daemons on them; a skip here is a failure

  clang      the second compiler with ASan and UBSan: its build, each fuzz target for a
             few seconds, and unit to adapter in it
  sim        the whole engine on seeds
  coverage   the pure folders, line by line

and with --all, which takes longer:

  release    gcc and clang with full optimisation, which sees other warnings
  threads    what has threads, under ThreadSanitizer

A case is what a test program counts itself: a TAP line, a pytest case, the N of "# N cases"; else
the program is one case. What is not in the tree is not run. Downloads (100 MB of Hadoop, once) lie
in $COEVAL_CACHE, ~/.cache/coeval by default.
"""
import argparse
import collections
import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build-check")
FAST = ("tidy", "unit", "scenario", "property", "adapter", "fuzz")
CLUSTERS = ("testbed", "integration")  # real ones; never skipped
SANITIZED = ("unit", "scenario", "property", "adapter")
FUZZ_SECONDS = 3
TAIL_LINES = 40
MEMORY_BYTES = 6 << 30

TAP = re.compile(r"^(not )?ok\b(?:\s+\d+)?(?:\s+-)?\s*(.*)$")
TAP_SKIP = re.compile(r"#\s*skip\w*:?\s*(.*)", re.I)
CASES = re.compile(r"^# (\d+) cases$", re.M)
PYTEST = re.compile(r"^=*\s*((?:\d+ \w+(?:, )?)+) in [\d.]+s", re.M)
PYTEST_SKIP = re.compile(r"^SKIPPED \[(\d+)\] ([^:]+:\d+): (.*)$", re.M)


class Tally:
    """What was counted so far; skips are (name, reason)."""

    def __init__(self):
        self.passed = self.failed = 0
        self.skips = []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skips += other.skips

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {len(self.skips)} skipped" if self.skips else "")


def one(is_good):
    tally = Tally()
    tally.passed, tally.failed = int(is_good), int(not is_good)
    return tally


# ---- counting -----------------------------------------------------------------------------------

def count_tap(name, text, tally):
    for line in text.splitlines():
        match = TAP.match(line)
        if match is None:
            continue
        skip = TAP_SKIP.search(line)
        if skip is not None:
            tally.skips.append((f"{name}: {match[2].split('#')[0].strip()}",
                                skip[1] or "no reason given"))
        elif match[1]:
            tally.failed += 1
        else:
            tally.passed += 1


def count_pytest(name, text, tally):
    match = None
    for match in PYTEST.finditer(text):
        pass  # the last one is the summary
    if match is None:
        return
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", match[1])}
    tally.passed += counts.get("passed", 0) + counts.get("xfailed", 0)
    tally.failed += counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    told = PYTEST_SKIP.findall(text)
    for number, place, reason in told:
        tally.skips += [(f"{name}: {place}", reason)] * int(number)
    untold = counts.get("skipped", 0) - sum(int(number) for number, _, _ in told)
    tally.skips += [(name, "no reason given")] * max(0, untold)


def count_test(test):
    """The cases of one entry of meson's testlog.json."""
    name, text, tally = test["name"].split(" / ")[-1], test.get("stdout") or "", Tally()
    is_good = test["result"] in ("OK", "EXPECTEDFAIL")
    if test["result"] == "SKIP":
        lines = text.strip().splitlines()
        tally.skips.append((name, lines[-1] if lines else "no reason given"))
        return tally
    count_tap(name, text, tally)
    count_pytest(name, text, tally)
    if is_good and tally.passed + tally.failed + len(tally.skips) == 0:
        match = CASES.search(text)
        tally.passed = int(match[1]) if match else 1
    if not is_good and tally.failed == 0:
        tally.failed = 1
    return tally


# ---- running ------------------------------------------------------------------------------------

def environment():
    env = dict(os.environ)
    env["COEVAL_CACHE"] = os.environ.get("COEVAL_CACHE") or os.path.expanduser("~/.cache/coeval")
    env["PYTEST_ADDOPTS"] = "-rs"  # pytest says why it skips
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    env["LC_ALL"] = "C.UTF-8"
    # Every finding of a sanitizer ends the test.
    env["ASAN_OPTIONS"] = "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    env["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
    return env


def tail(text):
    """The last lines; of a build, those from its first failure on."""
    lines = (text or "").rstrip().splitlines()
    failures = [number for number, line in enumerate(lines) if line.startswith("FAILED:")]
    lines = lines[failures[0]:][:TAIL_LINES] if failures else lines[-TAIL_LINES:]
    return "".join(f"    | {line}\n" for line in lines)


class Checks:
    def __init__(self, options):
        self.options = options
        self.env = environment()
        self.total = Tally()
        self.began = time.monotonic()
        self.lock = threading.Lock()

    def tell(self, name, tally, began, details=""):
        """One line, below what is to be said of it: lanes do not mix their words."""
        seconds = time.monotonic() - began
        with self.lock:
            self.total.add(tally)
            print(f"{details}{name:24} {str(tally):44} {seconds:6.1f} s", flush=True)

    def run(self, *command, log=None, env=None):
        """True when it ended well; its output is kept in build-check/logs and shown if not."""
        path = os.path.join(BUILD, "logs", (log or os.path.basename(command[0])) + ".log")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            done = subprocess.run(command, cwd=ROOT, env={**self.env, **(env or {})}, check=False,
                                  stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        if done.returncode == 0:
            return True
        with open(path, encoding="utf-8", errors="replace") as file, self.lock:
            print(f"  {' '.join(command)}\n  ended with {done.returncode}; its log, {path}:\n"
                  f"{tail(file.read())}", end="")
        return False

    def build(self, name, compiler, *settings, targets=()):
        """Configures once, builds; a compiler's warning is an error. One case."""
        began, directory = time.monotonic(), os.path.join(BUILD, name)
        is_good = os.path.exists(os.path.join(directory, "build.ninja")) or \
            self.run("meson", "setup", directory, ROOT, "-Dtests=true", *settings,
                     log=f"setup-{name}", env={"CC": compiler})
        is_good = is_good and self.run("ninja", "-C", directory, *targets, log=f"build-{name}")
        self.tell(f"build {name}", one(is_good), began)
        return is_good

    def suites_of(self, name):
        """The suites that this build has, each with the number of its tests."""
        done = subprocess.run(["meson", "introspect", "--tests", os.path.join(BUILD, name)],
                              stdout=subprocess.PIPE, check=True, env=self.env)
        return collections.Counter(suite.split(":")[-1] for test in json.loads(done.stdout)
                                   for suite in test["suite"])

    # A limit is there to end what hangs, not to measure a busy machine.
    def suite(self, build, suite, label=None, options=("-t", "6"), env=None):
        began, directory = time.monotonic(), os.path.join(BUILD, build)
        # of its own, for lanes share a build
        log = os.path.join(directory, "meson-logs", f"testlog-{suite}.json")
        if os.path.exists(log):
            os.remove(log)
        subprocess.run(["meson", "test", "-C", directory, "--no-rebuild", "--suite", suite,
                        "--logbase", f"testlog-{suite}", *options],
                       check=False, stdin=subprocess.DEVNULL, env={**self.env, **(env or {})},
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tally, tests, details = Tally(), [], ""
        if os.path.exists(log):
            with open(log, encoding="utf-8", errors="replace") as file:
                tests = [json.loads(line) for line in file]
        for test in tests:
            counted = count_test(test)
            tally.add(counted)
            if counted.failed:
                details += f"  {test['name']}: {test['result']} after {test['duration']:.1f} s\n" \
                           f"{tail(test.get('stdout'))}{tail(test.get('stderr'))}"
        if not tests:
            details += f"  meson ran no test of suite {suite} in {directory}\n"
            tally = one(False)
        if suite in CLUSTERS and tally.skips:
            tally.failed += len(tally.skips)  # real clusters are never skipped
        details += "".join(f"  skipped: {name}: {reason}\n" for name, reason in tally.skips)
        self.tell(label or suite, tally, began, details)


# ---- the stages ---------------------------------------------------------------------------------

def compiler(name):
    """With ccache where it is installed: a second run is quick."""
    found = subprocess.run(["sh", "-c", "command -v ccache"], stdout=subprocess.DEVNULL,
                           check=False).returncode == 0
    return f"ccache {name}" if found else name


def memory_place():
    """A directory for tests, in memory where there is room: programs that sync on a slow disk
    mostly test the disk, and quickstart does that. What a test leaves there goes with it."""
    memory = "/dev/shm"
    has_room = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_BYTES
    return tempfile.TemporaryDirectory(prefix="coeval-check-", dir=memory if has_room else None)


def check_suites(checks):
    there = checks.suites_of("gcc")
    # A suite that nobody put into this file's order runs all the same.
    others = [suite for suite in there if suite not in (*FAST, *CLUSTERS, "sim")]
    with memory_place() as place:
        for suite in [*FAST, *sorted(others)]:
            if there[suite]:
                checks.suite("gcc", suite, env={"TMPDIR": place})


def check_sim(checks):
    if checks.suites_of("gcc")["sim"]:
        checks.suite("gcc", "sim")


def check_clang(checks):
    if not checks.build("clang", compiler("clang"), "-Db_sanitize=address,undefined",
                        "-Db_lundef=false", "-Dfuzz=true", "-Dbuildtype=debug",
                        "-Doptimization=1",
                        # a third less to compile; backtraces have their lines all the same
                        "-Dc_args=-gline-tables-only -fno-sanitize-recover=all"):
        return
    fuzz(checks)
    there = checks.suites_of("clang")
    with memory_place() as place:
        for suite in SANITIZED:
            if there[suite]:
                checks.suite("clang", suite, f"{suite} (ASan, UBSan)", ("-t", "8"),
                             env={"TMPDIR": place})


def fuzz(checks):
    began, tally = time.monotonic(), Tally()
    names = [os.path.basename(path)[len("fuzz_"):] for path in
             sorted(glob.glob(os.path.join(BUILD, "clang/test/fuzz/fuzz_*")))
             if not os.path.isdir(path)]

    def run(name):
        return checks.run(os.path.join(ROOT, "test/fuzz/run"), str(FUZZ_SECONDS), name,
                          log=f"fuzz-{name}", env={"FUZZ_BUILD": os.path.join(BUILD, "clang")})

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for is_good in pool.map(run, names):
            tally.add(one(is_good))
    checks.tell(f"fuzz, {FUZZ_SECONDS} s each", tally, began)


def check_coverage(checks):
    """Pure folders at 100 % of their lines."""
    build = os.path.join(BUILD, "coverage")
    if not checks.build("coverage", compiler("gcc"), "-Db_coverage=true", "-Dbuildtype=debug",
                        targets=("build.ninja",)):
        return
    began = time.monotonic()
    is_good = checks.run(os.path.join(ROOT, "tools/coverage"), "--build", build, log="coverage")
    checks.tell("coverage", one(is_good), began)


def check_quickstart(checks):
    if not os.path.exists(os.path.join(ROOT, "tools/quickstart")):
        return
    began = time.monotonic()
    is_good = checks.run(os.path.join(ROOT, "tools/quickstart"), "--build",
                         os.path.join(BUILD, "gcc"), log="quickstart")
    checks.tell("quickstart", one(is_good), began)


def check_integration(checks):
    there = checks.suites_of("gcc")
    with memory_place() as place:
        # They wait more than they compute.
        for suite in CLUSTERS:
            if there[suite]:
                checks.suite("gcc", suite, options=("-t", "6", "--num-processes", "4"),
                             env={"TMPDIR": place})


def check_release(checks):
    for name in ("gcc", "clang"):
        checks.build(f"release-{name}", compiler(name), "--buildtype", "release")


def check_threads(checks):
    if not checks.build("threads", compiler("clang"), "-Db_sanitize=thread", "-Db_lundef=false",
                        "-Dbuildtype=debug", "-Doptimization=1"):
        return
    for suite in ("unit", "adapter"):
        checks.suite("threads", suite, f"{suite} (TSan)", ("-t", "12"))


EXTRA = {"release": check_release, "threads": check_threads}
LANES = ({"suites": check_suites, "quickstart": check_quickstart,
          "integration": check_integration},
         {"clang": check_clang, "sim": check_sim, "coverage": check_coverage})


def run_lane(checks, lane, wanted):
    for name, stage in lane.items():
        if name in wanted:
            stage(checks)


def run_lanes(checks, wanted):
    with concurrent.futures.ThreadPoolExecutor(len(LANES)) as pool:
        for lane in [pool.submit(run_lane, checks, lane, wanted) for lane in LANES]:
            lane.result()  # what it raised ends the check


def main():
    parser = argparse.ArgumentParser(prog="tools/check", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true",
                        help="gcc and its suites only: no integration, sanitizers, coverage")
    parser.add_argument("--all", action="store_true", help="release and threads as well")
    parser.add_argument("--only", metavar="STAGE", action="append",
                        choices=("clang", "sim", "coverage", "quickstart", "integration", *EXTRA),
                        help="gcc's build, then only this; may be given more than once")
    options = parser.parse_args()
    checks = Checks(options)
    wanted = ["suites", "sim"] if options.quick else \
        options.only or [name for lane in LANES for name in lane]
    is_built = checks.build("gcc", compiler("gcc"))
    if is_built:
        run_lanes(checks, wanted)
    for name, stage in EXTRA.items():
        if is_built and (options.all or name in wanted):
            stage(checks)
    print(f"{'all':69} {time.monotonic() - checks.began:6.1f} s")
    print(checks.total)
    return 0 if checks.total.failed == 0 and checks.total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
