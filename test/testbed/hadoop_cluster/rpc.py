"""The few Hadoop RPCs that a test needs from a NameNode, spoken directly (protobuf over Hadoop's
IPC, without security): a JVM for `haadmin` costs a second and a half, this a millisecond. Follows
hadoop-common's RpcHeader.proto, IpcConnectionContext.proto and HAServiceProtocol.proto."""
import os
import socket
import struct

HA = "org.apache.hadoop.ha.HAServiceProtocol"
CLIENT = "org.apache.hadoop.hdfs.protocol.ClientProtocol"
STATES = {0: "initializing", 1: "active", 2: "standby", 3: "observer"}
BY_USER, BY_USER_FORCED = 0, 1
MESSAGE_LIMIT = 1 << 20
# RpcRequestHeaderProto
KIND_PROTOBUF, CONNECTION_CALL = 2, -3


class RpcError(Exception):
    """The server's refusal. kind is the simple name of Hadoop's exception."""

    def __init__(self, name, message):
        self.kind, self.message = name.split(".")[-1].split("$")[-1], message.split("\n")[0]
        super().__init__("%s: %s" % (self.kind, self.message))


# --- protobuf ------------------------------------------------------------------------------------

def varint(number):
    out = bytearray()
    number &= (1 << 64) - 1
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(*fields):
    """(number, value) pairs: an int is a varint, text and bytes are of counted length."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def take_varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return number, at


def decode(data):
    """{number: value}; of a repeated field the last."""
    found, at = {}, 0
    while at < len(data):
        key, at = take_varint(data, at)
        if key & 7 == 0:
            found[key >> 3], at = take_varint(data, at)
            continue
        size, at = take_varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
        found[key >> 3], at = data[at:at + size], at + size
    return found


def delimited(message):
    return varint(len(message)) + message


def zigzag(number):
    return number << 1 ^ number >> 63


# --- a call --------------------------------------------------------------------------------------

def receive(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("the server closed the connection")
        data += more
    return data


def frame(*messages):
    body = b"".join(delimited(message) for message in messages)
    return struct.pack(">i", len(body)) + body


def call(address, protocol, method, request=b"", user="coeval", timeout_s=10):
    """One call on a connection of its own; the reply's bytes."""
    client = os.urandom(16)

    def header(number, retries):
        return encode((1, KIND_PROTOBUF), (2, 0), (3, zigzag(number)), (4, client),
                      (5, zigzag(retries)))

    with socket.create_connection(address, timeout=timeout_s) as connection:
        connection.sendall(
            b"hrpc\x09\x00\x00" +  # version 9, no service class, no SASL
            frame(header(CONNECTION_CALL, -1), encode((2, encode((1, user))), (3, protocol))) +
            frame(header(0, 0), encode((1, method), (2, protocol), (3, 1)), request))
        size = struct.unpack(">i", receive(connection, 4))[0]
        if not 0 < size <= MESSAGE_LIMIT:
            raise ConnectionError("a reply of %d bytes" % size)
        data = receive(connection, size)
    size, at = take_varint(data, 0)
    reply, at = decode(data[at:at + size]), at + size
    if reply.get(2, 0) != 0:
        raise RpcError(reply.get(4, b"").decode(), reply.get(5, b"").decode(errors="replace"))
    size, at = take_varint(data, at)
    return data[at:at + size]


# --- what is asked -------------------------------------------------------------------------------

def role(address, timeout_s=10):
    """'active', 'standby' ..: as `haadmin -getServiceState` says it."""
    reply = decode(call(address, HA, "getServiceStatus", timeout_s=timeout_s))
    return STATES[reply[1]]


def transition(address, wanted, forced=False, timeout_s=60):
    """As `haadmin -transitionToActive`, which asks nobody else before."""
    source = encode((1, BY_USER_FORCED if forced else BY_USER))
    method = {"active": "transitionToActive", "standby": "transitionToStandby"}[wanted]
    call(address, HA, method, encode((1, source)), timeout_s=timeout_s)


def make_zone(address, path, key):
    """As `hdfs crypto -createZone`, less the trash directory that it adds."""
    call(address, CLIENT, "createEncryptionZone", encode((1, path), (2, key)), timeout_s=30)


def recover_lease(address, path, user="coeval"):
    """As `hdfs debug recoverLease`: takes an open file from its writer. True when it is closed."""
    reply = decode(call(address, CLIENT, "recoverLease", encode((1, path), (2, "coeval-testbed")),
                        user=user))
    return bool(reply.get(1, 0))
