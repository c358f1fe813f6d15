"""verify_manifest_test: tools/verify-manifest proves what C code wrote, and sees every damage."""
import grp
import hashlib
import json
import os
import pwd
import subprocess
import sys
import urllib.parse

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PROGRAM = os.path.join(ROOT, "tools", "verify-manifest")
SAMPLE = os.environ["COEVAL_MANIFEST_SAMPLE"]
CRCS = {b"123456789": 0xE3069283, b"": 0}


def quote(text):
    return urllib.parse.quote(text, safe="") if text is not None else "-"


def line(sign, tree, path):
    """The manifest's line about an object of the tree."""
    full = os.path.join(os.fsencode(tree), path) if path else os.fsencode(tree)
    s = os.lstat(full)
    kind = 3 if os.path.islink(full) else 2 if os.path.isdir(full) else 1
    xattr = None
    if kind == 1 and path == b"with":
        xattr = "user.colour"
    fields = [sign, quote(path), str(kind), str(s.st_size if kind != 2 else 0),
              oct(s.st_mode & 0o7777)[2:], str(s.st_mtime_ns), pwd.getpwuid(s.st_uid)[0],
              grp.getgrgid(s.st_gid)[0],
              str(CRCS[open(full, "rb").read()]) if kind == 1 else "-",
              quote(os.readlink(full)) if kind == 3 else "-", quote(xattr),
              quote("blue") if xattr else "-"]
    return "\t".join(fields) + "\n"


def deletion(path):
    return "\t".join(["-", quote(path), "1", "0", "0", "0", "o", "g", "-", "-", "-", "-"]) + "\n"


def paths_of(tree):
    found = [b""]
    for at, folders, files in os.walk(os.fsencode(tree)):
        found += [os.path.relpath(os.path.join(at, name), os.fsencode(tree))
                  for name in folders + files]
    return sorted(found, key=lambda path: path.split(b"/") if path else [])


def write_manifest(service, epoch, lines, parent=None):
    folder = service / epoch
    folder.mkdir(exist_ok=True)
    arguments = [SAMPLE, str(folder / "manifest.m1"), "m1", epoch]
    if parent:
        digest = hashlib.sha256((service / parent / "manifest.m1").read_bytes()).hexdigest()
        arguments += [parent, digest]
    run = subprocess.run(arguments, input="".join(lines), capture_output=True, text=True,
                         check=True)
    sha256, entries, size, root = run.stdout.split()
    return {"file": "manifest.m1", "kind": "delta" if parent else "full", "parent": parent,
            "sha256": sha256, "entries": entries, "bytes": size, "root_hash": root}


