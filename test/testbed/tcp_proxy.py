"""A proxy before the HTTP port of a NameNode or datanode that breaks what it is told to break:

  with Proxy(cluster.url("nn")) as proxy:
      fault = proxy.drop_reply("RENAME")     # it is done; nobody is told
      ...
      assert fault.wait() and proxy.counts["dropped"] == 1

Faults are of exchanges (a request and its reply), chosen when the request's head has come: by `op`
of the query (None: any), the first `times` of them (None: all). Bytes count from the head's first.
Waiting is on events: fault.wait(), proxy.wait_for(). Runs in threads of the test's process.
"""
import collections
import socket
import struct
import threading
import urllib.parse

from http_framing import Framing

UP, DOWN = "up", "down"  # to the server; to the client
PIECE = 1 << 16
WAIT_S = 30


class Cut(Exception):
    """A fault ends this connection."""


class Fault:
    """One order to break something."""

    def __init__(self, kind, direction, after, op, times, reset):
        self.kind, self.direction, self.after = kind, direction, after
        self.op, self.times, self.reset = op, times, reset
        self.reached, self.released = threading.Event(), threading.Event()

    def wait(self, limit_s=WAIT_S):
        """True when it has struck."""
        return self.reached.wait(limit_s)

    def release(self):
        """What is held goes on; what would be, is not any more."""
        self.times = 0
        self.released.set()

    def takes(self, exchange):
        if self.op not in (None, exchange.op) or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Exchange:
    """A request on its way, and its reply."""

    def __init__(self, head):
        self.verb = head.words[0] if head else ""
        query = urllib.parse.urlsplit(head.words[1]).query if head else ""
        self.op = {name.lower(): value.upper() for name, value in
                   urllib.parse.parse_qsl(query)}.get("op")
        self.passed, self.faults = {UP: 0, DOWN: 0}, []

    def next_fault(self, direction):
        """The first that is to come in this direction."""
        coming = [fault for fault in self.faults if fault.direction == direction]
        return min(coming, key=lambda fault: fault.after, default=None)


class Link:
    """One connection of a client and the one to the server that belongs to it."""

    def __init__(self, proxy, client, server):
        self.proxy, self.ends = proxy, {UP: server, DOWN: client}
        self.pending, self.running = collections.deque(), 2
        self.is_cut, self.lock = threading.Event(), threading.Lock()

    def start(self):
        for work in (self._requests, self._replies):
            threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work):
        try:
            work()
        except (OSError, ValueError) as problem:
            self.cut(isinstance(problem, ConnectionResetError))
        except Cut:
            pass
        with self.lock:
            self.running -= 1
            if self.running == 0:
                for end in self.ends.values():
                    end.close()
                self.proxy._forget(self)

    def cut(self, reset=False):
        """Ends both connections; with reset the peers see RST and not an end."""
        with self.proxy.changed:
            self.is_cut.set()
            self.proxy.changed.notify_all()  # who is held
        for end in self.ends.values():
            try:
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
            except OSError:
                pass  # it has gone by itself

    def _requests(self):
        framing, current = Framing(), None
        while data := self.ends[DOWN].recv(PIECE):
            for kind, what in framing.feed(data):
                if kind == "head":
                    current = Exchange(what)
                    self.proxy._begin(current)
                    self.pending.append(current)
                    what = what.data
                if what:
                    self._pass(current, UP, what)
        self.ends[UP].shutdown(socket.SHUT_WR)

    def _replies(self):
        framing = Framing(lambda: bool(self.pending) and self.pending[0].verb == "HEAD")
        while data := self.ends[UP].recv(PIECE):
            for kind, what in framing.feed(data):
                current = self.pending[0] if self.pending else Exchange(None)
                if kind == "head":
                    self._drop(current, what)
                    what = self.proxy._rewrite(what).data
                if what:
                    self._pass(current, DOWN, what)
                if kind == "end" and self.pending:
                    self.pending.popleft()
                    self.proxy._count(replies=1)
        self.ends[DOWN].shutdown(socket.SHUT_WR)

    def _drop(self, exchange, head):
        for fault in exchange.faults:
            if fault.kind == "drop" and not head.is_interim:
                self._strike(fault, "dropped")

    def _strike(self, fault, name):
        self.proxy._count(**{name: 1})
        self.cut(fault.reset)
        fault.reached.set()
        raise Cut()

    def _pass(self, exchange, direction, data):
        while data:
            fault = exchange.next_fault(direction)
            room = len(data) if fault is None else max(0, fault.after - exchange.passed[direction])
            part, data = data[:room], data[room:]
            if part:
                self.ends[direction].sendall(part)
                exchange.passed[direction] += len(part)
                self.proxy._count(**{direction: len(part)})
            if fault is None or exchange.passed[direction] < fault.after:
                continue
            exchange.faults.remove(fault)
            if fault.kind == "cut":
                self._strike(fault, "cut")
            self._hold(fault)

    def _hold(self, fault):
        self.proxy._count(held=1)
        fault.reached.set()
        with self.proxy.changed:
            self.proxy.changed.wait_for(
                lambda: fault.released.is_set() or self.is_cut.is_set())
        if self.is_cut.is_set():
            raise Cut()


