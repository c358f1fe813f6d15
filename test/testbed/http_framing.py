"""Where heads and bodies begin and end in one direction of an HTTP/1.1 connection: what
tcp_proxy.py needs to know of the bytes that it passes on. Nothing is added, nothing is lost."""

HEAD_LIMIT = 1 << 16


class Head:
    """A request's or reply's first lines."""

    def __init__(self, data):
        self.data = data
        lines = data.decode("latin-1").split("\r\n")
        self.words = lines[0].split(" ", 2)
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()

    @property
    def is_reply(self):
        return self.words[0].startswith("HTTP/")

    @property
    def status(self):
        return int(self.words[1])

    @property
    def is_interim(self):
        return self.is_reply and 100 <= self.status < 200

    def replaced(self, name, value):
        """The same head with another value of one header."""
        lines = [("%s: %s" % (line.split(":")[0], value))
                 if line.lower().startswith(name.lower() + ":") else line
                 for line in self.data.decode("latin-1").split("\r\n")]
        return Head("\r\n".join(lines).encode("latin-1"))


class Framing:
    """feed() yields (kind, what): ('head', Head), ('body', bytes), ('end', None)."""

    def __init__(self, is_head_only=lambda: False):
        self.is_head_only = is_head_only  # the reply that is about to begin answers a HEAD
        self.buffer, self.left, self.state = b"", 0, self._head

    def feed(self, data):
        self.buffer += data
        while True:
            before = (len(self.buffer), self.state)
            yield from self.state()
            if before == (len(self.buffer), self.state) or not self.buffer:
                return

    def _take(self, count):
        part, self.buffer = self.buffer[:count], self.buffer[count:]
        return part

    def _line(self):
        """A whole line, or nothing yet."""
        end = self.buffer.find(b"\r\n")
        return self._take(end + 2) if end >= 0 else b""

    def _head(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > HEAD_LIMIT:
                raise ValueError("a head of more than %d bytes" % HEAD_LIMIT)
            return
        head = Head(self._take(end + 4))
        self.state = self._body_of(head)
        yield "head", head
        if self.state == self._head and not head.is_interim:
            yield "end", None

    def _body_of(self, head):
        if head.is_reply and (head.is_interim or head.status in (204, 304) or self.is_head_only()):
            return self._head
        if "chunked" in head.headers.get("transfer-encoding", "").lower():
            return self._chunk
        if "content-length" in head.headers:
            self.left = int(head.headers["content-length"])
            return self._counted if self.left else self._head
        return self._rest if head.is_reply else self._head

    def _counted(self):
        part = self._take(self.left)
        self.left -= len(part)
        yield "body", part
        if self.left == 0:
            self.state = self._head
            yield "end", None

    def _chunk(self):
        line = self._line()
        if line:
            self.left = int(line.split(b";")[0], 16) + 2  # with the line end behind it
            self.state = self._chunk_data if self.left > 2 else self._trailer
            yield "body", line

    def _chunk_data(self):
        part = self._take(self.left)
        self.left -= len(part)
        if self.left == 0:
            self.state = self._chunk
        yield "body", part

    def _trailer(self):
        line = self._line()
        if line:
            yield "body", line
            if line == b"\r\n":
                self.state = self._head
                yield "end", None

    def _rest(self):
        yield "body", self._take(len(self.buffer))
