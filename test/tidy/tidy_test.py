"""tidy_test: each rule of tools/tidy reports a tiny bad tree, and is silent about a good one."""
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, "tools", "tidy")
sys.dont_write_bytecode = True
LOADER = importlib.machinery.SourceFileLoader("tidy", PROGRAM)
tidy = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", LOADER))
LOADER.exec_module(tidy)

MAY_USE = {
    "folders": {"base": [], "loop": ["base"], "plan": ["base"]},
    "pure": ["plan"],
    "impure": ["unistd.h", "sys/", "base/clock.h"],
    "foreign": {"uv.h": ["loop"], "curl/": ["http"], "sys/acl.h": ["posix"]},
    "system": ["stdio.h", "unistd.h", "sys/"],
    "allowed": {"usleep": ["src/loop/nap.c"], "printf": ["src/loop/"]},
}
GOOD = {
    "src/base/list.h": "/* list.h: a list. */\n",
    "src/base/list.c": '/* list.c: see list.h. */\n#include "base/list.h"\n\n#include <stdio.h>\n',
    "src/base/clock.h": "/* clock.h: clocks. */\n",
    "src/loop/nap.c": '/* nap.c: a nap. */\n#include "base/list.h"\n#include <uv.h>\n'
                      "void nap(void)\n{\n    usleep(1);\n    printf(\"x\");\n}\n",
    "src/plan/order.c": '/* order.c: order. */\n#include "base/list.h"\n',
}


def complaints(tmp_path, files, may_use=None, ratchet=None):
    """What tidy says about the good tree with these files put over it."""
    tree = {**GOOD, **files,
            "test/tidy/may-use.json": json.dumps({**MAY_USE, **(may_use or {})}) + "\n",
            "test/tidy/ratchet.json": json.dumps(ratchet or {}) + "\n"}
    for path, text in tree.items():
        full = tmp_path / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(text.encode("utf-8", "surrogateescape"))
    return tidy.complaints(str(tmp_path))


def c_file(body):
    return "/* bad.c: made to be reported. */\n" + body


def function(name, lines):
    return f"static int {name}(int a,\n        int b)\n{{\n" + "    x();\n" * (lines - 2) + "}\n"


def test_the_good_tree(tmp_path):
    assert complaints(tmp_path, {}) == []


