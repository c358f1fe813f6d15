"""tcp_proxy.py before a small HTTP server: what it passes on is untouched, what it breaks is broken
at the byte that was ordered, and it counts both."""
import http.client
import http.server
import os
import random
import select
import socket
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from http_framing import Framing  # noqa: E402
from tcp_proxy import DOWN, UP, Proxy  # noqa: E402

import pytest  # noqa: E402

BODY = random.Random(7).randbytes(300000)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by op; keeps what it was given."""
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.server.seen.append(self.path)
        if "op=MOVED" in self.path:
            self.answer(307, Location="http://127.0.0.1:1/x%20?op=OPEN&at=127.0.0.1:1")
        elif "op=CHUNKED" in self.path:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (BODY[:10], BODY[10:]):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        elif "op=UNTIL_CLOSE" in self.path:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY)
            self.close_connection = True
        else:
            self.answer(200, BODY if "op=OPEN" in self.path else b"short")

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()

    def do_DELETE(self):
        self.server.seen.append(self.path)
        self.send_response(204)
        self.end_headers()

    def do_PUT(self):
        body = b""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(self.path)
        self.server.bodies.append(body)
        self.answer(201)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # connections that are cut are what we are here for


@pytest.fixture(name="server")
def make_server():
    server = Server(("127.0.0.1", 0), Handler)
    server.seen, server.bodies = [], []
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(name="proxy")
def make_proxy(server):
    with Proxy("http://127.0.0.1:%d" % server.server_port) as proxy:
        yield proxy


@pytest.fixture(name="client")
def make_client(proxy):
    client = http.client.HTTPConnection(*proxy.address, timeout=30)
    yield client
    client.close()


def ask(client, verb, target, body=None, **more):
    client.request(verb, target, body, **more)
    reply = client.getresponse()
    return reply.status, reply.read()


def until_end(connection):
    data = b""
    while part := connection.recv(1 << 16):
        data += part
    return data


def raw(proxy, text):
    connection = socket.create_connection(proxy.address, timeout=30)
    connection.sendall(text)
    return connection


GET = b"GET /f?op=OPEN HTTP/1.1\r\nHost: x\r\n\r\n"


# --- what passes ---------------------------------------------------------------------------------

def test_one_connection_many_kinds_of_exchange(server, proxy, client):
    assert ask(client, "GET", "/f?op=OPEN") == (200, BODY)
    assert ask(client, "GET", "/f?user.name=x&op=chunked") == (200, b"short")
    assert ask(client, "GET", "/f?op=CHUNKED") == (200, BODY)
    assert ask(client, "HEAD", "/f") == (200, b"")
    assert ask(client, "DELETE", "/f?op=DELETE") == (204, b"")
    assert ask(client, "PUT", "/f?op=CREATE", BODY) == (201, b"")
    assert ask(client, "PUT", "/f?op=CREATE", iter((BODY[:5], BODY[5:])),
               encode_chunked=True) == (201, b"")
    assert ask(client, "GET", "/f?op=UNTIL_CLOSE") == (200, BODY)
    assert server.bodies == [BODY, BODY]
    assert proxy.counts["connections"] == 1 and proxy.counts["requests"] == 8
    assert proxy.counts["requests CREATE"] == 2 and proxy.counts["requests CHUNKED"] == 2
    assert proxy.wait_for("up", 2 * len(BODY) + 1) and proxy.wait_for("down", 3 * len(BODY) + 1)


def test_interim_replies_and_pipelined_requests(server, proxy):
    head = (b"PUT /f?op=CREATE HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
            b"Expect: 100-continue\r\n\r\n")
    connection = raw(proxy, head)
    assert connection.recv(1 << 16).startswith(b"HTTP/1.1 100 ")
    connection.sendall(b"abc" + 3 * GET.replace(b"OPEN", b"SHORT") +
                       GET.replace(b"OPEN", b"UNTIL_CLOSE"))
    data = until_end(connection)
    assert data.count(b"HTTP/1.1 201 ") == 1 and data.count(b"short") == 3 and BODY in data
    assert server.bodies == [b"abc"] and proxy.counts["requests SHORT"] == 3
    connection.close()


@pytest.mark.parametrize("seed", range(20))
def test_framing_does_not_depend_on_how_bytes_arrive(seed):
    text = (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n12345\r\n"
            b"HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3;x=y\r\nab\n\r\n0\r\nTail: 1\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end")
    choose, framing, found, at = random.Random(seed), Framing(), [], 0
    while at < len(text):
        size = choose.choice((1, 2, 3, 30, 500))
        found += framing.feed(text[at:at + size])
        at += size
    assert b"".join(what.data if kind == "head" else what or b"" for kind, what in found) == text
    assert [what.status for kind, what in found if kind == "head"] == [100, 200, 204, 200, 200]
    assert [kind for kind, _ in found if kind != "body"] == [
        "head", "head", "end", "head", "end", "head", "end", "head"]


# --- what is broken ------------------------------------------------------------------------------

@pytest.mark.parametrize("count", [0, 1, 17, 100000])
def test_a_reply_is_cut_at_the_byte(proxy, count):
    whole = b"HTTP/1.1 200 OK"
    fault = proxy.cut(DOWN, after=count)
    connection = raw(proxy, GET)
    data = until_end(connection)
    assert len(data) == count and data.startswith(whole[:count])
    assert fault.wait() and proxy.counts["cut"] == 1 and proxy.counts["down"] == count
    connection.close()


@pytest.mark.parametrize("count", [0, 10, 1000])
def test_a_request_is_cut_at_the_byte(server, proxy, count):
    proxy.cut(UP, after=count)
    connection = raw(proxy, b"PUT /f?op=CREATE HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Length: 5000\r\n\r\n" + b"x" * 5000)
    assert until_end(connection) == b""
    assert proxy.counts["up"] == count and b"x" * 5000 not in server.bodies
    connection.close()


def test_a_cut_may_be_a_reset(proxy):
    proxy.cut(DOWN, after=5, reset=True)
    connection = raw(proxy, GET)
    with pytest.raises(ConnectionResetError):
        until_end(connection)
    connection.close()


def test_faults_are_of_an_operation_and_of_so_many(proxy, client):
    proxy.cut(DOWN, op="OPEN", times=2)
    assert ask(client, "GET", "/f?op=OTHER") == (200, b"short")
    for _ in range(2):
        with pytest.raises(ConnectionError):
            ask(client, "GET", "/f?op=open")
        client.close()
    assert ask(client, "GET", "/f?op=OPEN") == (200, BODY)
    assert proxy.counts["cut"] == 2


def test_a_dropped_reply_was_answered(server, proxy, client):
    fault = proxy.drop_reply("CREATE")
    with pytest.raises(http.client.RemoteDisconnected):
        ask(client, "PUT", "/f?op=CREATE", b"abc")
    assert fault.wait() and server.bodies == [b"abc"] and proxy.counts["dropped"] == 1
    client.close()
    assert ask(client, "PUT", "/f?op=CREATE", b"def") == (201, b"")


def test_an_interim_reply_is_not_the_one_that_is_dropped(server, proxy):
    proxy.drop_reply("CREATE")
    connection = raw(proxy, b"PUT /f?op=CREATE HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                     b"Expect: 100-continue\r\n\r\n")
    assert connection.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"abc")
    assert until_end(connection) == b"" and server.bodies == [b"abc"]
    connection.close()


@pytest.mark.parametrize("direction, after", [(UP, 0), (UP, 5), (DOWN, 0), (DOWN, 100)])
def test_what_is_held_waits_for_its_release(server, proxy, direction, after):
    fault = proxy.hold(direction, after=after)
    connection = raw(proxy, GET)
    assert fault.wait() and proxy.counts[direction] == after and proxy.counts["held"] == 1
    if direction == DOWN and after:
        connection.recv(after, socket.MSG_WAITALL)
    assert not select.select([connection], [], [], 0)[0]
    assert len(server.seen) == (direction == DOWN)
    proxy.release(fault)
    connection.sendall(GET.replace(b"OPEN", b"UNTIL_CLOSE"))  # the rest, and nothing is held twice
    assert until_end(connection).count(BODY) == 2
    connection.close()


def test_a_held_connection_can_be_cut(proxy):
    fault = proxy.hold(DOWN, after=10)
    connection = raw(proxy, GET)
    assert fault.wait()
    proxy.cut_all()
    assert len(until_end(connection)) == 10
    connection.close()


def test_redirects_go_through_the_other_proxy(proxy, client):
    client.request("GET", "/f?op=MOVED")
    reply = client.getresponse()
    reply.read()
    assert reply.getheader("Location") == "http://127.0.0.1:1/x%20?op=OPEN&at=127.0.0.1:1"
    with Proxy("http://127.0.0.1:1") as other:
        proxy.redirect(other)
        client.request("GET", "/f?op=MOVED")
        reply = client.getresponse()
        reply.read()
        assert reply.getheader("Location") == other.url + "/x%20?op=OPEN&at=127.0.0.1:1"
    assert proxy.counts["rewritten"] == 1


def test_nobody_is_let_in(proxy, client):
    assert ask(client, "GET", "/f") == (200, b"short")
    proxy.refuse()
    for _ in range(2):
        with pytest.raises(ConnectionError):
            ask(client, "GET", "/f")
        client.close()
    assert proxy.wait_for("refused")
    proxy.clear()
    assert ask(client, "GET", "/f") == (200, b"short")


def test_a_server_that_is_not_there(client):
    with Proxy("http://127.0.0.1:1") as proxy:
        connection = http.client.HTTPConnection(*proxy.address, timeout=30)
        with pytest.raises(ConnectionError):
            ask(connection, "GET", "/f")
        connection.close()
        assert proxy.wait_for("refused")