def write_seal(service, epoch, manifest, **changes):
    seal = {"schema": 1, "pair": "p", "service": "s", "service_name": "caf\u00e9 \x1f\"\\u001f",
            "generation": 1, "number": int(epoch.split(".e")[1]), "attempt": 1,
            "members": [{"id": "m1", "instance": "posix", "source_path": "/data",
                         "manifest": manifest, "tombstone": False}], "sealed_at_us": "1"}
    seal.update(changes)
    body = json.dumps(seal, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # As jansson writes it: upper case hexadecimal digits.
    body = body.replace("\\u001f\\\"", "\\u001F\\\"")
    seal["sha256"] = hashlib.sha256(body.encode()).hexdigest()
    (service / epoch / "seal.json").write_text(json.dumps(seal))


def verify(service, epoch, *arguments):
    run = subprocess.run([sys.executable, PROGRAM, str(service / epoch), *map(str, arguments)],
                         capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


@pytest.fixture
def sealed(tmp_path):
    """A tree, its full manifest in g1.e1 and, after a change, a delta in g1.e2."""
    tree, service = tmp_path / "tree", tmp_path / "service"
    tree.mkdir()
    service.mkdir()
    (tree / "a").mkdir()
    (tree / "a" / "one").write_bytes(b"123456789")
    (tree / "gone").write_bytes(b"")
    os.symlink("a/one", tree / "link")
    with open(os.fsencode(tree) + b"/odd \xff\n name", "wb"):
        pass
    full = write_manifest(service, "g1.e1", [line("+", tree, path) for path in paths_of(tree)])
    write_seal(service, "g1.e1", full)
    (tree / "gone").unlink()
    (tree / "a b").write_bytes(b"123456789")
    new = {b"a b"}
    lines = [(path, line("+" if path in new else "=", tree, path)) for path in paths_of(tree)]
    lines.append((b"gone", deletion(b"gone")))
    lines.sort(key=lambda item: item[0].split(b"/") if item[0] else [])
    lines[0] = (b"", lines[0][1].replace("=", "+", 1))  # the top's time has changed
    delta = write_manifest(service, "g1.e2", [text for _, text in lines], "g1.e1")
    write_seal(service, "g1.e2", delta)
    return tree, service, delta


def test_a_chain_and_its_tree(sealed):
    tree, service, _ = sealed
    assert verify(service, "g1.e1")[0] == 0
    code, text = verify(service, "g1.e2", "--tree", tree)
    assert (code, text) == (0, "m1 (/data): 6 entries, all proven\n")
    code, text = verify(service, "g1.e1", "--tree", tree)
    assert code == 1 and "b'gone': is missing" in text and "b'a b': is in the tree alone" in text


CHANGES = {
    "content": (lambda tree: rewrite(tree / "a" / "one", b"987654321"), "crc is"),
    "length": (lambda tree: rewrite(tree / "a" / "one", b"12345678"), "length is"),
    "mode": (lambda tree: os.chmod(tree / "a", 0o700), "mode is"),
    "mtime": (lambda tree: os.utime(tree / "a b", ns=(1, 1)), "mtime is"),
    "type": (lambda tree: retype(tree / "a b"), "type is"),
    "target": (lambda tree: relink(tree / "link"), "target is"),
    "more": (lambda tree: (tree / "a" / "more").write_bytes(b""), "alone"),
    "less": (lambda tree: (tree / "a" / "one").unlink(), "missing"),
}


def rewrite(path, content):
    times = os.stat(path)
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def retype(path):
    path.unlink()
    path.mkdir()


def relink(path):
    path.unlink()
    os.symlink("elsewhere", path)


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_differences_are_named(sealed, name):
    tree, service, _ = sealed
    change, text = CHANGES[name]
    change(tree)
    code, output = verify(service, "g1.e2", "--tree", tree)
    assert code == 1 and text in output


def test_xattrs(tmp_path):
    tree, service = tmp_path / "tree", tmp_path / "service"
    tree.mkdir()
    service.mkdir()
    (tree / "with").write_bytes(b"")
    try:
        os.setxattr(tree / "with", "user.colour", b"blue")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    manifest = write_manifest(service, "g1.e1", [line("+", tree, path) for path in paths_of(tree)])
    write_seal(service, "g1.e1", manifest)
    assert verify(service, "g1.e1", "--tree", tree)[0] == 0
    os.setxattr(tree / "with", "user.colour", b"red")
    code, output = verify(service, "g1.e1", "--tree", tree)
    assert code == 1 and "xattrs is" in output


def test_any_flipped_byte_is_seen(sealed):
    _, service, _ = sealed
    for name in ("g1.e1/manifest.m1", "g1.e2/manifest.m1", "g1.e2/seal.json"):
        data = (service / name).read_bytes()
        for at in range(0, len(data), max(1, len(data) // 7)):
            (service / name).write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])
            assert verify(service, "g1.e2")[0] == 3
        (service / name).write_bytes(data[:-1])
        assert verify(service, "g1.e2")[0] == 3
        (service / name).write_bytes(data)
    assert verify(service, "g1.e2")[0] == 0


def test_what_is_sealed_must_be_what_is_there(sealed):
    _, service, delta = sealed
    for key, value in (("entries", "7"), ("bytes", "1"), ("root_hash", "00" * 32),
                       ("sha256", "00" * 32), ("file", "manifest.m2")):
        write_seal(service, "g1.e2", {**delta, key: value})
        assert verify(service, "g1.e2")[0] == 3
    write_seal(service, "g1.e2", delta, number=3)
    assert verify(service, "g1.e2")[0] == 3
    write_seal(service, "g1.e2", delta, schema=2)
    assert verify(service, "g1.e2")[0] == 3
    write_seal(service, "g1.e2", delta)
    assert verify(service, "g1.e2")[0] == 0


def test_a_lost_or_exchanged_parent_is_seen(sealed):
    tree, service, _ = sealed
    write_manifest(service, "g1.e1", [line("+", tree, path) for path in paths_of(tree)])
    code, text = verify(service, "g1.e2")
    assert code == 3 and "another manifest" in text
    (service / "g1.e1" / "manifest.m1").unlink()
    assert verify(service, "g1.e2")[0] == 3


def test_members_are_named(sealed):
    tree, service, delta = sealed
    assert verify(service, "g1.e2", "--member", "m1")[0] == 0
    assert verify(service, "g1.e2", "--member", "m2")[0] == 2
    write_seal(service, "g1.e2", delta, members=[
        {"id": "m1", "source_path": "/data", "manifest": delta, "tombstone": False},
        {"id": "m2", "source_path": "/gone", "manifest": None, "tombstone": True}])
    code, text = verify(service, "g1.e2")
    assert code == 0 and "m2 (/gone): 0 entries" in text
    code, text = verify(service, "g1.e2", "--tree", tree)
    assert code == 2 and "give --member ID, one of m1 (/data), m2 (/gone)" in text
    assert verify(service, "g1.e2", "--tree", tree, "--member", "m1")[0] == 0


WRONG = [
    ([], "the following arguments are required: EPOCH_DIR"),
    (["--tree", "{tree}"], "the following arguments are required: EPOCH_DIR"),
    (["{service}"], "give a sealed epoch's AREA/PAIR/SERVICE/gG.eN"),
    (["{service}/g1.e9"], "no seal.json that you may read in "),
    (["{service}/g1.e2", "{service}/g1.e1"], "unrecognized arguments"),
    (["{service}/g1.e2", "--tree"], "--tree: expected one argument"),
    (["{service}/g1.e2", "--tree", ""], "give a seal snapshot's"),
    (["{service}/g1.e2", "--tree", "{tree}/nowhere"], "give a seal snapshot's"),
    (["{service}/g1.e2", "--tree", "{tree}/a b"], "give a seal snapshot's"),
    (["{service}/g1.e2", "--member", "m7"], "give --member ID, one of m1 (/data)"),
    (["{service}/g1.e2", "--members"], "--help tells more"),
]


@pytest.mark.parametrize("arguments, words", WRONG)
def test_wrong_use_is_told_in_a_line(sealed, arguments, words):
    tree, service, _ = sealed
    given = [text.format(tree=tree, service=service) for text in arguments]
    run = subprocess.run([sys.executable, PROGRAM, *given], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (2, ""), run.stderr
    assert run.stderr.startswith("verify-manifest: ") and run.stderr.count("\n") == 1
    assert words in run.stderr


def test_damage_is_told_in_a_line(sealed):
    _, service, _ = sealed
    (service / "g1.e1" / "manifest.m1").unlink()
    for text in (None, "{", "[]", "{}", "null"):
        if text:
            (service / "g1.e2" / "seal.json").write_text(text)
        code, said = verify(service, "g1.e2")
        assert code == 3 and said.startswith("verify-manifest: ") and said.count("\n") == 1, said


def test_it_stays_short():
    """So that somebody who trusts nobody reads all of it."""
    with open(PROGRAM, encoding="utf-8") as file:
        assert len(file.readlines()) < 150