BAD = [
    # (path, text, where and what)
    ("src/base/bad.c", c_file('#include "loop/bad.h"\n'), 'bad.c:2: "loop/bad.h" does not exist'),
    ("src/new/bad.c", c_file(""), "folder new is not in test/tidy/may-use.json"),
    ("src/loop/bad.c", c_file('#include "plan/x.h"\n'), '"plan/x.h" does not exist'),
    ("src/plan/bad.c", c_file("#include <uv.h>\n"), "bad.c:2: <uv.h> belongs to loop"),
    ("src/loop/bad.c", c_file("#include <curl/curl.h>\n"), "<curl/curl.h> belongs to http"),
    ("src/loop/bad.c", c_file("#include <sys/acl.h>\n"), "<sys/acl.h> belongs to posix"),
    ("src/loop/bad.c", c_file("#  include <zookeeper.h>\n"),
     "<zookeeper.h> is not in test/tidy/may-use.json"),
    ("src/plan/bad.c", c_file("#include <unistd.h>\n"), "plan is pure"),
    ("src/plan/bad.c", c_file("#include <sys/stat.h>\n"), "plan is pure"),
    ("src/plan/bad.c", c_file('#include "base/clock.h"\n'), "plan is pure"),
    ("src/base/list.c", c_file('#include <stdio.h>\n#include "base/list.h"\n'),
     'list.c:2: the own header "base/list.h" comes first'),
    ("src/base/list.c", c_file(""), 'the own header "base/list.h" comes first'),
    ("test/unit/list.c", c_file(""), "folders_of_name: list has 2; the limit is 1"),
    ("src/loop/list.h", "/* list.h: another. */\n", "folders_of_name: list has 2; the limit is 1"),
    ("src/base/bad.c", c_file("void f(void)\n{\n    strcpy(a, b);\n}\n"), "bad.c:4: strcpy()"),
    ("src/base/bad.c", c_file("int a = strcat (x, y);\n"), "strcat()"),
    ("src/base/bad.c", c_file("int a = sprintf(x, y);\n"), "sprintf()"),
    ("include/bad.c", c_file("int a = gets(x);\n"), "gets()"),
    ("src/base/bad.c", c_file("int a = system(x);\n"), "system()"),
    ("src/base/bad.c", c_file("int a = popen(x, y);\n"), "popen()"),
    ("src/base/bad.c", c_file("int a = sleep(1);\n"), "sleep()"),
    ("test/unit/bad.c", c_file("int a = usleep(1);\n"), "usleep()"),
    ("src/base/bad.c", c_file("int a = time(NULL);\n"), "time()"),
    ("src/base/bad.c", c_file("int a = localtime(&b);\n"), "localtime()"),
    ("src/base/bad.c", c_file("int a = printf(x);\n"), "printf()"),
    ("src/base/bad.c", c_file("#include <assert.h>\n"), "<assert.h>"),
    ("test/unit/bad.c", c_file("#include <assert.h>\n"), "<assert.h>"),
    ("src/base/bad.c", c_file("int a = assert(b);\n"), "assert()"),
    ("src/base/bad.c", "#include <stdio.h>\n", "bad.c:1: the first comment"),
    ("include/bad.h", "#define X\n", "bad.h:1: the first comment"),
    ("test/bad.py", "#!/usr/bin/python3\nimport sys\n", "bad.py:1: the first comment"),
    ("tools/bad.sh", "#!/bin/sh\nset -e\n", "bad.sh:1: the first comment"),
    ("src/base/bad.c", c_file("/* " + "x" * 98 + " */\n"), "bad.c:2: 104 columns"),
    ("test/bad.py", '"""bad: long."""\nx = ' + "1" * 97 + "\n", "bad.py:2: 101 columns"),
    ("src/base/bad.c", c_file("\tint a;\n"), "bad.c:2: a tab"),
    ("src/meson.build", "x = 1 \n", "meson.build:1: blanks at the end"),
    ("src/base/bad.c", c_file("int a;"), "no newline at the end of the file"),
    ("src/base/bad.c", c_file(function("long_one", 71)), "src/base/bad.c:long_one has 71"),
    ("src/base/bad.c", c_file("int a;\n" * 500), "file_lines: src/base/bad.c has 501"),
    ("src/base/bad.h", c_file("int a;\n" * 150), "header_lines: src/base/bad.h has 151"),
    ("test/unit/bad.py", '"""bad: long."""\n' + "a = 1\n" * 500, "file_lines: test/unit/bad.py"),
]


@pytest.mark.parametrize("path, text, expected", BAD)
def test_a_bad_file_is_reported(tmp_path, path, text, expected):
    found = complaints(tmp_path, {path: text})
    assert len(found) >= 1
    assert any(expected in line for line in found), found
    assert len(found) == 1, found


HARMLESS = [
    c_file("/* strcpy(a, b) and time(NULL) in a comment */\n"),
    c_file('const char *a = "system(\\"x\\")";\n'),
    c_file("// gets(x)\n"),
    c_file("int a = json_get_time(x), b = s.time(1), c = p->system(2), d = runtime(3);\n"),
    c_file(function("just_right", 70)),
    c_file("int a;\n" * 499),
    c_file("const char c = '\"'; int strcpy_count;\n"),
    c_file("/* " + "x" * 94 + " */\n"),
    c_file("/* " + "\u00e9" * 94 + " */\n"),
]


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_files_pass(tmp_path, text):
    assert complaints(tmp_path, {"src/base/harmless.c": text}) == []


def test_tests_may_copy_strings(tmp_path):
    """They run under the sanitizers, and their texts are their own."""
    assert complaints(tmp_path, {"test/unit/x.c": c_file("int a = strcpy(b, c);\n")}) == []


def test_a_folder_may_use_what_the_table_says(tmp_path):
    files = {"src/plan/order.h": "/* order.h: order. */\n",
             "src/plan/order.c": c_file('#include "plan/order.h"\n'),
             "src/loop/bad.c": c_file('#include "plan/order.h"\n')}
    assert complaints(tmp_path, files) == ["src/loop/bad.c:2: loop may not use plan"]
    table = {"base": [], "loop": ["base", "plan"], "plan": ["base"]}
    assert complaints(tmp_path, files, may_use={"folders": table}) == []


