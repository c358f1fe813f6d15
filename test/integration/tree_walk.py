"""What a directory tree holds, read without the product: names as bytes, types, content, mode,
owner, times, links, extended attributes (POSIX ACLs among them)."""
import hashlib
import os
import stat

IGNORED = (b".coeval",)


def content(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def describe(path, times=True):
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    entry = {"type": kind, "owner": (status.st_uid, status.st_gid)}
    if stat.S_ISLNK(status.st_mode):
        entry["link"] = os.readlink(path)
    else:
        entry["mode"] = stat.S_IMODE(status.st_mode)
        entry["xattrs"] = {name: os.getxattr(path, name, follow_symlinks=False)
                           for name in sorted(os.listxattr(path, follow_symlinks=False))}
    if stat.S_ISREG(status.st_mode):
        entry["size"] = status.st_size
        entry["content"] = content(path)
    if times:
        entry["mtime_ns"] = status.st_mtime_ns
    return entry


def walk(top, exclude=()):
    """Relative path (bytes) -> entry. The times of the top itself belong to the snapshots."""
    top = os.fsencode(top)
    found = {b"": describe(top, times=False)}
    pending = [b""]
    while pending:
        directory = pending.pop()
        for name in os.listdir(os.path.join(top, directory)):
            if name in IGNORED or name in exclude:
                continue
            relative = os.path.join(directory, name)
            found[relative] = describe(os.path.join(top, relative))
            if stat.S_ISDIR(found[relative]["type"]):
                pending.append(relative)
    return found


def differences(left, right):
    """Lines, none when both are the same."""
    lines = [f"only left: {path!r}" for path in sorted(left.keys() - right.keys())]
    lines += [f"only right: {path!r}" for path in sorted(right.keys() - left.keys())]
    for path in sorted(left.keys() & right.keys()):
        for key in sorted(left[path].keys() | right[path].keys()):
            a, b = left[path].get(key), right[path].get(key)
            if a != b:
                lines.append(f"{path!r}: {key}: {a!r} != {b!r}")
    return lines


def assert_same(left, right, exclude=()):
    found = differences(walk(left, exclude), walk(right, exclude))
    assert not found, f"{left} and {right} differ:\n" + "\n".join(found[:30])
