"""What HDFS reports for each kind of change between two snapshots: 51 cases, with the differences
that NameNodes 3.3.6, 3.4.3 and 3.5.0 were found to report. The integration test runs them; run as a
program against a cluster with dfs.namenode.snapshotdiff.listing.limit=3 it prints the raw answers,
which are the data of the unit test:
  difference_cases.py http://127.0.0.1:9870 > test/unit/component/hdfs/data/differences.txt
"""
import json
import sys
import time

SETUP = "0123456789"


def standard(fs, d):
    fs.write(d + "/f", SETUP.encode())
    fs.mkdir(d + "/k")
    fs.write(d + "/k/g", b"gggg")
    fs.write(d + "/h", b"hh")


def truncate(fs, path, length):
    fs.call("POST", path, "TRUNCATE", newlength=length)
    for _ in range(600):  # the last block is recovered first
        if not fs.call("GET", path, "GET_BLOCK_LOCATIONS")["LocatedBlocks"]["isUnderConstruction"]:
            return
        time.sleep(0.05)
    raise AssertionError("%s is not recovered" % path)


def put(op, path, **parameters):
    return lambda fs, d: fs.call("PUT", d + path, op, **parameters)


def moves(*pairs):
    """Renames; a name that begins with '^' lies outside the tree."""
    def act(fs, d):
        def place(name):
            return "%s-out-%s" % (d, name[1:]) if name[0] == "^" else d + "/" + name
        for old, new in pairs:
            fs.rename(place(old), place(new))
    return act


def steps(*acts):
    def act(fs, d):
        for one in acts:
            one(fs, d)
    return act


def write(path, data=b"1", **parameters):
    return lambda fs, d: fs.write(d + path, data, **parameters)


def append(path, data=b"x"):
    return lambda fs, d: fs.append(d + path, data)


def remove(path):
    return lambda fs, d: fs.remove(d + path)


def mkdir(path):
    return lambda fs, d: fs.mkdir(d + path)


def nothing(fs, d):
    pass


def refused(act):
    def attempt(fs, d):
        try:
            act(fs, d)
        except Exception as problem:  # the refusal is the point: nothing may change
            assert getattr(problem, "kind", None) == "SnapshotException", problem
            return
        raise AssertionError("not refused")
    return attempt


def with_xattr(fs, d):
    standard(fs, d)
    XATTR(fs, d)


def with_sibling(fs, d):
    standard(fs, d)
    fs.mkdir(d + "/m/q")
    fs.write(d + "/m/q/z", b"1")


def two_blocks(fs, d):
    fs.write(d + "/f", b"0" * 1024, blocksize=1024)
    fs.write(d + "/h", b"1" * 1024, blocksize=1024)


def one_outside(fs, d):
    standard(fs, d)
    fs.write(d + "-out-in", b"in")


XATTR = put("SETXATTR", "/f", **{"xattr__name": "user.a", "xattr__value": '"v"', "flag": "CREATE"})

