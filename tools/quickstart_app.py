#!/usr/bin/python3
"""quickstart_app.py: the application that tools/quickstart protects, and how its data is proven.

  write BASE                  bills and customers, changed all the time under the barrier BASE/lock
  check BILLS CUSTOMERS       every bill has its customer; prints how many there are
  equal SOURCE TARGET [...]   pairs of trees: same names, contents, owners, modes, times, xattrs
  places EPOCH A B            of each member its snapshot on A, its seal on B and its id, then where
                              the seal itself lies; A, B: bases; EPOCH: `coeval epoch show -o json`

None of this uses Coeval's code.
"""
import fcntl
import filecmp
import hashlib
import json
import os
import random
import signal
import stat
import sys
import time

KEPT = 400  # bills; older ones are deleted together with their customers


# ---- the writer ---------------------------------------------------------------------------------

def put(path, document):
    """Write under another name, then rename: what careful applications do."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(document, file)
        file.write("\n" + "." * random.randrange(8000))
    os.rename(path + ".new", path)


def one_business_case(bills, customers, number):
    """The bill comes first: a copy taken in between would hold a bill without its customer."""
    put(f"{bills}/open/bill-{number:06d}.json", {"bill": number, "customer": number})
    time.sleep(0.0005)
    put(f"{customers}/customer-{number:06d}.json", {"customer": number, "name": f"No. {number}"})
    if number > KEPT:
        old = number - KEPT
        for folder in ("open", "paid"):
            if os.path.exists(f"{bills}/{folder}/bill-{old:06d}.json"):
                os.unlink(f"{bills}/{folder}/bill-{old:06d}.json")
        os.unlink(f"{customers}/customer-{old:06d}.json")
    paid = number - KEPT // 2  # a rename: Coeval moves it as well, without copying
    if paid > 0 and paid % 3 == 0:
        os.rename(f"{bills}/open/bill-{paid:06d}.json", f"{bills}/paid/bill-{paid:06d}.json")
    with open(f"{bills}/journal.log", "a", encoding="utf-8") as file:
        file.write(f"{time.time():.3f} bill {number}\n")


def write(base):
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    bills, customers = os.path.join(base, "bills"), os.path.join(base, "customers")
    for folder in (f"{bills}/open", f"{bills}/paid", customers):
        os.makedirs(folder, exist_ok=True)
    with open(os.path.join(base, "lock"), "w", encoding="utf-8") as barrier:
        number = 0
        while not ended:
            number += 1
            fcntl.flock(barrier, fcntl.LOCK_SH)  # the moment T waits for us, and we for it
            try:
                one_business_case(bills, customers, number)
            finally:
                fcntl.flock(barrier, fcntl.LOCK_UN)
            time.sleep(0 if number < KEPT else 0.05)
    return 0


# ---- what is proven -----------------------------------------------------------------------------

def load(path):
    with open(path, encoding="utf-8") as file:
        return json.loads(file.readline())


def check(bills, customers):
    there = {load(os.path.join(customers, name))["customer"] for name in os.listdir(customers)}
    wanted = [load(os.path.join(bills, folder, name))["customer"]
              for folder in ("open", "paid") for name in os.listdir(os.path.join(bills, folder))]
    lost = [number for number in wanted if number not in there]
    spare = there.difference(wanted)
    if lost or spare or not wanted:
        print(f"{len(lost)} bills without customer, {len(spare)} customers without bill")
        return 1
    print(f"{len(wanted)} bills, each with its customer, and no customer without a bill")
    return 0


def described(path, is_top):
    """Everything that two equal objects share. A directory's own size says nothing, and the time of
    a member's top belongs to whoever makes snapshots of it."""
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    xattrs = {name: os.getxattr(path, name, follow_symlinks=False)
              for name in os.listxattr(path, follow_symlinks=False)}
    return (kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid,
            None if is_top else status.st_mtime_ns,
            None if stat.S_ISDIR(kind) else status.st_size, xattrs,
            os.readlink(path) if stat.S_ISLNK(kind) else None)


def differences(source, target, path="."):
    left, right = os.path.join(source, path), os.path.join(target, path)
    mine, theirs = described(left, path == "."), described(right, path == ".")
    if mine != theirs:
        yield f"{path}: {mine} is {theirs}"
    elif stat.S_ISREG(mine[0]) and not filecmp.cmp(left, right, shallow=False):
        yield f"{path}: the contents differ"
    elif stat.S_ISDIR(mine[0]):
        names, others = set(os.listdir(left)), set(os.listdir(right))
        yield from (f"{os.path.join(path, name)}: on one side only" for name in names ^ others)
        for name in sorted(names & others):
            yield from differences(source, target, os.path.join(path, name))


def equal(*trees):
    objects = 0
    for source, target in zip(trees[::2], trees[1::2], strict=True):
        found = list(differences(source, target))
        if found:
            print("\n".join(found[:20]))
            return 1
        objects += sum(1 + len(files) for _, _, files in os.walk(target))
    print(f"{objects} files and directories are equal, with owners, modes, times and xattrs")
    return 0


def places(epoch, base_a, base_b):
    """A snapshot of a posix cluster lies below the digest of its root's path (doc/formats.md)."""
    with open(epoch, encoding="utf-8") as file:
        seal = json.load(file)["commit"]["seal"]
    for member in sorted(seal["members"], key=lambda item: item["source_path"]):
        root, name = member["source_root"], member["source_snapshot"]
        digest = hashlib.sha256(root.encode()).hexdigest()[:32]
        below = member["source_path"][len(root):]
        print(f"{base_a}/coeval/snapshots/{digest}/{name}/tree{below}")
        print(base_b + member["snapshot"]["path"])
        print(member["id"])
    epoch_name = f"g{seal['generation']}.e{seal['number']}"
    print(f"{base_b}/coeval/{seal['pair']}/{seal['service']}/{epoch_name}")
    return 0


if __name__ == "__main__":
    VERBS = {"write": write, "check": check, "equal": equal, "places": places}
    if len(sys.argv) < 3 or sys.argv[1] not in VERBS:
        sys.exit(__doc__)
    sys.exit(VERBS[sys.argv[1]](*sys.argv[2:]))
