"""The network beyond a guest's bastion: peer.py ADDRESS4 ADDRESS6

Answers every request on ports 80 and 81 with a page, holds connections to 9000 open, and says of every name, by UDP
on port 53 of ADDRESS4, that it is at ADDRESS4 or ADDRESS6. Writes `ready` when all of it listens.
"""
import selectors
import socket
import sys

ADDRESSES = {1: socket.inet_aton(sys.argv[1]), 28: socket.inet_pton(socket.AF_INET6, sys.argv[2])}
PAGE = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello\n"
selector = selectors.DefaultSelector()
held = []


def listen(port):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    selector.register(server, selectors.EVENT_READ, accept)


def accept(server):
    peer, _ = server.accept()
    if server.getsockname()[1] == 9000:
        held.append(peer)
        return
    peer.settimeout(20)
    try:
        if peer.recv(4096):
            peer.sendall(PAGE)
    except OSError as error:
        print("peer:", error, file=sys.stderr, flush=True)
    peer.close()


def resolve(server):
    """RFC 1035, 4.1: the question again, and an answer that points at its name."""
    query, client = server.recvfrom(512)
    end = query.index(b"\0", 12) + 5
    address = ADDRESSES.get(int.from_bytes(query[end - 4:end - 2], "big"))
    answer = b"" if address is None else b"\xc0\x0c" + query[end - 4:end] + b"\0\0\0\x3c\0" + bytes([len(address)]) + address
    counts = b"\0\1\0" + bytes([address is not None]) + b"\0\0\0\0"
    server.sendto(query[:2] + b"\x81\x80" + counts + query[12:end] + answer, client)


for port in (80, 81, 9000):
    listen(port)
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind((sys.argv[1], 53))
selector.register(names, selectors.EVENT_READ, resolve)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        key.data(key.fileobj)