# name, what is there before, what happens, what is reported
CASES = [
    ("nothing", standard, nothing, []),
    ("append", standard, append("/f"), ["M f"]),
    ("truncate and append to the same length", standard,
     steps(lambda fs, d: truncate(fs, d + "/f", 5), append("/f", b"ABCDE")), []),
    ("truncate", standard, lambda fs, d: truncate(fs, d + "/f", 5), ["M f"]),
    ("mtime of a file", standard, put("SETTIMES", "/f", modificationtime=1000, accesstime=-1), []),
    ("atime of a file", standard, put("SETTIMES", "/f", modificationtime=-1, accesstime=2000), []),
    ("mtime of a directory", standard,
     put("SETTIMES", "/k", modificationtime=1000, accesstime=-1), []),
    ("mode of a file", standard, put("SETPERMISSION", "/f", permission="600"), ["M f"]),
    ("mode of a file and back", standard,
     steps(put("SETPERMISSION", "/f", permission="600"),
           put("SETPERMISSION", "/f", permission="755"),
           put("SETPERMISSION", "/f", permission="644")), []),
    ("mode of a directory", standard, put("SETPERMISSION", "/k", permission="700"), ["M k"]),
    ("mode of the top", standard, put("SETPERMISSION", "", permission="700"), ["M "]),
    ("owner of a file", standard, put("SETOWNER", "/f", owner="bob", group="staff"), ["M f"]),
    ("owner of a directory", standard, put("SETOWNER", "/k", owner="bob"), ["M k"]),
    ("ACL of a file", standard,
     put("SETACL", "/f", aclspec="user::rw-,user:bob:r--,group::r--,other::r--"), ["M f"]),
    ("default ACL of a directory", standard,
     put("MODIFYACLENTRIES", "/k", aclspec="default:user:bob:rwx"), ["M k"]),
    ("xattr of a file", standard, XATTR, ["M f"]),
    ("xattr of a directory", standard,
     put("SETXATTR", "/k", **{"xattr__name": "user.a", "xattr__value": '"v"', "flag": "CREATE"}),
     ["M k"]),
    ("xattr replaced by the same value", with_xattr,
     put("SETXATTR", "/f", **{"xattr__name": "user.a", "xattr__value": '"v"', "flag": "REPLACE"}),
     ["M f"]),
    ("replication", standard, put("SETREPLICATION", "/f", replication=2), ["M f"]),
    ("storage policy of a file", standard,
     put("SETSTORAGEPOLICY", "/f", storagepolicy="COLD"), ["M f"]),
    ("storage policy of a directory", standard,
     put("SETSTORAGEPOLICY", "/k", storagepolicy="HOT"), ["M k"]),
    ("quota of a directory", standard,
     put("SETQUOTA", "/k", namespacequota=100, storagespacequota=1 << 40), ["M k"]),
    ("quota of the top", standard,
     put("SETQUOTA", "", namespacequota=100, storagespacequota=1 << 40), ["M "]),
    ("rename of a file", standard, moves(("f", "k/f2")), ["M ", "R f -> k/f2", "M k"]),
    ("rename of a directory", standard, moves(("k", "k2")), ["M ", "R k -> k2"]),
    ("rename of a directory, create and delete below", standard,
     steps(moves(("k", "k2")), write("/k2/new"), remove("/k2/g")),
     ["M ", "R k -> k2", "M k", "C k/new", "D k/g"]),
    ("rename of a directory and of a child", standard, moves(("k", "k2"), ("k2/g", "k2/g2")),
     ["M ", "R k -> k2", "M k", "R k/g -> k2/g2"]),
    ("rename of a directory, a child to the top", standard, moves(("k", "k2"), ("k2/g", "gtop")),
     ["M ", "R k -> k2", "M k", "R k/g -> gtop"]),
    ("rename and append", standard, steps(moves(("f", "f2")), append("/f2")),
     ["M ", "R f -> f2", "M f"]),
    ("rename and mode", standard,
     steps(moves(("f", "f2")), put("SETPERMISSION", "/f2", permission="600")),
     ["M ", "R f -> f2", "M f"]),
    ("rename twice", standard, moves(("f", "f2"), ("f2", "f3")), ["M ", "R f -> f3"]),
    ("rename and back", standard, moves(("f", "f2"), ("f2", "f")), ["M ", "R f -> f"]),
    ("swap of two files", standard, moves(("f", "t"), ("h", "f"), ("t", "h")),
     ["M ", "R f -> h", "R h -> f"]),
    ("swap of a file and a directory", standard, moves(("f", "t"), ("k", "f"), ("t", "k")),
     ["M ", "R f -> k", "R k -> f"]),
    ("rename over a file", standard,
     lambda fs, d: fs.rename(d + "/f", d + "/h", options="OVERWRITE"),
     ["M ", "R f -> h", "D h"]),
    ("rename out of the tree", standard, moves(("f", "^f")), ["M ", "D f"]),
    ("directory out and in under another name", standard, moves(("k", "^k"), ("^k", "kk")),
     ["M ", "R k -> kk"]),
    ("file out and in again", standard, moves(("f", "^f"), ("^f", "f")), ["M ", "R f -> f"]),
    ("rename into the tree", one_outside, moves(("^in", "came")), ["M ", "C came"]),
    ("delete and create again", standard, steps(remove("/f"), write("/f", SETUP.encode())),
     ["M ", "C f", "D f"]),
    ("create with overwrite", standard, write("/f", SETUP.encode()), ["M ", "C f", "D f"]),
    ("directory deleted and made again", standard,
     steps(remove("/k"), mkdir("/k"), write("/k/g", b"gggg")), ["M ", "C k", "D k"]),
    ("another directory takes a deleted one's name", standard,
     steps(mkdir("/z"), remove("/k"), moves(("z", "k"))), ["M ", "C k", "D k"]),
    ("file becomes a directory", standard, steps(remove("/f"), mkdir("/f"), write("/f/x")),
     ["M ", "C f", "D f"]),
    ("create and delete", standard, steps(write("/tmp"), remove("/tmp")), []),
    ("create and rename, as jobs commit", standard,
     steps(write("/_t"), moves(("_t", "part-0"))), ["M ", "C part-0"]),
    ("move into a new directory", standard, steps(mkdir("/new"), moves(("f", "new/f"))),
     ["M ", "C new", "R f -> new/f"]),
    ("delete a directory whose child moved up", standard,
     steps(moves(("k/g", "g")), remove("/k")), ["M ", "C g", "D k"]),
    ("directory into its sibling, which loses a child", with_sibling,
     steps(moves(("k", "m/k")), remove("/m/q")), ["M ", "R k -> m/k", "M m", "D m/q"]),
    ("concat of a file in a snapshot", two_blocks,
     refused(lambda fs, d: fs.call("POST", d + "/f", "CONCAT", sources=d + "/h")), []),
    ("concat of new files", standard,
     steps(write("/p1", b"0" * 1024, blocksize=1024), write("/p2", b"1" * 100, blocksize=1024),
           lambda fs, d: fs.call("POST", d + "/p1", "CONCAT", sources=d + "/p2")),
     ["M ", "C p1"]),
]


