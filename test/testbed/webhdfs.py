"""WebHDFS from Python's standard library: what integration tests use to make data, to look, and to
compare two trees. Deliberately shares nothing with the product: it is the second opinion.

As a program it compares two trees and says how they differ; exit 1 when they do:
  webhdfs.py http://127.0.0.1:9870 /bills/.snapshot/s1 http://127.0.0.1:9871 /bills/.snapshot/seal
"""
import hashlib
import http.client
import json
import sys
import time
import urllib.parse

IDLE_S = 5  # NameNodes close a connection that was idle for long; this is sooner


class WebHdfsError(Exception):
    """A refusal. kind is the simple name of Hadoop's exception."""

    def __init__(self, status, kind, message):
        super().__init__("%d %s: %s" % (status, kind, message))
        self.status, self.kind, self.message = status, kind, message


class WebHdfs:
    """One NameNode. Keeps one connection open; use one object per thread."""

    def __init__(self, url, user="coeval", timeout=60):
        where = urllib.parse.urlsplit(url)
        self.address = (where.hostname, where.port or 9870)
        self.user, self.timeout = user, timeout
        self.connection, self.used = None, 0.0

    # --- requests

    def _target(self, path, op, parameters):
        query = [("op", op), ("user.name", self.user)]
        query += [(name, str(value)) for name, value in parameters.items()]
        return "/webhdfs/v1%s?%s" % (urllib.parse.quote(path, safe="/"), urllib.parse.urlencode(
            query, quote_via=urllib.parse.quote, safe=""))

    def _namenode(self, verb, target):
        idle, self.used = time.monotonic() - self.used, time.monotonic()
        for fresh in (False, True):
            if self.connection is None or fresh or idle > IDLE_S:
                self.close()
                self.connection = http.client.HTTPConnection(*self.address, timeout=self.timeout)
            try:
                self.connection.request(verb, target)
                answer = self.connection.getresponse()
                return answer.status, answer.read(), answer.getheader("Location")
            except (http.client.HTTPException, ConnectionError):
                if fresh or verb != "GET":  # only a read may be sent twice
                    raise
        raise AssertionError("not reached")

    def _datanode(self, verb, location, path, body):
        # the NameNode's spelling of the path is not to be trusted (it normalises Unicode): only
        # its host, port and query are used
        where = urllib.parse.urlsplit(location)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=self.timeout)
        connection.request(verb, "/webhdfs/v1%s?%s" % (urllib.parse.quote(path, safe="/"),
                                                       where.query), body=body)
        return connection, connection.getresponse()

    @staticmethod
    def _check(status, body):
        if status < 400:
            return body
        try:
            problem = json.loads(body)["RemoteException"]
            raise WebHdfsError(status, problem["exception"], problem["message"].split("\n")[0])
        except (ValueError, LookupError, TypeError):
            raise WebHdfsError(status, "", body[:200].decode("utf-8", "replace")) from None

    def call(self, verb, path, op, body=None, **parameters):
        """One operation; redirects are followed. Returns the decoded JSON, or None."""
        names = {name.replace("__", "."): value for name, value in parameters.items()}
        status, answer, location = self._namenode(verb, self._target(path, op, names))
        if status == 307:
            connection, reply = self._datanode(verb, location, path, body)
            status, answer = reply.status, reply.read()
            connection.close()
        answer = self._check(status, answer)
        return json.loads(answer) if answer else None

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    # --- making

    def mkdir(self, path, **parameters):
        return self.call("PUT", path, "MKDIRS", **parameters)

    def write(self, path, data, **parameters):
        parameters.setdefault("overwrite", "true")
        return self.call("PUT", path, "CREATE", body=data, **parameters)

    def append(self, path, data):
        return self.call("POST", path, "APPEND", body=data)

    def rename(self, path, destination, options="NONE"):
        return self.call("PUT", path, "RENAME", destination=destination, renameoptions=options)

    def remove(self, path):
        return self.call("DELETE", path, "DELETE", recursive="true")["boolean"]

    def allow(self, path):
        return self.call("PUT", path, "ALLOWSNAPSHOT")

    def snapshot(self, path, name):
        return self.call("PUT", path, "CREATESNAPSHOT", snapshotname=name)["Path"]

    # --- looking

    def status(self, path):
        return self.call("GET", path, "GETFILESTATUS")["FileStatus"]

    def exists(self, path):
        try:
            self.status(path)
            return True
        except WebHdfsError as problem:
            if problem.status == 404:
                return False
            raise

    def list(self, path):
        """FileStatus of every child, page by page."""
        after = ""
        while True:
            page = self.call("GET", path, "LISTSTATUS_BATCH", startafter=after)["DirectoryListing"]
            children = page["partialListing"]["FileStatuses"]["FileStatus"]
            yield from children
            if page["remainingEntries"] == 0 or not children:
                return
            if children[-1]["pathSuffix"] == after:
                raise WebHdfsError(200, "Loop", "the listing of %s does not move on" % path)
            after = children[-1]["pathSuffix"]

    def snapshots(self, path):
        return [child["pathSuffix"] for child in self.list(path + "/.snapshot")]

    def difference(self, path, old, new):
        """A set of strings as 'M f', 'R f -> g'."""
        report = self.call("GET", path, "GETSNAPSHOTDIFF", oldsnapshotname=old,
                           snapshotname=new)["SnapshotDiffReport"]
        return {change["type"][0] + " " + change["sourcePath"] +
                (" -> " + change["targetPath"] if "targetPath" in change else "")
                for change in report["diffList"]}

    def read(self, path):
        return b"".join(self.chunks(path))

    def chunks(self, path):
        status, body, location = self._namenode("GET", self._target(path, "OPEN", {}))
        if status != 307:
            self._check(status, body)
        connection, reply = self._datanode("GET", location, path, None)
        try:
            if reply.status >= 400:
                self._check(reply.status, reply.read())
            expected, received = reply.getheader("Content-Length"), 0
            while True:
                data = reply.read(1 << 20)
                if not data:
                    break
                received += len(data)
                yield data
            if expected is not None and received != int(expected):
                raise WebHdfsError(200, "Short", "%s ended after %d of %s bytes"
                                   % (path, received, expected))
        finally:
            connection.close()

    def acl(self, path):
        return sorted(self.call("GET", path, "GETACLSTATUS")["AclStatus"]["entries"])

    def quota(self, path):
        """(names, bytes, {storage type: bytes}) that a directory may hold; None: no limit."""
        usage = self.call("GET", path, "GETQUOTAUSAGE")["QuotaUsage"]
        return (limit_of(usage["quota"]), limit_of(usage["spaceQuota"]),
                {name: one["quota"] for name, one in usage.get("typeQuota", {}).items()})

    def xattrs(self, path):
        found = self.call("GET", path, "GETXATTRS", encoding="hex")["XAttrs"]
        return {attribute["name"]: (attribute["value"] or "").lower() for attribute in found}