class Proxy:
    """One listening port before one server. counts: connections, refused, requests, `requests OP`,
    replies, up and down (bytes), cut, held, dropped, rewritten."""

    def __init__(self, server):
        where = urllib.parse.urlsplit(server)
        self.server = (where.hostname, where.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.url = "http://%s:%d" % self.address
        self.counts, self.faults = collections.Counter(), []
        self.redirects = {}  # host:port in a Location -> what the client is told instead
        self.is_refusing, self.is_over = False, False
        self.changed, self.links = threading.Condition(), set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- orders

    def cut(self, direction, after=0, op=None, times=1, reset=False):
        """The connection ends when so many bytes of the request (UP) or reply (DOWN) are passed."""
        return self._order("cut", direction, after, op, times, reset)

    def hold(self, direction, after=0, op=None, times=1):
        """Not a byte more goes on before release(fault)."""
        return self._order("hold", direction, after, op, times, False)

    def drop_reply(self, op, times=1, reset=False):
        """The server does it and answers; the client sees the connection end instead."""
        return self._order("drop", None, 0, op, times, reset)

    def redirect(self, other):
        """Locations that name the other proxy's server name that proxy from now on."""
        self.redirects["%s:%d" % other.server] = "%s:%d" % other.address

    def release(self, fault):
        with self.changed:
            fault.release()
            self.changed.notify_all()

    def clear(self):
        """Nothing is broken any more, what was held goes on."""
        with self.changed:
            for fault in self.faults:
                fault.release()
            self.faults.clear()
            self.is_refusing = False
            self.changed.notify_all()

    def refuse(self, reset=True):
        """New connections end at once, as do those that are open."""
        self.is_refusing = True
        self.cut_all(reset)

    def cut_all(self, reset=False):
        with self.changed:
            links = list(self.links)
        for link in links:
            link.cut(reset)

    def wait_for(self, name, count=1, limit_s=WAIT_S):
        """True when counts[name] has come to count."""
        with self.changed:
            return self.changed.wait_for(lambda: self.counts[name] >= count, limit_s)

    def close(self):
        self.is_over = True
        self.clear()
        self.cut_all()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    # --- what links ask and tell

    def _order(self, *words):
        fault = Fault(*words)
        with self.changed:
            self.faults.append(fault)
        return fault

    def _begin(self, exchange):
        with self.changed:
            exchange.faults = [fault for fault in self.faults if fault.takes(exchange)]
        self._count(**{"requests": 1, "requests %s" % exchange.op: 1})

    def _count(self, **more):
        with self.changed:
            self.counts.update(more)
            self.changed.notify_all()

    def _rewrite(self, head):
        location = head.headers.get("location", "")
        place = urllib.parse.urlsplit(location).netloc
        if place not in self.redirects:
            return head
        self._count(rewritten=1)
        return head.replaced("location", location.replace(place, self.redirects[place], 1))

    def _forget(self, link):
        with self.changed:
            self.links.discard(link)
            self.changed.notify_all()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            if self.is_refusing:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                self._count(refused=1)
                continue
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client):
        try:
            server = socket.create_connection(self.server)
        except OSError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            self._count(refused=1)
            return
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(self, client, server)
        with self.changed:
            self.links.add(link)
            self.counts["connections"] += 1
            self.changed.notify_all()
        link.start()