def run_case(fs, top, index):
    """Makes the two snapshots s1 and s2; returns the directory."""
    _, before, act, _ = CASES[index]
    d = "%s/c%02d" % (top, index)
    fs.mkdir(d)
    before(fs, d)
    fs.allow(d)
    fs.snapshot(d, "s1")
    act(fs, d)
    fs.snapshot(d, "s2")
    return d


def pages(fs, d):
    path, index = "", -1
    while True:
        page = fs.call("GET", d, "GETSNAPSHOTDIFFLISTING", oldsnapshotname="s1", snapshotname="s2",
                       snapshotdiffstartpath=path, snapshotdiffindex=index)
        yield page
        path = page["SnapshotDiffReportListing"]["lastPath"]
        index = page["SnapshotDiffReportListing"]["lastIndex"]
        if path == "" and index == -1:
            return


def main():
    from webhdfs import WebHdfs
    fs = WebHdfs(sys.argv[1])
    print("# Raw answers of a NameNode 3.4.3, pages of 3 entries; made by difference_cases.py.")
    for index, case in enumerate(CASES):
        d = run_case(fs, "/cases", index)
        print("case", case[0])
        for change in sorted(case[3]):
            print("expect", change)
        report = fs.call("GET", d, "GETSNAPSHOTDIFF", oldsnapshotname="s1", snapshotname="s2")
        print("report", json.dumps(report, separators=(",", ":")))
        for page in pages(fs, d):
            print("page", json.dumps(page, separators=(",", ":")))


if __name__ == "__main__":
    main()