def limit_of(quota):
    """Hadoop says 'none' with -1, for the top of the file system with its greatest number."""
    return None if quota < 0 or quota == (1 << 63) - 1 else quota


# --- a file that stays open ---------------------------------------------------------------------

class OpenFile:
    """A file that is being written: a CREATE, or an APPEND to one that is there, whose body has not
    ended."""

    def __init__(self, fs, path, append=False, block_size=1024):
        verb, op, names = (("POST", "APPEND", {}) if append else
                           ("PUT", "CREATE", {"blocksize": block_size}))
        _, _, location = fs._namenode(verb, fs._target(path, op, names))
        where = urllib.parse.urlsplit(location)
        self.status = 200 if append else 201
        self.connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        self.connection.putrequest(verb, where.path + "?" + where.query)
        self.connection.putheader("Transfer-Encoding", "chunked")
        self.connection.endheaders()

    def write(self, data):
        self.connection.send(b"%x\r\n%s\r\n" % (len(data), data))

    def close(self):
        self.connection.send(b"0\r\n\r\n")
        assert self.connection.getresponse().status == self.status
        self.connection.close()


# --- the equality walker -------------------------------------------------------------------------

STATUS_FIELDS = ("type", "length", "owner", "group", "permission", "modificationTime",
                 "replication", "blockSize", "storagePolicy", "ecPolicy", "encBit")
ALL_FIELDS = STATUS_FIELDS + ("quota", "acl", "xattrs", "content")


def join(top, relative):
    return top.rstrip("/") + "/" + relative if relative else top


def is_snapshot(path):
    """The top of a snapshot: its modification time is the instant at which it was taken."""
    return path.rstrip("/").split("/")[-2] == ".snapshot"


def describe(client, path, status, fields):
    """What the comparison looks at, read from the cluster and from nowhere else."""
    seen = {name: status.get(name) for name in STATUS_FIELDS if name in fields}
    if "quota" in fields and status["type"] == "DIRECTORY":
        seen["quota"] = client.quota(path)
    if "acl" in fields:
        seen["acl"] = client.acl(path) if status.get("aclBit") else []
    if "xattrs" in fields:
        seen["xattrs"] = client.xattrs(path)
    if "content" in fields and status["type"] == "FILE":
        digest, length = hashlib.sha256(), 0
        for data in client.chunks(path) if status["length"] else ():
            digest.update(data)
            length += len(data)
        seen["content"] = (length, digest.hexdigest())
    return seen


def compare(source, source_top, target, target_top, ignore=(), skip=lambda path: False,
            directory_times=True):
    """How two trees differ, as a list of lines; empty when they are equal. ignore: names of
    ALL_FIELDS that are left out; skip(relative) leaves an object of either side out with all below.
    directory_times False: HDFS does not freeze a directory's modification time when only its
    children change afterwards (the snapshot shows the live one), so writers move it."""
    fields = [name for name in ALL_FIELDS if name not in ignore]
    lines = []

    def visit(relative, source_status, target_status):
        a = describe(source, join(source_top, relative), source_status, fields)
        b = describe(target, join(target_top, relative), target_status, fields)
        tops = relative == "" and (is_snapshot(source_top) or is_snapshot(target_top))
        for name in a:
            if name == "modificationTime" and (tops or (
                    not directory_times and source_status["type"] == "DIRECTORY")):
                continue
            if a[name] != b.get(name):
                lines.append("%s: %s is %r, should be %r" % (relative or "(top)", name,
                                                             b.get(name), a[name]))
        if source_status["type"] == "DIRECTORY" and target_status["type"] == "DIRECTORY":
            descend(relative)

    def children(client, top, relative):
        found = {}
        for child in client.list(join(top, relative)):
            name = join(relative, child["pathSuffix"]) if relative else child["pathSuffix"]
            if not skip(name):
                found[name] = child
        return found

    def descend(relative):
        here, there = children(source, source_top, relative), children(target, target_top, relative)
        lines.extend("%s: missing" % name for name in sorted(here.keys() - there.keys()))
        lines.extend("%s: not in the source" % name for name in sorted(there.keys() - here.keys()))
        for name in sorted(here.keys() & there.keys()):
            visit(name, here[name], there[name])

    visit("", source.status(source_top), target.status(target_top))
    return lines


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    lines = compare(WebHdfs(sys.argv[1]), sys.argv[2], WebHdfs(sys.argv[3]), sys.argv[4])
    print("\n".join(lines) or "equal")
    sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
