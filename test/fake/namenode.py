"""A scripted NameNode with its DataNode: answers by operation, in the order of a script, so that a
test can have what no real cluster does on demand: a standby, safe mode, lost and cut answers, stack
traces.

  fake = FakeNameNode()
  fake.on("GETFILESTATUS", refuse("StandbyException", "..."), answer({"FileStatus": ...}))

Each call of an operation takes the next answer; the last one stays. What came is in fake.seen.
"""
import http.server
import json
import socket
import threading
import urllib.parse


def answer(body=None, status=200, headers=(), cut=None, before=None, close=False):
    """cut: close after so many bytes of the body; before: called when the request is there; close:
    the connection, without having announced it."""
    return {"status": status, "body": body, "headers": dict(headers), "cut": cut, "before": before,
            "close": close}


def refuse(exception, message="no", status=403):
    return answer({"RemoteException": {"exception": exception, "javaClassName": "x." + exception,
                                       "message": message}}, status)


def lost(before=None):
    """The request is taken, the connection closed without a word."""
    return {"lost": True, "before": before}


def silent():
    """The request is taken, nothing comes until the fake ends."""
    return {"silent": True, "before": None}


def file_status(kind="FILE", length=0, mtime=1, **more):
    return {"FileStatus": {"type": kind, "length": length, "modificationTime": mtime,
                           "pathSuffix": "", "permission": "755", "owner": "o", "group": "g",
                           "blockSize": 1024, "replication": 1, "fileId": 1, **more}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def read_body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while True:
                line = self.rfile.readline()
                size = int(line, 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def handle_any(self):
        fake = self.server.fake
        where = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(where.query, keep_blank_values=True))
        operation = query.get("op", where.path)
        if where.path.startswith("/webhdfs/v1/dn/") or query.get("datanode"):
            operation = "DN_" + operation
        reply = fake.next(operation)
        with fake.lock:
            fake.seen.append({"op": operation, "method": self.command, "query": query,
                              "path": urllib.parse.unquote(where.path)[len("/webhdfs/v1"):],
                              "raw": self.path})
        if reply.get("drop_body"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = self.read_body()
        with fake.lock:
            fake.seen[-1]["body"] = body
        if reply["before"] is not None:
            reply["before"]()
        if reply.get("silent"):
            fake.ended.wait(60)
        if reply.get("silent") or reply.get("lost"):
            self.close_connection = True
            return
        self.send(reply)

    def send(self, reply):
        body = reply["body"]
        if body is None:
            body = b""
        elif not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(reply["status"])
        for name, value in reply["headers"].items():
            self.send_header(name, value.replace("SELF", self.server.fake.url))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.close_connection = reply["close"] or reply["cut"] is not None
        if reply["cut"] is not None:
            body = body[:reply["cut"]]
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = handle_any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that go away are part of the play


class FakeNameNode:
    def __init__(self):
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.script, self.seen = {}, []
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.fake = self
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.02})
        self.thread.start()

    def on(self, operation, *replies):
        with self.lock:
            self.script[operation] = list(replies)
        return self

    def redirect(self, operation, *replies):
        """The NameNode part of an operation points at this fake as the DataNode, which replies."""
        self.on(operation, answer(status=307, headers={
            "Location": "SELF/webhdfs/v1/ANOTHER?op=%s&datanode=1" % operation}))
        return self.on("DN_" + operation, *replies)

    def next(self, operation):
        with self.lock:
            replies = self.script.get(operation)
            if replies is None:
                return refuse("IllegalArgumentException", "Invalid value for webhdfs parameter "
                              "\"op\": %s is not a valid GET operation." % operation, 400)
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def operations(self, name=None):
        with self.lock:
            return [one for one in self.seen if name in (None, one["op"])]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
