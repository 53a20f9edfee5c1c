"""Connects in one of many ways, asks for a page, and tells what it saw.

dial.py WAY ADDRESS PORT MARK
Writes `peer ADDRESS PORT` (getpeername) and `page STATUS` to its output, or `errno NAME`.
"""
import errno
import os
import select
import socket
import sys

way, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
REQUEST = b"GET /dial HTTP/1.0\r\n\r\n"
IPPROTO_MPTCP = 262


def ask(peer, request=REQUEST):
    print("peer", *peer.getpeername()[:2], flush=True)
    if request:
        peer.sendall(request)
    page(peer)


def page(peer):
    answer = b""
    while chunk := peer.recv(65536):
        answer += chunk
    print("page", answer.split(b" ")[1].decode() if answer else "none", flush=True)


def plain():
    with socket.create_connection((address, port), timeout=10) as peer:
        ask(peer)


def nonblocking():
    with socket.socket(family, socket.SOCK_STREAM) as peer:
        peer.setblocking(False)
        code = peer.connect_ex((address, port))
        print("connect", errno.errorcode.get(code, code), flush=True)
        select.select([], [peer], [], 10)
        failed = peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            raise OSError(failed, os.strerror(failed))
        peer.setblocking(True)
        ask(peer)


def mptcp():
    with socket.socket(family, socket.SOCK_STREAM, IPPROTO_MPTCP) as peer:
        peer.connect((address, port))
        ask(peer)


def fastopen():
    with socket.socket(family, socket.SOCK_STREAM) as peer:
        peer.sendto(REQUEST, socket.MSG_FASTOPEN, (address, port))
        ask(peer, b"")


def mapped():
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as peer:
        peer.connect((f"::ffff:{address}", port))
        ask(peer)


def device():
    with socket.socket(family, socket.SOCK_STREAM) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")
        peer.connect((address, port))
        ask(peer)


def halfclose():
    """Everything is sent and closed before the answer is read."""
    with socket.create_connection((address, port), timeout=10) as peer:
        print("peer", *peer.getpeername()[:2], flush=True)
        peer.sendall(REQUEST)
        peer.shutdown(socket.SHUT_WR)
        page(peer)


def hold():
    """Stays connected until the other end closes; `closed` says that it did."""
    with socket.create_connection((address, port), timeout=60) as peer:
        print("connected", flush=True)
        try:
            data = peer.recv(1)
        except OSError as error:
            print("closed", errno.errorcode.get(error.errno, error.errno), flush=True)
            return
        print("closed" if not data else "data", flush=True)


def udp():
    with socket.socket(family, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"x", (address, port))
    print("sent", flush=True)


def udpmapped():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"x", (f"::ffff:{address}", port))
    print("sent", flush=True)


def udpconnected():
    with socket.socket(family, socket.SOCK_DGRAM) as peer:
        peer.connect((address, port))
        peer.send(b"x")
    print("sent", flush=True)


WAYS = (plain, nonblocking, mptcp, fastopen, mapped, device, halfclose, hold, udp, udpmapped, udpconnected)
try:
    {function.__name__: function for function in WAYS}[way]()
except OSError as error:
    print("errno", errno.errorcode.get(error.errno, error), flush=True)
    sys.exit(1)
