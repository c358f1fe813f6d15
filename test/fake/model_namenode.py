"""A NameNode with its DataNode that keeps a tree in memory: what the contract of hdfs_ops.h can be
asked of without a cluster. Pages have three entries, so that everything comes in several.

  with ModelNameNode() as model: run(["ops_contract_test", model.url])
"""
import copy
import hashlib
import time
import urllib.parse

from namenode import FakeNameNode, Handler, answer, refuse

PAGE = 3
POLICIES = {"HOT": 7, "COLD": 2}


def missing(path):
    return refuse("FileNotFoundException", "File does not exist: " + path, 404)


class Node:
    """A directory (children is a dictionary) or a file (children is None)."""

    last_id = 16384

    def __init__(self, mode, content=None, replication=0, block_size=0):
        Node.last_id += 1
        self.id, self.mode, self.content = Node.last_id, mode, content
        self.children = {} if content is None else None
        self.owner, self.group = "coeval", "supergroup"
        self.acl, self.xattrs, self.policy = [], {}, 0
        self.replication, self.block_size = replication, block_size
        self.snapshots, self.mtime = None, int(time.time() * 1000)

    def status(self, name=""):
        kind = "FILE" if self.children is None else "DIRECTORY"
        return {"type": kind, "length": len(self.content or b""), "modificationTime": self.mtime,
                "pathSuffix": name, "permission": "%o" % self.mode, "owner": self.owner,
                "group": self.group, "blockSize": self.block_size, "fileId": self.id,
                "replication": self.replication, "storagePolicy": self.policy,
                "aclBit": bool(self.acl), "snapshotEnabled": self.snapshots is not None}


class Snapshot:
    def __init__(self, number, top):
        self.number, self.top, self.mtime = number, copy.deepcopy(top), int(time.time() * 1000)
        self.top.snapshots, self.top.mtime = None, self.mtime


def names_of(path):
    return [name for name in path.split("/") if name]


class Tree:
    def __init__(self):
        self.top, self.numbers = Node(0o755), 0

    def find(self, path):
        """None: nothing there."""
        node, names = self.top, names_of(path)
        while names:
            name = names.pop(0)
            if name == ".snapshot" and names and node.snapshots is not None:
                found = node.snapshots.get(names.pop(0))
                node = found.top if found else None
            else:
                node = (node.children or {}).get(name)
            if node is None:
                return None
        return node

    def parent(self, path):
        return self.find("/".join(names_of(path)[:-1])), names_of(path)[-1]

    def roots(self, node=None, path=""):
        node = node or self.top
        if node.snapshots is not None:
            yield path or "/", node
        for name, child in (node.children or {}).items():
            yield from self.roots(child, path + "/" + name)


def signed(name):
    return [byte - 256 if byte > 127 else byte for byte in name.encode()]


def flat(node, path=""):
    """{file id: (path, what a difference compares)} of everything below."""
    found = {node.id: (path, (node.mode, node.owner, node.content,
                              tuple(child.id for child in (node.children or {}).values())))}
    for name, child in (node.children or {}).items():
        found.update(flat(child, (path + "/" + name).strip("/")))
    return found