def test_the_table_has_no_circle(tmp_path):
    table = {"base": ["loop"], "loop": ["plan"], "plan": ["base"]}
    found = complaints(tmp_path, {}, may_use={"folders": table})
    assert any("a circle: base -> loop -> plan -> base" in line for line in found)
    table = {"base": [], "loop": ["base", "moon"], "plan": ["base"]}
    found = complaints(tmp_path, {}, may_use={"folders": table})
    assert found == [
        "test/tidy/may-use.json:1: loop may use moon, which is no folder of the table"]


LONG = {"src/base/long.c": c_file("int a;\n" * 519)}  # 520 lines


@pytest.mark.parametrize("entry, expected", [
    (520, []),
    (519, ["src/base/long.c:1: file_lines: src/base/long.c grew from 519 to 520"]),
    (530, ["test/tidy/ratchet.json:1: file_lines: src/base/long.c shrank: write 520 in place"]),
])
def test_the_ratchet_only_shrinks(tmp_path, entry, expected):
    found = complaints(tmp_path, LONG, ratchet={"file_lines": {"src/base/long.c": entry}})
    assert len(found) == len(expected)
    assert all(line.startswith(start) for line, start in zip(found, expected)), found


def test_ratchet_entries_that_are_not_needed(tmp_path):
    ratchet = {"file_lines": {"src/base/list.c": 600, "src/gone.c": 600},
               "function_lines": {"src/base/list.c:gone": 80}}
    found = complaints(tmp_path, {}, ratchet=ratchet)
    assert found == [
        "test/tidy/ratchet.json:1: file_lines: src/base/list.c keeps the limit now:"
        " remove its entry",
        "test/tidy/ratchet.json:1: file_lines: src/gone.c does not exist: remove its entry",
        "test/tidy/ratchet.json:1: function_lines: src/base/list.c:gone does not exist:"
        " remove its entry"]


def test_function_names_and_lengths():
    text = ("struct x {\n    int a;\n};\n\n"
            "__attribute__((target(\"sse4.2\"))) static int first(int a)\n{\n    int b;\n}\n\n"
            "typedef int (*fn)(int);\nstatic void\nsecond(void (*call)(int), int b)\n{\n}\n"
            "static const int table[] = {\n    1,\n};\n")
    assert list(tidy.function_lengths(text)) == [(6, "first", 3), (13, "second", 2)]


def test_the_command(tmp_path):
    complaints(tmp_path, {"src/base/bad.c": c_file("\tint a;\n")})
    result = subprocess.run([PROGRAM, "--root", str(tmp_path)], stdout=subprocess.PIPE, text=True,
                            check=False)
    assert result.returncode == 1
    assert result.stdout == "src/base/bad.c:2: a tab\ntidy: 1 complaints\n"
    os.remove(tmp_path / "src/base/bad.c")
    result = subprocess.run([PROGRAM, "--root", str(tmp_path)], stdout=subprocess.PIPE, text=True,
                            check=False)
    assert result.returncode == 0


def run_format(root, search_path):
    return subprocess.run([sys.executable, PROGRAM, "--format", "--root", str(root)], check=False,
                          stdout=subprocess.PIPE, text=True, env={"PATH": str(search_path)})


def test_the_layout_is_skipped_with_a_reason(tmp_path):
    complaints(tmp_path, {})
    (tmp_path / "empty").mkdir()
    result = run_format(tmp_path, tmp_path / "empty")
    assert result.returncode == 77
    assert "clang-format is not installed" in result.stdout


@pytest.mark.skipif(tidy.shutil.which("clang-format") is None, reason="clang-format is missing")
def test_the_layout(tmp_path):
    complaints(tmp_path, {"src/base/bad.c": c_file("int  a;\n")})
    with open(os.path.join(ROOT, ".clang-format"), encoding="utf-8") as file:
        (tmp_path / ".clang-format").write_text(file.read(), encoding="utf-8")
    result = run_format(tmp_path, os.environ["PATH"])
    assert result.returncode == 1
    assert result.stdout.startswith("src/base/bad.c:1: the layout is not clang-format's")
    os.remove(tmp_path / "src/base/bad.c")
    os.remove(tmp_path / "src/loop/nap.c")
    assert run_format(tmp_path, os.environ["PATH"]).returncode == 0