class Answers(Tree):
    """One method for each operation: path and query to an answer."""

    def GETFILESTATUS(self, path, query):
        node = self.find(path)
        return answer({"FileStatus": node.status()}) if node else missing(path)

    def LISTSTATUS_BATCH(self, path, query):
        node = self.find(path)
        if node is None:
            return missing(path)
        if node.children is None:  # a file lists itself
            return answer({"DirectoryListing": {"remainingEntries": 0, "partialListing": {
                "FileStatuses": {"FileStatus": [node.status()]}}}})
        names = sorted(node.children, key=signed)
        after = query.get("startafter", "")
        names = [name for name in names if not after or signed(name) > signed(after)]
        statuses = [node.children[name].status(name) for name in names[:PAGE]]
        return answer({"DirectoryListing": {
            "remainingEntries": max(len(names) - PAGE, 0),
            "partialListing": {"FileStatuses": {"FileStatus": statuses}}}})

    def GETACLSTATUS(self, path, query):
        return answer({"AclStatus": {"entries": self.find(path).acl}})

    def GETXATTRS(self, path, query):
        return answer({"XAttrs": [{"name": name, "value": value}
                                  for name, value in self.find(path).xattrs.items()]})

    def GETSTORAGEPOLICY(self, path, query):
        number = self.find(path).policy or POLICIES["HOT"]
        return answer({"BlockStoragePolicy": {
            "name": next(name for name, one in POLICIES.items() if one == number)}})

    def GETCONTENTSUMMARY(self, path, query):
        node = self.find(path)
        if node is None:
            return missing(path)
        contents = [one[1][2] for one in flat(node).values()]
        files = [content for content in contents if content is not None]
        return answer({"ContentSummary": {
            "fileCount": len(files), "directoryCount": len(contents) - len(files), "quota": -1,
            "spaceQuota": -1, "spaceConsumed": sum(map(len, files))}})

    def GET_BLOCK_LOCATIONS(self, path, query):
        return answer({"LocatedBlocks": {"isUnderConstruction": False}}) if self.find(path) \
            else missing(path)

    # changes ----------------------------------------------------------------------------------

    def MKDIRS(self, path, query):
        node = self.top
        for name in names_of(path):
            if node.children is None:
                return refuse("ParentNotDirectoryException", path + " is not a directory")
            node = node.children.setdefault(name, Node(int(query["permission"], 8)))
        if node.children is None:
            return refuse("FileAlreadyExistsException", "Path is not a directory: " + path)
        return answer({"boolean": True})

    def RENAME(self, path, query):
        source, name = self.parent(path)
        target, new = self.parent(query["destination"])
        if source is None or name not in (source.children or {}):
            return missing(path)
        if target is None:
            return missing(query["destination"])
        old = target.children.get(new)
        if old is not None and (old.children is None) != (source.children[name].children is None):
            return refuse("IOException", "Source %s and destination %s must both be directories"
                          % (path, new))
        if old is not None and query["renameoptions"] != "OVERWRITE":
            return refuse("FileAlreadyExistsException", "destination %s already exists" % new)
        if old is not None and old.children:
            return refuse("IOException", "rename destination directory is not empty: " + new)
        target.children[new] = source.children.pop(name)
        return answer()

    def DELETE(self, path, query):
        parent, name = self.parent(path)
        node = self.find(path)
        if node is not None and node.children and query["recursive"] != "true":
            return refuse("PathIsNotEmptyDirectoryException", "`%s is non empty'" % path)
        if node is not None:
            del parent.children[name]
        return answer({"boolean": node is not None})

    def attribute(self, path, **values):
        node = self.find(path)
        if node is None:
            return missing(path)
        node.__dict__.update({key: value for key, value in values.items() if value is not None})
        return answer()

    def SETOWNER(self, path, query):
        return self.attribute(path, owner=query.get("owner"), group=query.get("group"))

    def SETPERMISSION(self, path, query):
        return self.attribute(path, mode=int(query["permission"], 8))

    def SETTIMES(self, path, query):
        return self.attribute(path, mtime=int(query["modificationtime"]))

    def SETREPLICATION(self, path, query):
        return self.attribute(path, replication=int(query["replication"]))

    def SETSTORAGEPOLICY(self, path, query):
        return self.attribute(path, policy=POLICIES[query["storagepolicy"]])

    def UNSETSTORAGEPOLICY(self, path, query):
        return self.attribute(path, policy=0)

    def SETACL(self, path, query):
        plain = ("user::", "other::", "mask::")  # the mode has these
        entries = [one for one in query["aclspec"].split(",") if not one.startswith(plain)]
        old = [one for one in self.find(path).acl if one.startswith("default:")]
        if not any(one.startswith("default:") for one in entries):
            entries += old
        return self.attribute(path, acl=entries)

    def REMOVEACL(self, path, query):
        return self.attribute(path, acl=[])

    def REMOVEDEFAULTACL(self, path, query):
        return self.attribute(path, acl=[one for one in self.find(path).acl
                                         if not one.startswith("default:")])

    def SETXATTR(self, path, query):
        xattrs, name = self.find(path).xattrs, query["xattr.name"]
        if (name in xattrs) != (query["flag"] == "REPLACE"):
            return refuse("IOException", "XAttr: %s exists or not" % name)
        xattrs[name] = query["xattr.value"]
        return answer()

    def REMOVEXATTR(self, path, query):
        self.find(path).xattrs.pop(query["xattr.name"], None)
        return answer()

    # snapshots --------------------------------------------------------------------------------

    def ALLOWSNAPSHOT(self, path, query):
        node = self.find(path)
        node.snapshots = node.snapshots or {}
        return answer()

    def DISALLOWSNAPSHOT(self, path, query):
        node = self.find(path)
        if node.snapshots:
            return refuse("SnapshotException", "The directory %s has snapshot(s)." % path)
        node.snapshots = None
        return answer()

    def snapshottable(self, path):
        node = self.find(path)
        if node is None or node.snapshots is None:
            return None, refuse("SnapshotException",
                                "Directory is not a snapshottable directory: " + path)
        return node, None

    def CREATESNAPSHOT(self, path, query):
        node, refusal = self.snapshottable(path)
        name = query["snapshotname"]
        if node and name in node.snapshots:
            refusal = refuse("SnapshotException", "Failed to add snapshot: there is already a "
                             "snapshot with the same name \"%s\"." % name)
        if refusal:
            return refusal
        node.snapshots[name] = Snapshot(self.numbers, node)
        self.numbers += 1
        return answer({"Path": path + "/.snapshot/" + name})

    def DELETESNAPSHOT(self, path, query):
        node, refusal = self.snapshottable(path)
        if node and node.snapshots.pop(query["snapshotname"], None) is None:
            refusal = refuse("SnapshotException", "Cannot delete snapshot %s from path %s: the "
                             "snapshot does not exist." % (query["snapshotname"], path))
        return refusal or answer()

    def GETSNAPSHOTLIST(self, path, query):
        node, refusal = self.snapshottable(path)
        return refusal or answer({"SnapshotList": [
            {"deletionStatus": "ACTIVE", "snapshotID": one.number,
             "dirStatus": one.top.status(name)} for name, one in node.snapshots.items()]})

    def GETSNAPSHOTTABLEDIRECTORYLIST(self, path, query):
        return answer({"SnapshottableDirectoryList": [
            {"parentFullPath": "/" + "/".join(names_of(path)[:-1]), "snapshotNumber":
             len(node.snapshots), "snapshotQuota": 65536, "dirStatus":
             node.status(names_of(path)[-1] if names_of(path) else "")}
            for path, node in self.roots()]})

    def changes(self, path, query):
        """Created, deleted, modified, (renamed from, to), or None: no such snapshot."""
        node, _ = self.snapshottable(path)
        sides = [query["oldsnapshotname"], query["snapshotname"]]
        if node is None or any(one and one not in node.snapshots for one in sides):
            return None
        old, new = [flat(node.snapshots[one].top if one else node) for one in sides]
        moved = [(one, old[one][0], new[one][0]) for one in old if one in new
                 and old[one][0] != new[one][0]]
        return ([(one, new[one][0]) for one in new if one not in old],
                [(one, old[one][0]) for one in old if one not in new],
                [(one, old[one][0]) for one in old if one in new and old[one][1] != new[one][1]],
                moved)

    def no_snapshot(self, path, query):
        return refuse("SnapshotException", "Cannot find the snapshot of directory %s with name %s"
                      % (path, query["oldsnapshotname"]))

    def GETSNAPSHOTDIFF(self, path, query):
        found = self.changes(path, query)
        if found is None:
            return self.no_snapshot(path, query)
        kinds = zip(("CREATE", "DELETE", "MODIFY"), found)
        entries = [{"type": kind, "sourcePath": one[1]} for kind, ones in kinds for one in ones]
        entries += [{"type": "RENAME", "sourcePath": one[1], "targetPath": one[2]}
                    for one in found[3]]
        return answer({"SnapshotDiffReport": {"diffList": entries, "fromSnapshot":
                       query["oldsnapshotname"], "toSnapshot": query["snapshotname"]}})

    def GETSNAPSHOTDIFFLISTING(self, path, query):
        found = self.changes(path, query)
        if found is None:
            return self.no_snapshot(path, query)
        rows = [("createList", {"fileId": one[0], "sourcePath": one[1]}) for one in found[0]]
        rows += [("deleteList", {"fileId": one[0], "sourcePath": one[1]}) for one in found[1]]
        rows += [("modifyList", {"fileId": one[0], "sourcePath": one[1]}) for one in found[2]]
        for number, source, target in found[3]:
            end = {"fileId": number, "isReference": True}
            rows.append(("createList", {**end, "sourcePath": target}))
            rows.append(("deleteList", {**end, "sourcePath": source, "targetPath": target}))
        begin = int(query["snapshotdiffindex"]) + 1
        end, last = begin + PAGE, begin + PAGE >= len(rows)
        lists = {name: [row for kind, row in rows[begin:end] if kind == name]
                 for name in ("createList", "deleteList", "modifyList")}
        return answer({"SnapshotDiffReportListing": dict(
            lists, isFromEarlier=True, lastPath="" if last else rows[end - 1][1]["sourcePath"],
            lastIndex=-1 if last else end - 1)})

    # the cluster ------------------------------------------------------------------------------

    def GETSERVERDEFAULTS(self, path, query):
        return answer({"FsServerDefaults": {"replication": 1}})

    def page_jmx(self, query):
        return answer({"beans": [{"SoftwareVersion": "3.4.3", "ClusterId": "CID-1", "BlockPoolId":
                                  "BP-1", "CapacityRemaining": 1 << 40, "LiveNodes": "{}"}]})

    def page_conf(self, query):
        return answer({"property": {"key": query["name"], "value": "true"}})

    # content: the NameNode redirects, the DataNode (the same server) does it ------------------

    def redirected(self, operation, path, query):
        node = self.find(path)
        if operation != "CREATE" and (node is None or node.children is not None):
            return missing(path)
        if operation == "OPEN" and int(query.get("offset", 0)) >= max(len(node.content), 1):
            return refuse("IOException", "Offset is out of the range")
        query = urllib.parse.urlencode({**query, "datanode": "1"})
        return answer(status=307, headers={"Location": "SELF/webhdfs/v1/x?" + query})

    def data_CREATE(self, path, query, body):
        """Where refusals come from: the NameNode points somewhere without a look."""
        parent, name = self.parent(path)
        if parent is None:
            return missing(path)
        if name in parent.children:
            return refuse("FileAlreadyExistsException", path + " already exists")
        parent.children[name] = Node(int(query["permission"], 8), body,
                                     int(query.get("replication", 1)),
                                     int(query.get("blocksize", 1 << 27)))
        return answer(status=201)

    def data_OPEN(self, path, query, body):
        return answer(self.find(path).content[int(query.get("offset", 0)):])

    def data_GETFILECHECKSUM(self, path, query, body):
        digest = hashlib.md5(self.find(path).content).hexdigest()
        return answer({"FileChecksum": {"algorithm": "MD5-of-0MD5-of-512CRC32C", "length": 28,
                                        "bytes": "0" * 24 + digest}})


class ModelHandler(Handler):
    def handle_any(self):
        fake = self.server.fake
        where = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(where.query, keep_blank_values=True))
        body = self.read_body()
        with fake.lock:
            self.send(fake.reply(where.path, query, body))

    do_GET = do_PUT = do_POST = do_DELETE = handle_any


class ModelNameNode(FakeNameNode):
    def __init__(self):
        super().__init__()
        self.answers = Answers()
        self.server.RequestHandlerClass = ModelHandler

    def reply(self, path, query, body):
        answers, operation = self.answers, query.get("op", "")
        if not path.startswith("/webhdfs/v1"):
            return getattr(answers, "page_" + path[1:])(query)
        path = urllib.parse.unquote(path)[len("/webhdfs/v1"):]
        if "datanode" in query:
            return getattr(answers, "data_" + operation)(path, query, body)
        if hasattr(answers, "data_" + operation):
            return answers.redirected(operation, path, query)
        if not hasattr(answers, operation):
            return refuse("IllegalArgumentException", "Invalid value for webhdfs parameter \"op\": "
                          "%s is not a valid GET operation." % operation, 400)
        return getattr(answers, operation)(path, query)
